# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""The series view: each living series is shown once in a sub-window."""

cimport cython
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport free

from collector.decode.native.recall cimport (
    Recall, recall_add, recall_close, recall_has, recall_open,
)
from collector.decode.native.rooms cimport moved, room_for

cdef enum:
    FIRST_ROOM = 64


@cython.final
cdef class SeriesTable:
    """Remembers which series were shown; see `decode.counting.SeriesTable`.

    Args:
        refresh: length of a sub-window in seconds.
        remembered: series remembered at most.
    """

    def __cinit__(self, double refresh, size_t remembered):
        self.refresh = refresh
        self.remembered = remembered
        if recall_open(&self.shown, remembered) < 0:
            raise MemoryError
        self.index = -1
        self.series = <SeriesRecord[:FIRST_ROOM]>room_for(FIRST_ROOM * sizeof(SeriesRecord))

    def __dealloc__(self):
        recall_close(&self.shown)
        if self.series is not None:
            free(&self.series[0])

    @property
    def forgotten(self):
        """Series that were forgotten before their sub-window had ended."""
        return self.earlier + self.shown.forgotten

    cdef int begin(self, double now) except -1:
        """Begin a slice, and with it perhaps a sub-window."""
        cdef int64_t index = <int64_t>(now // self.refresh)
        cdef Recall fresh
        if index != self.index:
            if recall_open(&fresh, self.remembered) < 0:
                raise MemoryError
            self.earlier += self.shown.forgotten
            recall_close(&self.shown)
            self.shown = fresh
            self.index = index
        return 0

    cdef int fresh(self, uint64_t hashed, SeriesRecord** record) except -1 nogil:
        """Whether a series was not yet shown; then also the record to fill in."""
        if recall_has(&self.shown, hashed):
            return False
        recall_add(&self.shown, hashed)
        if self.count >= <size_t>self.series.shape[0]:
            with gil:
                self.grow()
        record[0] = &self.series[self.count]
        self.count += 1
        return True

    cdef list take(self, object trace):
        """New series: point, metric's name, scope's name, resource, tag of the data, trace."""
        cdef uint32_t at
        cdef SeriesRecord* one
        taken = []
        for at in range(self.count):
            one = &self.series[at]
            taken.append((
                (<const char*>one.point)[: one.point_size],
                (<const char*>one.metric)[: one.metric_size].decode("utf-8", "replace"),
                (<const char*>one.scope)[: one.scope_size].decode("utf-8", "replace"),
                one.resource, one.data_tag, trace(one.item),
            ))
        self.count = 0
        return taken

    cdef int grow(self) except -1:
        cdef size_t count = self.series.shape[0] * 2
        cdef SeriesRecord* grown = <SeriesRecord*>moved(
            &self.series[0], self.count * sizeof(SeriesRecord), count * sizeof(SeriesRecord))
        self.series = <SeriesRecord[:count]>grown
        return 0
