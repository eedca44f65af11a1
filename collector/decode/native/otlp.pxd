# cython: language_level=3
"""The numbers of OTLP's fields, as tags, and how its small messages are read."""

from libc.stdint cimport int32_t, uint8_t, uint32_t
from libc.string cimport memset

from collector.decode.native.wire cimport Cursor, Field, inside, next_field


# Fields of AnyValue.
cdef enum:
    TEXT = 10
    BOOL = 16
    INTEGER = 24
    DOUBLE = 33
    ARRAY = 42
    MAP = 50
    BYTES = 58
    TEXT_INDEX = 64

# What a value is to the classification.
cdef enum:
    NOTHING = 0
    STRING = 1
    OTHER = 2


cdef inline bint is_value(uint32_t tag) noexcept nogil:
    return tag == TEXT or tag == BOOL or tag == INTEGER or tag == DOUBLE or tag == ARRAY \
        or tag == MAP or tag == BYTES or tag == TEXT_INDEX


cdef inline void read_value(Field* value, Field* inner) noexcept nogil:
    """What a value is, as the field that says it; tag 0 when it says nothing.

    There is one such field at most: bodies with several are rewritten before.
    """
    cdef Cursor cursor = inside(value)
    while next_field(&cursor, inner):
        if is_value(inner.tag):
            return
    inner.tag = 0


cdef inline int value_kind(Field* inner) noexcept nogil:
    """Whether a value is nothing, a string, or something else, as attributes are kept."""
    if inner.tag == TEXT:
        return STRING
    if inner.tag == BOOL or inner.tag == INTEGER or inner.tag == DOUBLE or inner.tag == ARRAY:
        return OTHER
    return NOTHING


cdef inline void read_pair(Field* pair, Field* key, Field* value) noexcept nogil:
    """The key and the value of an attribute, each empty when it is left out."""
    cdef Cursor cursor = inside(pair)
    cdef Field field
    key.start = NULL
    key.size = 0
    value.start = NULL
    value.size = 0
    while next_field(&cursor, &field):
        if field.tag == 10:
            key[0] = field
        elif field.tag == 18:
            value[0] = field


cdef inline void read_status(Field* message, int32_t* code, Field* text) noexcept nogil:
    cdef Cursor cursor = inside(message)
    cdef Field field
    while next_field(&cursor, &field):
        if field.tag == 18:
            text[0] = field
        elif field.tag == 24:
            code[0] = <int32_t>field.number


cdef inline bint is_data(uint32_t tag) noexcept nogil:
    """Gauge, sum, histogram, exponential histogram or summary of a metric."""
    return tag == 42 or tag == 58 or tag == 74 or tag == 82 or tag == 90


cdef inline uint32_t attributes_tag(uint32_t data) noexcept nogil:
    """Where a data point of a type of metric has its attributes."""
    return 74 if data == 74 else 10 if data == 82 else 58


cdef inline uint32_t exemplars_tag(uint32_t data) noexcept nogil:
    return 66 if data == 74 else 90 if data == 82 else 0 if data == 90 else 42


cdef inline bint is_set(const uint8_t* id, size_t size) noexcept nogil:
    """Whether an id is not all zero."""
    cdef size_t at
    for at in range(size):
        if id[at]:
            return True
    return False


cdef inline size_t first_characters(const uint8_t* text, size_t size, size_t characters)\
        noexcept nogil:
    """The bytes of the first so many characters of valid UTF-8."""
    cdef size_t at
    for at in range(size):
        if (text[at] & 0xC0) != 0x80:
            if characters == 0:
                return at
            characters -= 1
    return size


cdef inline void clear(Field* field) noexcept nogil:
    memset(field, 0, sizeof(Field))
