# cython: language_level=3
"""Attributes as nearly all are written: a short name, then one plain value and nothing else."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from collector.decode.native.otlp cimport BOOL, DOUBLE, INTEGER, TEXT
from collector.decode.native.wire cimport Field


cdef enum:
    KEY_TAG = 10         # of KeyValue
    VALUE_TAG = 18
    MORE = 0x80          # of a varint: another byte follows
    SMALLEST_PAIR = 6    # an empty name, and a value of two bytes


cdef inline const uint8_t* short_length(const uint8_t* at, const uint8_t* end, size_t* length)\
        noexcept nogil:
    """Read a length of one or two bytes, of which the first is there; NULL when it is longer."""
    if at[0] < MORE:
        length[0] = at[0]
        return at + 1
    if end - at >= 2 and at[1] < MORE:
        length[0] = <size_t>(at[0] & 0x7F) | <size_t>at[1] << 7
        return at + 2
    return NULL


cdef inline bint short_number(const uint8_t* at, const uint8_t* end, uint64_t* number)\
        noexcept nogil:
    """Read a varint of one or two bytes that ends where its message does."""
    if end - at == 1 and at[0] < MORE:
        number[0] = at[0]
        return True
    if end - at == 2 and at[0] >= MORE and at[1] < MORE:
        number[0] = <uint64_t>(at[0] & 0x7F) | <uint64_t>at[1] << 7
        return True
    return False


cdef inline bint usual_pair(Field* pair, Field* key, Field* inner) noexcept nogil:
    """Read an attribute that is written as usual; False says that it may yet be a good one.

    ``inner`` is what `otlp.read_value` makes of the value.
    """
    cdef const uint8_t* at = pair.start
    cdef const uint8_t* end = at + pair.size
    cdef size_t length
    if pair.size < SMALLEST_PAIR or at[0] != KEY_TAG or at[1] >= MORE \
            or at[1] > pair.size - SMALLEST_PAIR:
        return False
    key.tag = KEY_TAG
    key.start = at + 2
    key.size = at[1]
    at += 2 + key.size
    if at[0] != VALUE_TAG:
        return False
    at = short_length(at + 1, end, &length)
    if at == NULL or <size_t>(end - at) != length or length < 2:
        return False
    inner.tag = at[0]
    if inner.tag == TEXT:
        at = short_length(at + 1, end, &inner.size)
        inner.start = at
        return at != NULL and <size_t>(end - at) == inner.size
    if inner.tag == INTEGER or inner.tag == BOOL:
        return short_number(at + 1, end, &inner.number)
    if inner.tag == DOUBLE and length == 9:
        memcpy(&inner.number, at + 1, 8)
        return True
    return False
