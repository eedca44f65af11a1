# cython: language_level=3
"""Hashes of attribute values as `decode.anyvalue.plain` reads them: equal for equal values."""

from libc.stdint cimport uint8_t, uint64_t

from collector.decode.native.otlp cimport (
    ARRAY, BOOL, DOUBLE, INTEGER, TEXT, first_characters, read_value,
)
from collector.decode.native.wire cimport Cursor, Field, HashKey, hash_bytes, inside, mix, next_field


cdef enum:
    LONGEST = 8192  # characters of a text that is kept, as `anyvalue.LONGEST_TEXT`
    TEXT_SEED = 8

cdef extern from *:
    """
    /* Infinity, shifted so that its sign is gone; and what all NaN are read as. */
    #define TA_INFINITE 0xFFE0000000000000ULL
    #define TA_NAN 0x7FF8000000000000ULL
    """
    uint64_t INFINITE "TA_INFINITE"
    uint64_t NOT_A_NUMBER "TA_NAN"


cdef inline size_t kept_size(const uint8_t* text, size_t size) noexcept nogil:
    """The bytes of a text that are kept."""
    return size if size <= LONGEST else first_characters(text, size, LONGEST)


cdef inline uint64_t text_hash(const uint8_t* text, size_t size, const HashKey* key) noexcept nogil:
    return hash_bytes(text, kept_size(text, size), TEXT_SEED, key)


cdef inline uint64_t whole_hash(const uint8_t* text, size_t size, const HashKey* key)\
        noexcept nogil:
    """The same of all of a text, however long it is."""
    return hash_bytes(text, size, TEXT_SEED, key)


cdef inline uint64_t double_bits(uint64_t bits) noexcept nogil:
    """Equal for equal doubles: both zeros are one, and so is all that is not a number."""
    cdef uint64_t unsigned = bits << 1
    return 0 if unsigned == 0 else NOT_A_NUMBER if unsigned > INFINITE else bits


cdef inline uint64_t typed_hash(Field* inner, const HashKey* key) noexcept nogil:
    """Of a value, given as `otlp.read_value` reads it."""
    if inner.tag == TEXT:
        return text_hash(inner.start, inner.size, key)
    if inner.tag == ARRAY:
        return array_hash(inner, key)
    if inner.tag == BOOL:
        return mix(inner.number != 0, 9, key)
    if inner.tag == DOUBLE:
        return mix(double_bits(inner.number), DOUBLE, key)
    if inner.tag == INTEGER:
        return mix(inner.number, INTEGER, key)
    return mix(0, 7, key)


cdef inline uint64_t array_hash(Field* array, const HashKey* key) noexcept nogil:
    cdef Cursor cursor = inside(array)
    cdef Field field, inner
    cdef uint64_t hashed = mix(1, 10, key)
    while next_field(&cursor, &field):
        if field.tag == 10:
            read_value(&field, &inner)
            hashed = mix(hashed + 1, typed_hash(&inner, key), key)
    return hashed
