# cython: language_level=3
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from collector.decode.native.wire cimport HashKey


# What the text of a query says.
cdef struct Query:
    uint64_t text        # hash of the text itself
    uint64_t masked      # hash of the text without values; 0 when nothing is left
    uint32_t offset
    bint literal         # values stand in it


cdef class Statements:
    cdef HashKey secret
    cdef Query[::1] known
    cdef uint8_t[::1] masked     # and without values

    cdef Query* read(self, const uint8_t* text, size_t size, uint64_t hashed) except NULL nogil
    cdef size_t mask(self, const uint8_t* text, size_t size) except? 0 nogil


cdef uint32_t offset_in(const uint8_t* text, size_t size) noexcept nogil
