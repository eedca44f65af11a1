# cython: language_level=3
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from collector.decode.native.maps cimport Map
from collector.decode.native.recall cimport Recall
from collector.decode.native.wire cimport HashKey


# A span that waits: 56 bytes.
cdef struct SpanRecord:
    uint64_t span_id
    uint64_t parent_id
    uint64_t start
    uint64_t end
    uint64_t target
    uint32_t next
    uint32_t profile
    uint32_t resource
    uint8_t flags
    uint8_t target_kind
    uint16_t spare


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


# What the marks need to know of a profile; see `profiles.py`.
cdef struct ProfileRecord:
    uint32_t call       # equal for equal peer and operation
    uint32_t operation
    uint8_t kind
    uint8_t facts


cdef struct ResourceRecord:
    uint64_t identity   # equal for equal resources
    uint32_t service    # equal for equal services
    uint32_t name       # equal for equal service names


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


cdef class Traces:
    cdef bint busy           # another thread is in it
    cdef SpanRecord[::1] spans
    cdef TraceRecord[::1] traces
    cdef ProfileRecord[::1] profiles
    cdef ResourceRecord[::1] resources
    cdef uint64_t head, tail
    cdef uint32_t free_span, high_water
    cdef Map index
    cdef Recall seen
    cdef Recall awaited
    cdef HashKey secret
    cdef uint64_t rank_low, rank_high
    cdef double wait
    cdef uint32_t max_spans, max_per_trace
    cdef uint32_t wanted_marks, wanted_tallies
    cdef int halvings
    cdef readonly uint64_t open_spans, sampled_out, over_trace_bound, repeated, not_shown
    cdef uint32_t max_shown
    cdef uint8_t wanted_orphans
    cdef OrphanRecord[::1] orphans
    cdef size_t orphan_count
    cdef Map local
    cdef Map calls
    cdef uint32_t[::1] order
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
    cdef uint32_t marks(self, TraceRecord* trace, uint64_t n, bint whole) except? 0xFFFFFFFF nogil
    cdef int failed_sibling(self, uint64_t n) except -1 nogil
    cdef int repeated_server(self, uint64_t n) except -1 nogil
    cdef int count(self, SpanRecord* span, int64_t arrived) except -1 nogil
    cdef int tally(self, int kind, uint32_t service, uint32_t call, int64_t arrived) except -1 nogil
    cdef int show(self, TraceRecord* trace, uint32_t marks, bint waited, uint64_t n) except -1 nogil
    cdef int note_absent(self, uint64_t key, uint64_t parent) except -1 nogil
    cdef int note_orphan(self, TraceRecord* trace, SpanRecord* span) except -1 nogil
    cdef int check_turn(self) except -1
    cdef bint is_due(self, double until) noexcept nogil
    cdef uint64_t _call_key(self, SpanRecord* span, uint32_t call) except? 0 nogil
    cdef uint64_t _mask(self) noexcept nogil
    cdef void _pass_gone(self) noexcept nogil
    cdef _grow_traces(self)
    cdef _grow_order(self)
    cdef _grow_absent(self)
    cdef _grow_orphans(self)
    cdef _grow_tallies(self)
    cdef _grow_shown(self, size_t n)
