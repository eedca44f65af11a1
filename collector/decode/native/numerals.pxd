# cython: language_level=3
"""Whole numbers as text, and texts as whole numbers, as `collector.semconv.integer` reads them."""

from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy

from collector.decode.native.otlp cimport DOUBLE, INTEGER, TEXT, first_characters
from collector.decode.native.wire cimport Field


cdef enum:
    LONGEST_INTEGER = 20     # characters of a text that is read as a number
    LONGEST_ROOM = 20

cdef extern from *:
    """
    #define TA_MOST 0xFFFFFFFFFFFFFFFFULL
    """
    uint64_t MOST_NUMBER "TA_MOST"


cdef inline size_t numeral(int64_t number, uint8_t* room) noexcept nogil:
    """Write a number in decimal; how many bytes, at most 20."""
    cdef uint8_t[LONGEST_ROOM] digits
    cdef uint64_t left = <uint64_t>number if number >= 0 else 0 - <uint64_t>number
    cdef size_t count = 0, size = 0
    while True:
        digits[count] = <uint8_t>(c"0" + left % 10)
        count += 1
        left //= 10
        if not left:
            break
    if number < 0:
        room[0] = c"-"
        size = 1
    while count:
        count -= 1
        room[size] = digits[count]
        size += 1
    return size


cdef inline size_t space_size(const uint8_t* at, const uint8_t* end) noexcept nogil:
    """The bytes of the white space that stands here in valid UTF-8, as Python strips it; or 0."""
    cdef uint8_t first = at[0], second, third
    if first == 32 or 9 <= first <= 13 or 28 <= first <= 31:
        return 1
    if first < 0xC2 or end - at < 2:
        return 0
    second = at[1]
    if first == 0xC2:
        return 2 if second == 0x85 or second == 0xA0 else 0
    if end - at < 3:
        return 0
    third = at[2]
    if first == 0xE1:
        return 3 if second == 0x9A and third == 0x80 else 0
    if first == 0xE3:
        return 3 if second == 0x80 and third == 0x80 else 0
    if first != 0xE2:
        return 0
    if second == 0x80:
        return 3 if third <= 0x8A or third == 0xA8 or third == 0xA9 or third == 0xAF else 0
    return 3 if second == 0x81 and third == 0x9F else 0


cdef inline uint64_t text_number(const uint8_t* text, size_t size) noexcept nogil:
    """The number that a text is, with white space around it; 0 when it is none."""
    cdef const uint8_t* at = text
    cdef const uint8_t* end = text + size
    cdef const uint8_t* digits
    cdef uint64_t number = 0
    if first_characters(text, size, LONGEST_INTEGER) != size:
        return 0
    while at < end and space_size(at, end):
        at += space_size(at, end)
    digits = at
    while at < end and c"0" <= at[0] <= c"9":
        if number > (MOST_NUMBER - 9) // 10:
            number = MOST_NUMBER
        else:
            number = number * 10 + at[0] - c"0"
        at += 1
    while at < end and space_size(at, end):
        at += space_size(at, end)
    return number if at == end else 0


cdef inline uint64_t integer_of(Field* value) noexcept nogil:
    """A value as a number, 0 when it is none or below; see `collector.semconv.integer`."""
    cdef double number
    if value.tag == INTEGER:
        return <uint64_t>value.number if <int64_t>value.number > 0 else 0
    if value.tag == DOUBLE:
        memcpy(&number, &value.number, 8)
        return <uint64_t>number if 0 < number < 9223372036854775808.0 else 0
    return text_number(value.start, value.size) if value.tag == TEXT else 0
