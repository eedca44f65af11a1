# cython: language_level=3
"""Reading protobuf's wire format: every read is checked against the end of its message."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy


cdef struct Cursor:
    const uint8_t* at
    const uint8_t* end
    bint bad           # what was read is not protobuf; nothing more is read


cdef struct Field:
    uint32_t tag       # number << 3 | wire type
    uint64_t number    # of a varint or a fixed field
    const uint8_t* start
    size_t size        # of a length-delimited field


cdef enum:
    VARINT = 0
    FIXED64 = 1
    DELIMITED = 2
    FIXED32 = 5


# As protobuf's own decoder: longer encodings are refused.
cdef enum:
    LONGEST_VARINT = 10
    LONGEST_TAG = 5
    LONGEST_LENGTH = 5
    LARGEST_LENGTH = 0x7FFFFFFF
    LARGEST_TAG = 0xFFFFFFFF


cdef inline Cursor cursor_of(const uint8_t* start, size_t size) noexcept nogil:
    cdef Cursor cursor
    cursor.at = start
    cursor.end = start + size
    cursor.bad = False
    return cursor


cdef inline Cursor inside(Field* field) noexcept nogil:
    """A cursor over a length-delimited field."""
    return cursor_of(field.start, field.size)


cdef inline uint64_t varint(Cursor* cursor, int longest) noexcept nogil:
    """A varint of so many bytes at most; sets `bad` when it is longer or cut off."""
    cdef uint64_t value = 0
    cdef uint8_t byte
    cdef int read = 0
    while cursor.at < cursor.end and read < longest:
        byte = cursor.at[0]
        cursor.at += 1
        value |= <uint64_t>(byte & 0x7F) << (7 * read)
        if byte < 0x80:
            return value
        read += 1
    cursor.bad = True
    return 0


cdef inline bint next_field(Cursor* cursor, Field* field) noexcept nogil:
    """Read a field; False at the end of the message and at what is not protobuf."""
    cdef const uint8_t* at = cursor.at
    if cursor.end - at >= 2 and (at[0] & 0x87) == DELIMITED and at[0] >= 8 and at[1] < 0x80 \
            and at[1] <= cursor.end - at - 2 and not cursor.bad:
        field.tag = at[0]
        field.size = at[1]
        field.start = at + 2
        cursor.at = at + 2 + field.size
        return True
    return any_field(cursor, field)


cdef inline bint any_field(Cursor* cursor, Field* field) noexcept nogil:
    """Read a field of any kind, whatever the length of its tag and its own."""
    cdef uint64_t number
    cdef size_t left
    if cursor.bad or cursor.at >= cursor.end:
        return False
    number = cursor.at[0]
    if number < 0x80:
        cursor.at += 1
    else:
        number = varint(cursor, LONGEST_TAG)
    field.tag = <uint32_t>number
    if number < 8 or number > <uint64_t>LARGEST_TAG:
        cursor.bad = True
        return False
    number &= 7
    if number == DELIMITED:
        if cursor.at < cursor.end and cursor.at[0] < 0x80:
            field.size = cursor.at[0]
            cursor.at += 1
        else:
            field.size = varint(cursor, LONGEST_LENGTH)
        left = cursor.end - cursor.at
        if cursor.bad or field.size > left or field.size > <size_t>LARGEST_LENGTH:
            cursor.bad = True
            return False
        field.start = cursor.at
        cursor.at += field.size
    elif number == VARINT:
        field.number = varint(cursor, LONGEST_VARINT)
    elif number == FIXED64 or number == FIXED32:
        left = 8 if number == FIXED64 else 4
        if <size_t>(cursor.end - cursor.at) < left:
            cursor.bad = True
            return False
        field.number = 0
        memcpy(&field.number, cursor.at, left)  # little-endian, as are the machines we know
        cursor.at += left
    else:  # groups, which OTLP never had, and wire types that do not exist
        cursor.bad = True
    return not cursor.bad


cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>

    /* The secrets of one process: no sender can choose keys or values that collide. */
    typedef struct { uint64_t mix[4]; } HashKey;

    static inline uint64_t ta_fold(uint64_t a, uint64_t b) {
        __uint128_t product = (__uint128_t)a * b;
        return (uint64_t)product ^ (uint64_t)(product >> 64);
    }
    static inline uint64_t ta_load(const uint8_t *p, size_t n) {
        uint64_t v = 0;
        memcpy(&v, p, n);
        return v;
    }
    /* Multiply and fold, with secret operands throughout: a known operand could be chosen
       to cancel the other one. */
    static inline uint64_t ta_hash(const uint8_t *p, size_t n, uint64_t seed, const HashKey *key) {
        uint64_t state = seed ^ ta_fold(n ^ key->mix[0], key->mix[1]);
        uint64_t a = 0, b = 0;
        while (n > 16) {
            state = ta_fold(ta_load(p, 8) ^ key->mix[2], ta_load(p + 8, 8) ^ state ^ key->mix[3]);
            p += 16;
            n -= 16;
        }
        if (n > 8) { a = ta_load(p, 8); b = ta_load(p + n - 8, 8); }
        else if (n >= 4) { a = ta_load(p, 4); b = ta_load(p + n - 4, 4); }
        else if (n) { a = ((uint64_t)p[0] << 16) | ((uint64_t)p[n >> 1] << 8) | p[n - 1]; }
        return ta_fold(a ^ key->mix[1] ^ n, ta_fold(b ^ key->mix[2], state ^ key->mix[3]));
    }
    static inline uint64_t ta_mix(uint64_t a, uint64_t b, const HashKey *key) {
        return ta_fold(a ^ key->mix[0], b ^ key->mix[3]);
    }
    """
    ctypedef struct HashKey:
        uint64_t mix[4]
    uint64_t hash_bytes "ta_hash" (const uint8_t*, size_t, uint64_t, const HashKey*) noexcept nogil
    uint64_t mix "ta_mix" (uint64_t, uint64_t, const HashKey*) noexcept nogil
    uint64_t fold "ta_fold" (uint64_t, uint64_t) noexcept nogil


cdef extern from *:
    """
    #if defined(__SSE2__)
    #include <emmintrin.h>
    #define TA_WINDOW 64
    /* One bit for each of 64 bytes, set where it is not ASCII. */
    static inline uint64_t ta_wide(const uint8_t *at) {
        uint64_t a = (uint32_t)_mm_movemask_epi8(_mm_loadu_si128((const __m128i *)at));
        uint64_t b = (uint32_t)_mm_movemask_epi8(_mm_loadu_si128((const __m128i *)(at + 16)));
        uint64_t c = (uint32_t)_mm_movemask_epi8(_mm_loadu_si128((const __m128i *)(at + 32)));
        uint64_t d = (uint32_t)_mm_movemask_epi8(_mm_loadu_si128((const __m128i *)(at + 48)));
        return a | b << 16 | c << 32 | d << 48;
    }
    #else
    #define TA_WINDOW 8
    static inline uint64_t ta_wide(const uint8_t *at) {
        uint64_t eight;
        memcpy(&eight, at, 8);
        return ((eight & 0x8080808080808080ULL) >> 7) * 0x0102040810204080ULL >> 56;
    }
    #endif
    """
    enum: WINDOW "TA_WINDOW"
    uint64_t wide_bytes "ta_wide" (const uint8_t*) noexcept nogil


cdef inline bint is_utf8(const uint8_t* at, size_t size, const uint8_t* end) noexcept nogil:
    """Whether bytes are UTF-8 as Python and protobuf read it (RFC 3629).

    ``end`` says up to where memory may be read, NULL that it is unknown. Most strings are short
    and ASCII; they are told by one look at a whole window, whatever their length.
    """
    cdef size_t done = 0
    if end == NULL or end - at < WINDOW:
        return is_wide_utf8(at, size)
    if size < WINDOW:
        if wide_bytes(at) & ((<uint64_t>1 << size) - 1) == 0:
            return True
        return is_wide_utf8(at, size)
    while size - done >= WINDOW:
        if wide_bytes(at + done):
            return is_wide_utf8(at, size)
        done += WINDOW
    # Some bytes are looked at twice.
    return wide_bytes(at + size - WINDOW) == 0 or is_wide_utf8(at, size)


cdef inline bint is_wide_utf8(const uint8_t* at, size_t size) noexcept nogil:
    """The same byte by byte."""
    cdef const uint8_t* end = at + size
    cdef uint64_t eight
    cdef uint8_t first, second
    cdef int more
    while True:
        while end - at >= 8:
            memcpy(&eight, at, 8)
            if eight & 0x8080808080808080ULL:
                break
            at += 8
        while at < end and at[0] < 0x80:
            at += 1
        if at >= end:
            return True
        first = at[0]
        more = 1 if 0xC2 <= first <= 0xDF else 2 if 0xE0 <= first <= 0xEF else 3
        if first < 0xC2 or first > 0xF4 or end - at <= more:
            return False
        second = at[1]
        if second < 0x80 or second > 0xBF:
            return False
        if (
            (first == 0xE0 and second < 0xA0)
            or (first == 0xED and second > 0x9F)
            or (first == 0xF0 and second < 0x90)
            or (first == 0xF4 and second > 0x8F)
        ):
            return False
        if more > 1 and (at[2] & 0xC0) != 0x80:
            return False
        if more > 2 and (at[3] & 0xC0) != 0x80:
            return False
        at += more + 1
