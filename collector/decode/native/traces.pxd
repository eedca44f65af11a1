# cython: language_level=3
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from collector.decode.native.generations cimport Generations
from collector.decode.native.maps cimport Map
from collector.decode.native.notes cimport Notes
from collector.decode.native.recall cimport Recall
from collector.decode.native.table cimport Seen, SpanRecord, SpanTable


cdef struct TraceRecord:
    uint64_t low
    uint64_t high
    uint64_t key
    uint64_t rank
    double arrived
    uint32_t first
    uint32_t last
    uint32_t count
    bint truncated      # a count of 0 says that it is gone


cdef struct TallyRecord:
    int64_t arrived
    uint32_t service
    uint32_t call
    uint32_t count
    uint8_t kind


cdef struct ShownRecord:
    TraceRecord trace
    uint32_t marks
    bint waited
    size_t spans        # where they begin
    size_t missing
    uint32_t missing_count


# A span whose parent did not arrive.
cdef struct OrphanRecord:
    uint64_t low
    uint64_t high
    uint64_t parent_id
    double arrived
    uint32_t resource
    bint remote


cdef class Traces(SpanTable):
    cdef TraceRecord[::1] traces
    cdef uint64_t head, tail
    cdef uint32_t free_span, high_water
    cdef Map index
    cdef Recall seen
    cdef Recall awaited
    cdef Generations producers  # ends of PRODUCER spans
    cdef Generations watched
    cdef readonly bint want_ages
    cdef Notes notes
    cdef uint64_t rank_low, rank_high
    cdef double wait
    cdef uint32_t max_spans, max_per_trace
    cdef uint32_t wanted_tallies
    cdef int halvings
    cdef double[64] admitted  # when traces of a level were last let in after they had been kept out
    cdef readonly uint64_t open_spans, sampled_out, over_trace_bound, repeated, not_shown
    cdef uint32_t max_shown
    cdef uint8_t wanted_orphans
    cdef OrphanRecord[::1] orphans
    cdef size_t orphan_count
    cdef uint64_t[::1] absent
    cdef uint32_t absent_count
    cdef Map tally_index
    cdef TallyRecord[::1] tallies
    cdef readonly uint32_t tally_count
    cdef ShownRecord[::1] shown
    cdef SpanRecord[::1] shown_spans
    cdef uint64_t[::1] shown_missing
    cdef size_t shown_count, shown_span_count, shown_missing_count

    cdef uint64_t trace_key(self, uint64_t low, uint64_t high) noexcept nogil
    cdef void expect(self, uint64_t low, uint64_t high, SpanRecord* span) noexcept nogil
    cdef int add(self, uint64_t low, uint64_t high, SpanRecord* span, double now) except -1 nogil
    cdef int open_trace(self, uint64_t low, uint64_t high, uint64_t key, double now,
                        TraceRecord** opened) except -1 nogil
    cdef bint kept(self, uint64_t rank) noexcept nogil
    cdef int sample_down(self) except -1 nogil
    cdef int drop(self, TraceRecord* trace) except -1 nogil
    cdef int make_room(self) except -1 nogil
    cdef int compact(self) except -1 nogil
    cdef uint64_t bring_in(self, uint64_t at, double until) noexcept nogil
    cdef int finish(self, double until, double now, uint64_t most) except -1 nogil
    cdef int judge(self, TraceRecord* trace, bint waited) except -1 nogil
    cdef uint64_t distinct(self, uint64_t n) except? 0 nogil
    cdef uint32_t look(self, TraceRecord* trace, uint64_t n, bint whole, Seen* seen)\
        except? 0xFFFFFFFF nogil
    cdef int tell_age(self, TraceRecord* trace, SpanRecord* span) except -1 nogil
    cdef uint64_t identity_of(self, uint64_t low, uint64_t high, uint64_t span_id) noexcept nogil
    cdef int count(self, SpanRecord* span, int64_t arrived) except -1 nogil
    cdef int tally(self, int kind, uint32_t service, uint32_t call, int64_t arrived) except -1 nogil
    cdef int show(self, TraceRecord* trace, uint32_t marks, bint waited, uint64_t n) except -1 nogil
    cdef int note_absent(self, uint64_t key, uint64_t parent) except -1 nogil
    cdef int note_orphan(self, TraceRecord* trace, SpanRecord* span) except -1 nogil
    cdef bint is_due(self, double until) noexcept nogil
    cdef uint64_t _mask(self) noexcept nogil
    cdef void _pass_gone(self) noexcept nogil
    cdef _grow_traces(self)
    cdef _grow_absent(self)
    cdef _grow_orphans(self)
    cdef _grow_tallies(self)
    cdef _grow_shown(self, size_t n)
