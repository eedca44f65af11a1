# cython: language_level=3
from libc.stdint cimport uint32_t, uint64_t

from collector.decode.native.table cimport Seen, SpanTable

cdef uint32_t marks_of(SpanTable table, uint64_t n, Seen* seen) except? 0xFFFFFFFF nogil
