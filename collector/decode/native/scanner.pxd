# cython: language_level=3
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from collector.decode.native.calls cimport Call
from collector.decode.native.details cimport Details
from collector.decode.native.keys cimport Keys
from collector.decode.native.maps cimport Map
from collector.decode.native.profiles cimport Profiles
from collector.decode.native.series cimport SeriesTable
from collector.decode.native.shapes cimport Shapes
from collector.decode.native.statements cimport Statements
from collector.decode.native.table cimport SpanRecord
from collector.decode.native.texts cimport Texts
from collector.decode.native.traces cimport Traces
from collector.decode.native.values cimport Values
from collector.decode.native.wire cimport Cursor, Field, HashKey


cdef enum:
    SIGNALS = 3
    ODDITIES = 6
    MOST = 1000          # keys of one item that are looked at


cdef enum Level:
    REQUEST
    SCOPES
    ITEMS
    POINTS


# How far a request was read.
cdef struct Position:
    int signal
    Level level
    Cursor request, block, scope, data
    uint32_t data_tag        # type of the metric whose points are read
    Field sender             # the resource
    uint64_t sender_hash
    uint32_t resource
    uint64_t identity        # of the resource
    const uint8_t* scope_name
    size_t scope_size
    const uint8_t* metric_name
    size_t metric_size


cdef struct RowRecord:
    size_t start             # address of the item in the body
    size_t size
    uint32_t resource


cdef struct WaitingSpan:
    SpanRecord record
    uint64_t low
    uint64_t high


cdef class Reading:
    cdef bytes body
    cdef Position at


cdef class Scanner:
    cdef readonly Keys keys
    cdef readonly Values values
    cdef readonly Texts texts
    cdef readonly Shapes shapes
    cdef readonly SeriesTable series
    cdef readonly Profiles profiles
    cdef readonly Traces traces
    cdef Statements statements
    cdef Details details
    cdef HashKey secret
    cdef object intern
    cdef bint busy
    cdef Reading owner       # of what was gathered and not yet taken
    cdef bytes body
    cdef Position at
    cdef Map resource_index
    cdef Map events          # names of events that a row selection asks for
    cdef double now
    cdef bint want_traces, want_series, mask_servers
    cdef bint[3] want_shapes
    cdef int[3] want_rows
    cdef uint64_t[6] oddities
    cdef uint64_t slice_items, items, own, item_number, steps
    cdef double renewed
    # the item that is being read
    cdef uint32_t before, key_count, pairs
    cdef uint64_t shape_sum, label_sum, name_hash
    cdef bint present        # a key, or an event, that a row selection asks for
    cdef bint nameless       # a key that has no number
    cdef uint32_t[::1] item_keys
    cdef uint64_t[::1] item_labels
    cdef uint8_t[::1] trace_ids
    # what the slice has gathered
    cdef RowRecord[::1] rows
    cdef uint32_t row_count
    cdef WaitingSpan[::1] spans
    cdef uint32_t span_count

    cdef int enter(self) except -1
    cdef void leave(self) noexcept
    cdef int start_slice(self, double now) except -1
    cdef int walk(self) except -1 nogil
    cdef int item(self, Field* field) except -1 nogil
    cdef int open_block(self, Field* block) except -1 nogil
    cdef int find_resource(self) except -1 nogil
    cdef int scope_info(self, Field* scope) except -1 nogil
    cdef void no_item(self) noexcept nogil
    cdef uint64_t count_items(self, Cursor block) noexcept nogil
    cdef void open_item(self) noexcept nogil
    cdef void set_name(self, const uint8_t* name, size_t size) noexcept nogil
    cdef int attribute(self, Field* pair, int place, Call* call, bint labels) except -1 nogil
    cdef int note_key(self, uint32_t number, uint64_t label) except -1 nogil
    cdef int note_shape(self, int kind, int32_t status, int severity, int flags) except -1 nogil
    cdef int span(self, Field* message) except -1 nogil
    cdef bint valid_id(self, Field* field, size_t size, int oddity) noexcept nogil
    cdef int event(self, Field* message) except -1 nogil
    cdef int link(self, Field* message, uint64_t* linked) except -1 nogil
    cdef int waiting(self, Field* message, Call* call, SpanRecord* record, int kind,
                     int32_t status) except -1 nogil
    cdef int candidate(self, Field* message) except -1 nogil
    cdef int log(self, Field* message) except -1 nogil
    cdef int body_keys(self, Field* entries) except -1 nogil
    cdef int metric(self, Field* message) except -1 nogil
    cdef int point(self, Field* message) except -1 nogil
    cdef int exemplar(self, Field* message, bint traced) except -1 nogil
    cdef int label_set(self, Field* message) except -1 nogil
    cdef list rows_taken(self)
    cdef int grow_spans(self) except -1
    cdef int grow_rows(self) except -1
