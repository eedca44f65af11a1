# cython: language_level=3
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from collector.decode.native.recall cimport Recall


cdef struct SeriesRecord:
    size_t point             # addresses in the body
    size_t point_size
    size_t metric
    size_t metric_size
    size_t scope
    size_t scope_size
    uint32_t resource
    uint32_t data_tag        # type of the metric
    uint32_t item


cdef class SeriesTable:
    cdef Recall shown
    cdef size_t remembered
    cdef double refresh
    cdef int64_t index
    cdef uint64_t earlier
    cdef SeriesRecord[::1] series
    cdef uint32_t count

    cdef int begin(self, double now) except -1
    cdef int fresh(self, uint64_t hashed, SeriesRecord** record) except -1 nogil
    cdef list take(self, object trace)
    cdef int grow(self) except -1
