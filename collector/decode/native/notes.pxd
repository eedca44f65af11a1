# cython: language_level=3
from libc.stdint cimport uint32_t, uint64_t

from collector.decode.native.table cimport Seen, SpanRecord, SpanTable


# A single span that is shown.
cdef struct NoteRecord:
    SpanRecord span
    uint64_t low         # of the trace
    uint64_t high
    double arrived
    uint32_t kind
    bint effect


cdef class Notes:
    cdef NoteRecord[::1] taken
    cdef size_t count

    cdef int gather(self, SpanTable table, uint64_t n, Seen* seen, uint64_t low, uint64_t high,
                    double arrived) except -1 nogil
    cdef int simple(self, SpanTable table, uint64_t n) except -1 nogil
    cdef int dual_writes(self, SpanTable table, uint64_t n) except -1 nogil
    cdef int add(self, SpanRecord* span, int kind, bint effect) except -1 nogil
    cdef int grow(self) except -1
    # the trace that is looked at
    cdef uint64_t low, high
    cdef double arrived
