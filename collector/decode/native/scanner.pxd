# cython: language_level=3
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from collector.decode.native.keys cimport Key, Keys
from collector.decode.native.maps cimport Map, Memory
from collector.decode.native.traces cimport SpanRecord, Traces
from collector.decode.native.values cimport Values
from collector.decode.native.wire cimport Cursor, Field, HashKey


cdef enum:
    SIGNALS = 3
    PLACES = 13
    ODDITIES = 6
    TARGETS = 7
    MOST = 1000          # keys of one item that are looked at


cdef enum Level:
    REQUEST
    SCOPES
    ITEMS
    POINTS


cdef struct Target:
    uint64_t hash
    const uint8_t* text
    size_t size
    int kind
    bint empty           # or no string


# What the attributes of one span say of its call; sums do not depend on their order.
cdef struct Call:
    uint64_t sum
    uint64_t peer_sum
    uint64_t path_sum    # with the ids in paths masked
    uint64_t raw_sum
    bint route
    bint server_route
    Target[7] targets


cdef struct ShapeRecord:
    size_t name          # address in the body, until it was handed over
    size_t keys
    uint32_t key_count
    uint32_t name_size
    uint32_t resource
    uint32_t items       # in this slice
    uint32_t item        # the first that has a trace id
    int32_t status
    uint8_t kind
    uint8_t severity
    uint8_t flags


cdef struct SeriesRecord:
    size_t point
    size_t point_size
    size_t metric
    size_t metric_size
    size_t scope
    size_t scope_size
    uint32_t resource
    uint32_t data_tag
    uint32_t item


cdef struct RowRecord:
    size_t start
    size_t size
    uint32_t resource


cdef struct WaitingSpan:
    SpanRecord record
    uint64_t low
    uint64_t high


cdef struct NewProfile:
    size_t start
    size_t size
    uint32_t number


# How far a request was read.
cdef struct Position:
    int signal
    Level level
    Cursor request, block, scope, data
    uint32_t data_tag        # type of the metric whose points are read
    Field sender             # the resource
    uint32_t resource
    uint64_t identity        # of the resource
    const uint8_t* scope_name
    size_t scope_size
    const uint8_t* metric_name
    size_t metric_size


cdef class Reading:
    cdef bytes body
    cdef Position at


cdef class Scanner:
    cdef readonly Keys keys
    cdef readonly Values values
    cdef readonly Traces traces
    cdef HashKey secret
    cdef object intern
    cdef bint busy, ready
    cdef bytes body
    cdef Position at
    cdef Map resource_index
    cdef double now
    cdef bint want_traces, want_series, mask_servers
    cdef bint[3] want_shapes
    cdef int[3] want_rows
    cdef bint[13] places
    cdef uint64_t[6] oddities
    cdef uint64_t slice_items, items, own, item_number
    cdef uint32_t most_keys, most_shapes
    cdef uint64_t empty_key
    # the item that is being read
    cdef uint32_t before, item_key_count, item_pairs
    cdef uint64_t shape_sum, label_sum
    cdef bint present
    cdef uint32_t[::1] item_keys
    cdef uint64_t[::1] item_labels
    cdef uint8_t[::1] trace_ids
    cdef uint8_t[::1] path
    cdef size_t path_used
    # what the slice has gathered
    cdef Map shape_index
    cdef ShapeRecord[::1] shapes
    cdef uint32_t[::1] shape_keys
    cdef uint32_t[::1] touched
    cdef uint32_t shape_count, shape_key_count, touched_count
    cdef list shape_objects
    cdef Memory shown
    cdef double series_refresh
    cdef int64_t series_index
    cdef uint64_t turns
    cdef SeriesRecord[::1] series
    cdef uint32_t series_count
    cdef RowRecord[::1] rows
    cdef uint32_t row_count
    cdef WaitingSpan[::1] spans
    cdef uint32_t span_count
    cdef Map profile_index
    cdef NewProfile[::1] fresh
    cdef uint32_t fresh_count
    cdef uint32_t[::1] free_profiles
    cdef uint32_t free_count
    cdef readonly uint32_t profile_count

    cdef int enter(self) except -1
    cdef void leave(self) noexcept
    cdef int start_slice(self, double now) except -1
    cdef int forget_shapes(self) except -1
    cdef bint walk(self) except? True nogil
    cdef int item(self, Field* field) except -1 nogil
    cdef int open_block(self, Field* block) except -1 nogil
    cdef bint find_resource(self) except? True nogil
    cdef int push_bounded(self, const uint8_t* key, size_t key_size) except -1 with gil
    cdef int scope_info(self, Field* scope) except -1 nogil
    cdef void no_item(self) noexcept nogil
    cdef uint64_t count_items(self, Cursor block) noexcept nogil
    cdef int plain_text(self, const uint8_t* text, size_t size, int place) except -1 nogil
    cdef int texts_of_pair(self, Field* pair, int place) except -1 nogil
    cdef int texts(self, Field* value, uint64_t key_hash, const uint8_t* key, size_t key_size,
                   int place) except -1 nogil
    cdef int nested(self, Field* outer, int place) except -1 nogil
    cdef int long_path(self, Field* key, Field* value, int place) except -1 with gil
    cdef str _trace(self, uint32_t item)
    cdef int nested_value(self, Field* value, int place) except -1 nogil
    cdef int push(self, const uint8_t* text, size_t size) except -1 nogil
    cdef void open_item(self) noexcept nogil
    cdef void set_name(self, const uint8_t* name, size_t size) noexcept nogil
    cdef int attribute(self, Field* pair, int place, Call* call, bint labels) except -1 nogil
    cdef int label_again(self, uint32_t number, uint64_t hashed) except -1 nogil
    cdef uint64_t typed_hash(self, Field* value) except? 0 nogil
    cdef uint64_t array_hash(self, Field* array) except? 0 nogil
    cdef int learn(self, Call* call, Key* key, Field* value) except -1 nogil
    cdef int learn_target(self, Call* call, uint32_t roles, int kind, Field* text, Field* value)\
        except -1 nogil
    cdef void target(self, Call* call, SpanRecord* record) noexcept nogil
    cdef int shape(self, int kind, int32_t status, int severity, int flags, const uint8_t* name,
                   size_t name_size) except -1 nogil
    cdef int span(self, Field* message) except -1 nogil
    cdef bint valid_id(self, Field* field, size_t size, int oddity) noexcept nogil
    cdef int event(self, Field* message) except -1 nogil
    cdef int link(self, Field* message) except -1 nogil
    cdef int waiting(self, Field* message, Call* call, SpanRecord* record, int kind,
                     int32_t status, Field* name) except -1 nogil
    cdef int64_t new_profile(self, uint64_t hashed, Field* message) except -1 nogil
    cdef int candidate(self, Field* message) except -1 nogil
    cdef int log(self, Field* message) except -1 nogil
    cdef int log_body(self, Field* body) except -1 nogil
    cdef int metric(self, Field* message) except -1 nogil
    cdef int point(self, Field* message) except -1 nogil
    cdef bint exemplar(self, Field* message, bint traced) except? True nogil
    cdef int label_set(self, Field* message) except -1 nogil
    cdef int grow_shapes(self) except -1
    cdef int grow_touched(self) except -1
    cdef int grow_spans(self) except -1
    cdef int grow_fresh(self) except -1
    cdef int grow_rows(self) except -1
    cdef int grow_series(self) except -1
    cdef int grow_path(self, size_t needed) except -1
