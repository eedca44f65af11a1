# cython: language_level=3
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from collector.decode.native.maps cimport Map
from collector.decode.native.wire cimport HashKey


# A span that waits: 64 bytes.
cdef struct SpanRecord:
    uint64_t span_id
    uint64_t parent_id
    uint64_t start
    uint64_t end
    uint64_t target      # of SERVER spans the fingerprint; of CONSUMER spans the first link, then
                         # the age of the message
    uint64_t extra       # the identity, where `kinds` tells of one; else offset, and rows << 32
    uint32_t next
    uint32_t profile
    uint32_t resource
    uint8_t flags
    uint8_t kinds        # of the target, the identity and the batch, two bits each
    uint16_t tenant


cdef enum:
    TARGET_KIND = 3      # in `SpanRecord.kinds`
    IDENTITY_SHIFT = 2
    IDENTITY_KIND = 12
    BATCH_SHIFT = 4
    BATCH_SIZE = 48

# What there is to know of a profile.
cdef enum:
    FAILED = 1
    RETRY = 2
    PROBE = 4
    SELECTED = 8
    CACHE_READ = 16
    CACHE_ANSWER = 32
    EFFECT = 64          # it changes data or publishes a message
    OUTBOX = 128         # it writes to an outbox
    READ = 256
    BEGIN = 512
    DATABASE = 1024
    QUERY = 2048         # the text of its query is known
    GAVE_UP = 4096       # it timed out, or was cancelled
    REMOVES = 8192       # its effect is a removal


# What marks and notes need to know of a profile; see `collector.decode.profiles`.
cdef struct ProfileRecord:
    uint32_t call        # equal for equal peer and operation
    uint32_t operation
    uint32_t query       # equal for equal peer and text of the query
    uint16_t facts
    uint16_t notes       # bits of the kinds that may be made of its spans
    uint8_t kind


cdef struct ResourceRecord:
    uint64_t identity    # equal for equal resources
    uint32_t service     # equal for equal services
    uint32_t name        # equal for equal service names


# As `collector.demand.Bounds`.
cdef struct Bounds:
    uint64_t call
    uint64_t load
    uint64_t age
    uint64_t outlives
    uint64_t transaction
    uint64_t repeated
    uint64_t offset
    uint64_t rows


# What the spans of a trace have among them, gathered in one pass.
cdef struct Seen:
    uint32_t facts       # of any profile
    uint32_t kinds       # bits of kinds of spans
    uint32_t notes       # kinds that may be made of any
    uint32_t tenants
    uint64_t failures    # failed CLIENT spans with a parent
    uint64_t servers     # SERVER spans with a parent
    uint64_t queries


cdef class SpanTable:
    cdef bint busy              # another thread is in it
    cdef HashKey secret
    cdef SpanRecord[::1] spans
    cdef ProfileRecord[::1] profiles
    cdef ResourceRecord[::1] resources
    cdef Bounds bounds
    cdef uint32_t wanted_marks, wanted_notes
    # the trace that is judged
    cdef uint32_t[::1] order    # its spans
    cdef uint32_t[::1] above    # of each, one more than the place of its parent in `order`; or 0
    cdef uint32_t[::1] scratch  # of each, what a mark or note needs
    cdef Map local              # from span ids to places in `order`
    cdef Map calls              # emptied before each use

    cdef int check_turn(self) except -1
    cdef int clear_scratch(self, uint64_t n) except -1 nogil
    cdef uint64_t call_key(self, SpanRecord* span, uint32_t call) except? 0 nogil
    cdef uint64_t call_key_under(self, uint64_t parent_id, SpanRecord* span, uint32_t call)\
        except? 0 nogil
    cdef int same_service(self, SpanRecord* one, SpanRecord* other) except -1 nogil
    cdef _grow_order(self)


cdef enum:
    HIGHEST = 64         # ancestors that are looked at


cdef inline uint64_t ended(SpanRecord* span) noexcept nogil:
    """The end of a span; a clock that ran backwards does not put it before the start."""
    return span.end if span.end > span.start else span.start


cdef inline uint64_t took(SpanRecord* span) noexcept nogil:
    return ended(span) - span.start
