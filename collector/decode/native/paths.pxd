# cython: language_level=3
"""Hashes of paths and queries without what differs from call to call.

Two paths with equal hashes here read alike after `collector.classify.mask_path`; where that is
in doubt the whole text is hashed, which costs a look-up and is never wrong.
"""

from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memchr, memcpy

from collector.decode.native.otlp cimport first_characters
from collector.decode.native.wire cimport HashKey, hash_bytes, mix


cdef enum:
    LONGEST_MASKED = 512
    SCHEME_WITHIN = 64
    UUID_LENGTH = 36
    LONG_HEX = 16
    LONG_TOKEN = 20


cdef extern from *:
    """
    #include <stdint.h>

    /* What a byte is, as numbers in 16 bits each that are summed over a text of at most 512. */
    #define TA_DIGIT 1ULL
    #define TA_HEX (1ULL << 16)
    #define TA_TOKEN (1ULL << 32)
    #define TA_AT (1ULL << 48)

    static inline uint64_t ta_kind(uint8_t byte) {
        uint8_t low = byte | 32;
        uint64_t digit = (uint8_t)(byte - '0') < 10;
        uint64_t letter = (uint8_t)(low - 'a') < 26;
        uint64_t hex = (uint8_t)(low - 'a') < 6;
        uint64_t token = digit | letter | (byte == '_') | (byte == '-');
        return digit | (digit | hex) << 16 | token << 32 | (uint64_t)(byte == '@') << 48;
    }
    """
    uint64_t kind_of "ta_kind" (uint8_t) noexcept nogil


cdef inline bint is_digit(uint8_t byte) noexcept nogil:
    return c"0" <= byte <= c"9"


cdef inline bint is_word(uint8_t byte) noexcept nogil:
    return is_digit(byte) or c"a" <= (byte | 32) <= c"z" or byte == c"_"


cdef inline bint reads_as_id(const uint8_t* text, size_t size, uint64_t kinds) noexcept nogil:
    """Whether a segment of a path reads ``{id}``; ``kinds`` is summed over its bytes."""
    cdef size_t digits = kinds & 0xFFFF
    cdef size_t hexes = (kinds >> 16) & 0xFFFF
    cdef size_t tokens = (kinds >> 32) & 0xFFFF
    if size == 0:
        return False
    if digits == size or kinds >> 48 or (hexes == size and size >= LONG_HEX):
        return True
    if size == UUID_LENGTH and hexes == UUID_LENGTH - 4 and text[8] == c"-" and text[13] == c"-" \
            and text[18] == c"-" and text[23] == c"-":
        return True
    return size >= LONG_TOKEN and tokens == size and digits > 0


cdef inline bint is_plain(const uint8_t* text, size_t size) noexcept nogil:
    """Whether a text holds visible ASCII alone."""
    cdef size_t at = 0
    cdef uint64_t eight, odd = 0
    while at + 8 <= size:
        memcpy(&eight, text + at, 8)
        odd |= (eight | ((eight - 0x2121212121212121ULL) & ~eight)) & 0x8080808080808080ULL
        at += 8
    while at < size:
        odd |= text[at] <= 0x20 or text[at] >= 0x80
        at += 1
    return odd == 0


cdef inline size_t after_scheme(const uint8_t* text, size_t size) noexcept nogil:
    """Where the ``://`` of a scheme ends, 0 when there is none: a path or query may hold a URL."""
    cdef size_t at
    cdef uint8_t byte
    for at in range(size):
        byte = text[at]
        if byte == c"/" or byte == c"?" or byte == c"#":
            return 0
        if byte == c":" and at + 2 < size and text[at + 1] == c"/" and text[at + 2] == c"/":
            return at + 3
    return 0


cdef inline uint64_t path_hash(const uint8_t* text, size_t size, uint64_t* authority,
                               const HashKey* key) noexcept nogil:
    """The hash of a URL's or target's path with its ids masked; the authority has its own."""
    cdef size_t at, start, segment
    cdef uint64_t state = 0, kinds
    authority[0] = 0
    if size > LONGEST_MASKED or not is_plain(text, size):
        return hash_bytes(text, size, 1, key)
    start = after_scheme(text, size)
    if start > SCHEME_WITHIN:
        return hash_bytes(text, size, 1, key)
    if start:
        while start < size and text[start] != c"/":
            if text[start] == c"?" or text[start] == c"#":
                return hash_bytes(text, size, 1, key)
            start += 1
        authority[0] = hash_bytes(text, start, 2, key)
    elif size >= 2 and text[0] == c"/" and text[1] == c"/":
        return hash_bytes(text, size, 1, key)
    segment = start
    while True:
        at = segment
        kinds = 0
        while at < size and text[at] != c"/" and text[at] != c"?" and text[at] != c"#":
            kinds += kind_of(text[at])
            at += 1
        if segment > start and reads_as_id(text + segment, at - segment, kinds):
            state = mix(state + 1, 1, key)
        else:
            state = mix(state + 1, hash_bytes(text + segment, at - segment, 3, key), key)
        if at == size or text[at] != c"/":
            return state
        segment = at + 1


cdef inline bint has_placeholder(const uint8_t* text, size_t size) noexcept nogil:
    """Whether something stands in a query for a value: ?, $1, :name, @name, %s, %(name)s."""
    cdef size_t at
    cdef uint8_t byte, following, before
    for at in range(size):
        byte = text[at]
        if byte == c"?":
            return True
        if byte != c"$" and byte != c":" and byte != c"@" and byte != c"%" or at + 1 == size:
            continue
        following = text[at + 1]
        if byte == c"%":
            if following == c"s" or following == c"(":
                return True
            continue
        before = text[at - 1] if at else 0
        if is_word(following) and not is_word(before) and before != c":" and before != c'"':
            return True
    return False


cdef inline bint has_literal(const uint8_t* text, size_t size, size_t longest) noexcept nogil:
    """Whether a query holds a quoted text or a number, and no placeholder."""
    cdef const uint8_t* quote
    cdef size_t at = 0
    cdef bint number
    if size == 0 or has_placeholder(text, size):
        return False
    if size > longest:
        size = first_characters(text, size, longest)
    quote = <const uint8_t*>memchr(text, c"'", size)
    if quote != NULL and memchr(quote + 1, c"'", text + size - quote - 1) != NULL:
        return True
    while at < size:
        if not is_word(text[at]):
            at += 1
            continue
        number = True
        while at < size and is_word(text[at]):
            number = number and is_digit(text[at])
            at += 1
        if number:
            return True
    return False
