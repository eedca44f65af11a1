# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""The walk over a request: each item is read once, and only what is new is kept.

Bodies were checked before (`check.Checker`), so nothing here refuses: an item that could not be
read would end where its reading stopped.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp, memcpy, memset

from collector.decode.native.keys cimport (
    ROLE_CALL, ROLE_PATH, ROLE_PATH_OLD, ROLE_PEER, ROLE_QUERY, ROLE_ROUTE, ROLE_ROW,
    ROLE_SERVER_ROUTE, ROLE_SQL, ROLE_SQL_OLD, ROLE_URL, ROLE_URL_OLD, Key, Keys,
)
from collector.decode.native.maps cimport (
    Map, Memory, map_clear, map_close, map_get, map_put, memory_add, memory_clear, memory_has,
)
from collector.decode.native.paths cimport has_literal, path_hash
from collector.decode.native.traces cimport SpanRecord, Traces
from collector.decode.native.values cimport Values
from collector.decode.native.wire cimport (
    Cursor, Field, HashKey, cursor_of, hash_bytes, inside, is_utf8, mix, next_field,
)

from collector.decode.native.otlp cimport (
    ARRAY, BOOL, BYTES, DOUBLE, INTEGER, MAP, NOTHING, STRING, TEXT, attributes_tag, clear,
    exemplars_tag, first_characters, is_data, is_set, is_value, read_pair, read_status, value_kind,
)

from collector.decode.anyvalue import LONGEST_TEXT, bounded
from collector.views import Flag, Place

cdef enum:
    FIRST_ROOM = 64
    TRACES = 0
    LOGS = 1
    METRICS = 2
    SERVER_KIND = 2
    CLIENT_KIND = 3
    PRODUCER_KIND = 4
    HAS_IS_REMOTE = 0x100   # SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK of opentelemetry-proto
    IS_REMOTE = 0x200
    LONGEST = 8192          # characters of a text that is kept, as `anyvalue.LONGEST_TEXT`
    LONGEST_NAME = 256
    LONGEST_QUERY = 4096
    TARGET_URL = 1
    TARGET_QUERY = 2
    TARGET_LITERAL = 3
    TARGET_ROLES = (ROLE_URL | ROLE_URL_OLD | ROLE_PATH | ROLE_PATH_OLD | ROLE_QUERY | ROLE_SQL
                    | ROLE_SQL_OLD)

cdef enum:
    SLOT_URL
    SLOT_URL_OLD
    SLOT_PATH
    SLOT_PATH_OLD
    SLOT_QUERY
    SLOT_SQL
    SLOT_SQL_OLD

cdef enum:
    ODD_TRACE_ID
    ODD_SPAN_ID
    ODD_PARENT_ID
    ODD_OWN_PARENT
    ODD_END
    ODD_FUTURE

cdef double ONE_DAY = 86_400e9

_ODDITIES = ("trace_id_length", "span_id_length", "parent_span_id_length", "own_parent",
             "end_before_start", "start_in_future")
_PLACES = tuple(Place)

cdef int SPAN_ATTRIBUTE = _PLACES.index(Place.SPAN_ATTRIBUTE)
cdef int SPAN_NAME = _PLACES.index(Place.SPAN_NAME)
cdef int SPAN_STATUS = _PLACES.index(Place.SPAN_STATUS)
cdef int TRACE_STATE = _PLACES.index(Place.TRACE_STATE)
cdef int EVENT_NAME = _PLACES.index(Place.EVENT_NAME)
cdef int EVENT_ATTRIBUTE = _PLACES.index(Place.EVENT_ATTRIBUTE)
cdef int LINK_ATTRIBUTE = _PLACES.index(Place.LINK_ATTRIBUTE)
cdef int LOG_BODY = _PLACES.index(Place.LOG_BODY)
cdef int LOG_ATTRIBUTE = _PLACES.index(Place.LOG_ATTRIBUTE)
cdef int METRIC_LABEL = _PLACES.index(Place.METRIC_LABEL)
cdef int METRIC_TEXT = _PLACES.index(Place.METRIC_TEXT)
cdef int RESOURCE_ATTRIBUTE = _PLACES.index(Place.RESOURCE_ATTRIBUTE)
cdef int SCOPE_ATTRIBUTE = _PLACES.index(Place.SCOPE_ATTRIBUTE)

cdef int HAS_TRACE_ID = int(Flag.TRACE_ID)
cdef int HAS_SPAN_ID = int(Flag.SPAN_ID)
cdef int HAS_PARENT = int(Flag.PARENT)
cdef int PARENT_IS_LOCAL = int(Flag.PARENT_LOCAL)
cdef int PARENT_IS_REMOTE = int(Flag.PARENT_REMOTE)
cdef int HAS_BODY = int(Flag.BODY)
cdef int BODY_IS_MAP = int(Flag.BODY_MAP)
cdef int LINKS = int(Flag.LINKS)

if LONGEST_TEXT != LONGEST or len(_PLACES) != PLACES:
    raise ImportError("the compiled decoder is older than the package; build it again")


cdef class Reading:
    """A request and how far it was read."""


cdef class Scanner:
    """Reads requests into the tables of the views. One thread at a time; see `decoder.py`.

    Args:
        setup: what is demanded, and the bounds.
        intern: makes a resource of its bytes: its number, and whether it is the auditor's own.
    """

    def __cinit__(self, setup, intern):
        cdef int index
        for index in range(4):
            self.secret.mix[index] = setup.secret[index]
        self.keys = Keys(setup.secret, setup.roles, setup.most_keys)
        self.values = Values(setup.secret, setup.remembered_values, setup.max_value_length)
        self.traces = Traces(
            setup.secret, setup.rank, setup.trace_wait, setup.max_spans,
            setup.max_spans_per_trace, setup.marks, setup.tallies,
        )
        self.shown.half = max(1, setup.remembered_series // 2)
        self.series_refresh = setup.series_refresh
        self.series_index = -1
        self.slice_items = setup.slice_items
        self.most_keys = setup.most_keys
        self.intern = intern
        self.want_traces = setup.want_traces
        self.want_series = setup.want_series
        self.mask_servers = setup.mask_servers
        for index in range(SIGNALS):
            self.want_shapes[index] = setup.shapes[index]
            self.want_rows[index] = setup.rows[index]
        for index in range(PLACES):
            self.places[index] = setup.places[index]
        self.most_shapes = setup.most_shapes
        self.empty_key = self.keys.hash_of(NULL, 0)
        self.shapes = <ShapeRecord[:FIRST_ROOM]>room_for(FIRST_ROOM * sizeof(ShapeRecord))
        self.shape_keys = <uint32_t[:FIRST_ROOM]>room_for(FIRST_ROOM * sizeof(uint32_t))
        self.touched = <uint32_t[:FIRST_ROOM]>room_for(FIRST_ROOM * sizeof(uint32_t))
        self.series = <SeriesRecord[:FIRST_ROOM]>room_for(FIRST_ROOM * sizeof(SeriesRecord))
        self.rows = <RowRecord[:FIRST_ROOM]>room_for(FIRST_ROOM * sizeof(RowRecord))
        self.spans = <WaitingSpan[:FIRST_ROOM]>room_for(FIRST_ROOM * sizeof(WaitingSpan))
        self.fresh = <NewProfile[:FIRST_ROOM]>room_for(FIRST_ROOM * sizeof(NewProfile))
        self.path = <uint8_t[:FIRST_ROOM]>room_for(FIRST_ROOM)
        self.item_keys = <uint32_t[: 2 * MOST + 2]>room_for((2 * MOST + 2) * sizeof(uint32_t))
        self.item_labels = <uint64_t[: MOST + 1]>room_for((MOST + 1) * sizeof(uint64_t))
        # One item may be over the bound of a slice; the first stands for none.
        self.trace_ids = <uint8_t[: (self.slice_items + 2) * 16]>room_for(
            (self.slice_items + 2) * 16)
        self.ready = True

    def __dealloc__(self):
        map_close(&self.resource_index)
        map_close(&self.shape_index)
        map_close(&self.profile_index)
        memory_clear(&self.shown)
        if self.ready:
            free(&self.shapes[0])
            free(&self.shape_keys[0])
            free(&self.touched[0])
            free(&self.series[0])
            free(&self.rows[0])
            free(&self.spans[0])
            free(&self.fresh[0])
            free(&self.path[0])
            free(&self.item_keys[0])
            free(&self.item_labels[0])
            free(&self.trace_ids[0])

    @property
    def series_turns(self):
        """How often series were forgotten before their sub-window had ended."""
        return self.turns + self.shown.turns

    # ------------------------------------------------------------------ one request

    def begin(self, bytes body not None, int signal):
        """Take a checked body; `read` goes through it."""
        cdef Reading reading = Reading.__new__(Reading)
        memset(&reading.at, 0, sizeof(Position))
        reading.body = body
        reading.at.signal = signal
        reading.at.level = REQUEST
        reading.at.request = cursor_of(<const uint8_t*><const char*>body, len(body))
        return reading

    def read(self, Reading reading not None, double now):
        """Read up to the end of a slice; whether there is more of the request."""
        cdef bint more
        self.enter()
        try:
            self.body = reading.body
            self.at = reading.at
            self.start_slice(now)
            if self.at.level != REQUEST:
                self.find_resource()  # its number may be another's since the last slice
            with nogil:
                more = self.walk()
            reading.at = self.at
            return more
        finally:
            self.leave()

    cdef int enter(self) except -1:
        """Two threads in one scanner would each see half of the other's item."""
        if self.busy:
            raise RuntimeError("a scanner serves one thread at a time")
        self.busy = True
        return 0

    cdef void leave(self) noexcept:
        self.busy = False

    cdef int start_slice(self, double now) except -1:
        cdef int64_t index = <int64_t>(now // self.series_refresh)
        if index != self.series_index:
            self.turns += self.shown.turns
            self.series_index = index
            memory_clear(&self.shown)
            self.shown.turns = 0
        self.now = now
        self.items = self.own = 0
        memset(&self.trace_ids[0], 0, 16)
        memset(self.oddities, 0, sizeof(self.oddities))
        if self.keys.trim() or self.shape_count > self.most_shapes:
            self.forget_shapes()
        return 0

    cdef int forget_shapes(self) except -1:
        map_clear(&self.shape_index)
        self.shape_count = self.shape_key_count = self.touched_count = 0
        self.shape_objects = []
        return 0

    cdef bint walk(self) except? True nogil:
        """Go on where the last slice ended; True at the end of a slice, False at the very end."""
        cdef Field field
        while True:
            if self.items >= self.slice_items or self.keys.used > 2 * self.most_keys + MOST:
                return True
            if self.at.level == POINTS:
                if not next_field(&self.at.data, &field):
                    self.at.level = ITEMS
                elif field.tag == 10:
                    self.point(&field)
            elif self.at.level == ITEMS:
                if not next_field(&self.at.scope, &field):
                    self.at.level = SCOPES
                elif field.tag == 10:
                    self.scope_info(&field)
                elif field.tag == 18:
                    self.item(&field)
            elif self.at.level == SCOPES:
                if not next_field(&self.at.block, &field):
                    self.at.level = REQUEST
                elif field.tag == 18:
                    self.at.scope = inside(&field)
                    self.at.scope_name = NULL
                    self.at.scope_size = 0
                    self.at.level = ITEMS
            else:
                if not next_field(&self.at.request, &field):
                    return False
                if field.tag == 10:
                    self.open_block(&field)

    cdef int item(self, Field* field) except -1 nogil:
        if self.at.signal == TRACES:
            return self.span(field)
        if self.at.signal == LOGS:
            return self.log(field)
        return self.metric(field)

    # ------------------------------------------------------------------ resource and scope

    cdef int open_block(self, Field* block) except -1 nogil:
        """Read who sent what follows."""
        cdef Cursor cursor = inside(block)
        cdef Field field
        clear(&self.at.sender)
        while next_field(&cursor, &field):
            if field.tag == 10:
                self.at.sender = field
                break
        self.at.block = inside(block)
        if self.find_resource():
            self.own += self.count_items(self.at.block)
            return 0
        self.no_item()
        cursor = inside(&self.at.sender)
        while next_field(&cursor, &field):
            if field.tag == 10:
                self.texts_of_pair(&field, RESOURCE_ATTRIBUTE)
        self.at.level = SCOPES
        return 0

    cdef bint find_resource(self) except? True nogil:
        """Look up who sent the block; True when it is the auditor itself."""
        cdef const uint8_t* start = self.at.sender.start
        cdef size_t size = self.at.sender.size
        cdef uint64_t hashed = hash_bytes(start, size, 4, &self.secret)
        cdef int64_t number = map_get(&self.resource_index, hashed)
        if number < 0:
            with gil:
                number = self.intern(PyBytes_FromStringAndSize(<const char*>start, size))
                map_put(&self.resource_index, hashed, <uint32_t>number)
        self.at.resource = <uint32_t>(number >> 1)
        self.at.identity = mix(self.traces.resources[self.at.resource].identity, 5, &self.secret)
        return number & 1

    cdef int scope_info(self, Field* scope) except -1 nogil:
        cdef Cursor cursor = inside(scope)
        cdef Field field
        self.no_item()
        while next_field(&cursor, &field):
            if field.tag == 10:
                self.at.scope_name = field.start
                self.at.scope_size = field.size
            elif field.tag == 26:
                self.texts_of_pair(&field, SCOPE_ATTRIBUTE)
        self.plain_text(self.at.scope_name, self.at.scope_size, SCOPE_ATTRIBUTE)
        return 0

    cdef void no_item(self) noexcept nogil:
        """What comes next stands in no item."""
        memset(&self.values.context, 0, sizeof(self.values.context))
        self.values.context.resource = self.at.resource

    cdef uint64_t count_items(self, Cursor block) noexcept nogil:
        """Items of a block that is left out."""
        cdef Cursor scope, metric, data
        cdef Field field, item, inner, point
        cdef uint64_t count = 0
        while next_field(&block, &field):
            if field.tag != 18:
                continue
            scope = inside(&field)
            while next_field(&scope, &item):
                if item.tag != 18:
                    continue
                if self.at.signal != METRICS:
                    count += 1
                    continue
                metric = inside(&item)
                while next_field(&metric, &inner):
                    if is_data(inner.tag):
                        data = inside(&inner)
                        while next_field(&data, &point):
                            count += point.tag == 10
        return count

    # ------------------------------------------------------------------ strings

    cdef int plain_text(self, const uint8_t* text, size_t size, int place) except -1 nogil:
        """A string that stands under no key."""
        if size and self.places[place]:
            self.values.see(self.empty_key, NULL, 0, text, size, place, False)
        return 0

    cdef int texts_of_pair(self, Field* pair, int place) except -1 nogil:
        """The strings of an attribute that no other view asks about."""
        cdef Field value
        cdef Field key
        if self.places[place]:
            read_pair(pair, &key, &value)
            self.texts(&value, self.keys.hash_of(key.start, key.size), key.start, key.size, place)
        return 0

    cdef int texts(self, Field* value, uint64_t key_hash, const uint8_t* key, size_t key_size,
                   int place) except -1 nogil:
        """The strings of a value; those inside maps stand under a path of keys."""
        cdef Cursor cursor = inside(value)
        cdef Field field
        while next_field(&cursor, &field):
            if field.tag == TEXT or (field.tag == BYTES and is_utf8(field.start, field.size)):
                if field.size:
                    self.values.see(key_hash, key, key_size, field.start, field.size, place, False)
            elif field.tag == ARRAY or field.tag == MAP:
                self.path_used = 0
                if key_size > LONGEST_NAME:
                    self.push_bounded(key, key_size)
                else:
                    self.push(key, key_size)
                self.nested(&field, place)
        return 0

    cdef int push_bounded(self, const uint8_t* key, size_t key_size) except -1 with gil:
        """Begin a path with a name that may be too long to be kept as it is."""
        cdef bytes name = bounded((<const char*>key)[:key_size].decode("utf-8", "replace")).encode()
        return self.push(<const uint8_t*><const char*>name, len(name))

    cdef int nested(self, Field* outer, int place) except -1 nogil:
        """The strings of an array or a map, under the path that is set."""
        cdef Cursor cursor = inside(outer)
        cdef Field field, key, value
        cdef size_t before = self.path_used
        while next_field(&cursor, &field):
            if field.tag != 10:
                continue
            if outer.tag == ARRAY:
                self.nested_value(&field, place)
                continue
            read_pair(&field, &key, &value)
            if value.size == 0:
                continue
            if before + key.size < 256:
                if before:
                    self.push(b".", 1)
                self.push(key.start, key.size)
                self.nested_value(&value, place)
                self.path_used = before
            else:
                self.long_path(&key, &value, place)
        return 0

    cdef int long_path(self, Field* key, Field* value, int place) except -1 with gil:
        """Like a step of `nested`, where the path may be too long to be kept as it is."""
        cdef size_t before = self.path_used
        cdef bytes outer = PyBytes_FromStringAndSize(<char*>&self.path[0], before)
        cdef bytes path
        inner = (<const char*>key.start)[: key.size].decode("utf-8", "replace")
        if before:
            inner = f"{outer.decode('utf-8', 'replace')}.{inner}"
        path = bounded(inner).encode()
        self.path_used = 0
        self.push(<const uint8_t*><const char*>path, len(path))
        self.nested_value(value, place)
        self.path_used = 0
        self.push(<const uint8_t*><const char*>outer, before)
        return 0

    cdef int nested_value(self, Field* value, int place) except -1 nogil:
        cdef Cursor cursor = inside(value)
        cdef Field field
        cdef uint64_t hashed
        while next_field(&cursor, &field):
            if field.tag == TEXT or (field.tag == BYTES and is_utf8(field.start, field.size)):
                if field.size:
                    hashed = self.keys.hash_of(&self.path[0], self.path_used)
                    self.values.see(hashed, &self.path[0], self.path_used, field.start,
                                    field.size, place, True)
            elif field.tag == ARRAY or field.tag == MAP:
                self.nested(&field, place)
        return 0

    cdef int push(self, const uint8_t* text, size_t size) except -1 nogil:
        """Add to the path."""
        if self.path_used + size > <size_t>self.path.shape[0]:
            with gil:
                self.grow_path(self.path_used + size)
        if size:
            memcpy(&self.path[self.path_used], text, size)
        self.path_used += size
        return 0

    # ------------------------------------------------------------------ attributes of items

    cdef void open_item(self) noexcept nogil:
        self.items += 1
        self.item_number += 1
        self.item_key_count = 0
        self.item_pairs = 0
        self.before = 0
        self.shape_sum = 0
        self.label_sum = 0
        self.present = 0
        memset(&self.trace_ids[self.items * 16], 0, 16)
        self.values.context.item = <uint32_t>self.items
        self.values.context.resource = self.at.resource
        self.values.context.name_hash = 0
        self.values.context.name_size = 0

    cdef void set_name(self, const uint8_t* name, size_t size) noexcept nogil:
        """The name that sightings in this item carry."""
        self.values.context.name = name
        self.values.context.name_size = <uint32_t>size
        self.values.context.name_hash = hash_bytes(name, size, 6, &self.secret)

    cdef int attribute(self, Field* pair, int place, Call* call, bint labels) except -1 nogil:
        """An attribute of the item itself."""
        cdef Field key, value
        cdef uint32_t number
        cdef Key* entry
        cdef uint64_t hashed
        read_pair(pair, &key, &value)
        self.item_pairs += 1
        number = self.keys.find(key.start, key.size, self.before, self.item_pairs <= MOST)
        self.before = number
        entry = &self.keys.entries[number]
        if number and self.item_pairs <= MOST:
            if entry.stamp != self.item_number:
                entry.stamp = self.item_number
                self.shape_sum += entry.hash
                self.item_keys[self.item_key_count] = number
                if labels:
                    hashed = mix(entry.hash, self.typed_hash(&value), &self.secret)
                    self.item_labels[self.item_key_count] = hashed
                    self.label_sum += hashed
                self.item_key_count += 1
            elif labels:
                self.label_again(number, mix(entry.hash, self.typed_hash(&value), &self.secret))
        if entry.roles:
            if call != NULL:
                self.learn(call, entry, &value)
            if entry.roles & ROLE_ROW:
                self.present = 1
        if self.places[place]:
            hashed = entry.hash if number else self.keys.hash_of(key.start, key.size)
            self.texts(&value, hashed, key.start, key.size, place)
        return 0

    cdef int label_again(self, uint32_t number, uint64_t hashed) except -1 nogil:
        """A label that was there before in this point: the last one counts."""
        cdef uint32_t at
        for at in range(self.item_key_count):
            if self.item_keys[at] == number:
                self.label_sum += hashed - self.item_labels[at]
                self.item_labels[at] = hashed
        return 0

    cdef uint64_t typed_hash(self, Field* value) except? 0 nogil:
        """The hash of a value as `decode.anyvalue.plain` reads it."""
        cdef Cursor cursor = inside(value)
        cdef Field field
        cdef uint64_t hashed = mix(0, 7, &self.secret)
        cdef size_t size
        while next_field(&cursor, &field):
            if field.tag == TEXT:
                size = field.size
                if size > LONGEST:
                    size = first_characters(field.start, size, LONGEST)
                hashed = hash_bytes(field.start, size, 8, &self.secret)
            elif field.tag == ARRAY:
                hashed = self.array_hash(&field)
            elif field.tag == BOOL:
                hashed = mix(field.number != 0, 9, &self.secret)
            elif field.tag == DOUBLE and field.number << 1 == 0:
                hashed = mix(0, DOUBLE, &self.secret)
            elif field.tag == INTEGER or field.tag == DOUBLE:
                hashed = mix(field.number, field.tag, &self.secret)
        return hashed

    cdef uint64_t array_hash(self, Field* array) except? 0 nogil:
        cdef Cursor cursor = inside(array)
        cdef Field field
        cdef uint64_t hashed = mix(1, 10, &self.secret)
        while next_field(&cursor, &field):
            if field.tag == 10:
                hashed = mix(hashed + 1, self.typed_hash(&field), &self.secret)
        return hashed

    cdef int learn(self, Call* call, Key* key, Field* value) except -1 nogil:
        """What an attribute says about a span's call."""
        cdef uint32_t roles = key.roles
        cdef Field text
        cdef uint64_t hashed, authority = 0
        cdef int kind = value_kind(value, &text)
        if roles & (ROLE_CALL | ROLE_PEER):
            hashed = mix(key.hash, self.typed_hash(value), &self.secret)
            if roles & ROLE_CALL:
                call.sum += hashed
            else:
                call.peer_sum += hashed
        if kind != NOTHING and (kind != STRING or text.size):
            if roles & ROLE_ROUTE:
                call.route = True
            if roles & ROLE_SERVER_ROUTE:
                call.server_route = True
        if roles & (ROLE_URL | ROLE_URL_OLD | ROLE_PATH | ROLE_PATH_OLD):
            if kind == STRING:
                hashed = path_hash(text.start, text.size, &authority, &self.secret)
                call.raw_sum += mix(key.hash, self.typed_hash(value), &self.secret)
            else:
                hashed = self.typed_hash(value)
                call.raw_sum += mix(key.hash, hashed, &self.secret)
            call.path_sum += mix(key.hash, hashed, &self.secret)
            call.peer_sum += mix(key.hash, authority, &self.secret)
            if authority == 0 and roles & (ROLE_URL | ROLE_URL_OLD):
                call.peer_sum += mix(key.hash, hashed, &self.secret)
        if roles & TARGET_ROLES:
            self.learn_target(call, roles, kind, &text, value)
        return 0

    cdef int learn_target(self, Call* call, uint32_t roles, int kind, Field* text, Field* value)\
            except -1 nogil:
        cdef int slot = target_slot(roles)
        cdef size_t size
        call.targets[slot].kind = kind
        call.targets[slot].empty = kind != STRING or text.size == 0
        if kind == STRING and text.size:
            call.targets[slot].hash = self.typed_hash(value)
            call.targets[slot].text = text.start
            size = text.size
            if size > LONGEST:
                size = first_characters(text.start, size, LONGEST)
            call.targets[slot].size = size
        return 0

    cdef void target(self, Call* call, SpanRecord* record) noexcept nogil:
        """What tells a call from others like it; see `collector.classify.target`."""
        cdef Target* url = first_of(call, SLOT_URL, SLOT_URL_OLD)
        cdef Target* path = first_of(call, SLOT_PATH, SLOT_PATH_OLD)
        cdef Target* query = &call.targets[SLOT_QUERY]
        cdef Target* sql = first_of(call, SLOT_SQL, SLOT_SQL_OLD)
        record.target = 0
        record.target_kind = 0
        if not url.empty:
            record.target = mix(url.hash, 11, &self.secret)
            record.target_kind = TARGET_URL
        elif not path.empty:
            record.target = mix(path.hash, 0 if query.empty else query.hash, &self.secret)
            record.target_kind = TARGET_URL
        elif not sql.empty:
            record.target = mix(sql.hash, 12, &self.secret)
            record.target_kind = TARGET_QUERY
            if has_literal(sql.text, sql.size, LONGEST_QUERY):
                record.target_kind = TARGET_LITERAL

    # ------------------------------------------------------------------ shapes

    cdef int shape(self, int kind, int32_t status, int severity, int flags, const uint8_t* name,
                   size_t name_size) except -1 nogil:
        """Count the item by its shape."""
        cdef uint64_t hashed = mix(
            self.shape_sum ^ self.at.identity,
            <uint64_t><uint32_t>status << 32 | <uint64_t>flags << 16
            | <uint64_t>severity << 8 | <uint64_t>kind << 4 | <uint64_t>self.at.signal,
            &self.secret,
        )
        cdef int64_t found
        cdef ShapeRecord* one
        cdef uint32_t at
        if name_size:
            hashed = hash_bytes(name, name_size, hashed, &self.secret)
        found = map_get(&self.shape_index, hashed)
        if found < 0:
            found = self.shape_count
            if self.shape_count + 1 >= <size_t>self.shapes.shape[0] or \
                    self.shape_key_count + self.item_key_count >= <size_t>self.shape_keys.shape[0]:
                with gil:
                    self.grow_shapes()
            map_put(&self.shape_index, hashed, self.shape_count)
            one = &self.shapes[found]
            one.keys = self.shape_key_count
            one.key_count = self.item_key_count
            for at in range(self.item_key_count):
                self.shape_keys[self.shape_key_count + at] = self.item_keys[at]
            self.shape_key_count += self.item_key_count
            self.shape_count += 1
            one.resource = self.at.resource
            one.kind = kind
            one.status = status
            one.severity = severity
            one.flags = flags
            one.name = <size_t>name
            one.name_size = <uint32_t>name_size
            one.items = 0
        one = &self.shapes[found]
        if one.items == 0:
            if self.touched_count >= <size_t>self.touched.shape[0]:
                with gil:
                    self.grow_touched()
            self.touched[self.touched_count] = <uint32_t>found
            self.touched_count += 1
            one.item = 0
        one.items += 1
        if one.item == 0 and is_set(&self.trace_ids[self.items * 16], 16):
            one.item = <uint32_t>self.items
        return 0

    # ------------------------------------------------------------------ spans

    cdef int span(self, Field* message) except -1 nogil:
        cdef Cursor cursor = inside(message)
        cdef Field field, trace_id, span_id, parent_id, name, state, status_text
        cdef Call call
        cdef SpanRecord record
        cdef int32_t kind = 0, status = 0
        cdef uint32_t remote = 0
        cdef int flags = 0, slot
        memset(&call, 0, sizeof(Call))
        memset(&record, 0, sizeof(SpanRecord))
        clear(&trace_id)
        clear(&span_id)
        clear(&parent_id)
        clear(&name)
        clear(&state)
        clear(&status_text)
        for slot in range(TARGETS):
            call.targets[slot].empty = True
        self.open_item()
        while next_field(&cursor, &field):
            if field.tag == 74:
                self.attribute(&field, SPAN_ATTRIBUTE, &call, False)
            elif field.tag == 10:
                trace_id = field
            elif field.tag == 18:
                span_id = field
            elif field.tag == 26:
                state = field
            elif field.tag == 34:
                parent_id = field
            elif field.tag == 42:
                name = field
                self.set_name(field.start, field.size)
            elif field.tag == 48:
                kind = <int32_t>field.number
            elif field.tag == 57:
                record.start = field.number
            elif field.tag == 65:
                record.end = field.number
            elif field.tag == 90:
                self.event(&field)
            elif field.tag == 106:
                flags |= LINKS
                self.link(&field)
            elif field.tag == 122:
                read_status(&field, &status, &status_text)
            elif field.tag == 133:
                remote = <uint32_t>field.number
        self.plain_text(name.start, name.size, SPAN_NAME)
        self.plain_text(state.start, state.size, TRACE_STATE)
        self.plain_text(status_text.start, status_text.size, SPAN_STATUS)
        kind = kind if 0 <= kind <= 5 else 0
        if self.valid_id(&trace_id, 16, ODD_TRACE_ID):
            memcpy(&self.trace_ids[self.items * 16], trace_id.start, 16)
            flags |= HAS_TRACE_ID
        if self.valid_id(&span_id, 8, ODD_SPAN_ID):
            memcpy(&record.span_id, span_id.start, 8)
            flags |= HAS_SPAN_ID
        if self.valid_id(&parent_id, 8, ODD_PARENT_ID):
            memcpy(&record.parent_id, parent_id.start, 8)
            flags |= HAS_PARENT
            self.oddities[ODD_OWN_PARENT] += record.parent_id == record.span_id
            if remote & HAS_IS_REMOTE:
                flags |= PARENT_IS_REMOTE if remote & IS_REMOTE else PARENT_IS_LOCAL
        self.oddities[ODD_END] += record.end < record.start
        self.oddities[ODD_FUTURE] += <double>record.start > self.now * 1e9 + ONE_DAY
        if self.want_shapes[TRACES]:
            self.shape(kind, status, 0, flags, NULL, 0)
        if self.want_rows[TRACES]:
            self.candidate(message)
        if self.want_traces and record.span_id and flags & HAS_TRACE_ID:
            record.flags = flags
            self.waiting(message, &call, &record, kind, status, &name)
        return 0

    cdef bint valid_id(self, Field* field, size_t size, int oddity) noexcept nogil:
        if field.size != size:
            self.oddities[oddity] += field.size != 0
            return False
        return is_set(field.start, size)

    cdef int event(self, Field* message) except -1 nogil:
        cdef Cursor cursor = inside(message)
        cdef Field field, name
        clear(&name)
        while next_field(&cursor, &field):
            if field.tag == 18:
                name = field
            elif field.tag == 26:
                self.texts_of_pair(&field, EVENT_ATTRIBUTE)
        return self.plain_text(name.start, name.size, EVENT_NAME)

    cdef int link(self, Field* message) except -1 nogil:
        cdef Cursor cursor = inside(message)
        cdef Field field, state
        clear(&state)
        while next_field(&cursor, &field):
            if field.tag == 26:
                state = field
            elif field.tag == 34:
                self.texts_of_pair(&field, LINK_ATTRIBUTE)
        return self.plain_text(state.start, state.size, TRACE_STATE)

    cdef int waiting(self, Field* message, Call* call, SpanRecord* record, int kind,
                     int32_t status, Field* name) except -1 nogil:
        """Note a span for the table of traces, under the profile that it shares with others."""
        cdef uint64_t hashed = hash_bytes(name.start, name.size, call.sum, &self.secret)
        cdef int64_t found
        cdef WaitingSpan* made
        cdef bint server = kind == SERVER_KIND
        if not server:
            hashed = mix(hashed, call.peer_sum, &self.secret)
        if server and not self.mask_servers and not call.server_route:
            hashed = mix(hashed, call.raw_sum, &self.secret)
        elif not call.route or (server and not call.server_route):
            hashed = mix(hashed, call.path_sum, &self.secret)
        hashed = mix(hashed, <uint64_t><uint32_t>status << 8 | <uint64_t>kind, &self.secret)
        if kind == CLIENT_KIND or kind == PRODUCER_KIND:
            self.target(call, record)
        if self.span_count >= <size_t>self.spans.shape[0]:
            with gil:
                self.grow_spans()
        found = map_get(&self.profile_index, hashed)
        if found < 0:
            found = self.new_profile(hashed, message)
        record.profile = <uint32_t>found
        record.resource = self.at.resource
        made = &self.spans[self.span_count]
        made.record = record[0]
        memcpy(&made.low, &self.trace_ids[self.items * 16], 8)
        memcpy(&made.high, &self.trace_ids[self.items * 16 + 8], 8)
        self.span_count += 1
        return 0

    cdef int64_t new_profile(self, uint64_t hashed, Field* message) except -1 nogil:
        cdef uint32_t number
        if self.free_count:
            self.free_count -= 1
            number = self.free_profiles[self.free_count]
        else:
            number = self.profile_count
            self.profile_count += 1
        if self.fresh_count >= <size_t>self.fresh.shape[0]:
            with gil:
                self.grow_fresh()
        map_put(&self.profile_index, hashed, number)
        self.fresh[self.fresh_count].number = number
        self.fresh[self.fresh_count].start = <size_t>message.start
        self.fresh[self.fresh_count].size = message.size
        self.fresh_count += 1
        return number

    cdef int candidate(self, Field* message) except -1 nogil:
        """Note an item that a row selection may match."""
        cdef RowRecord* made
        if not self.present and self.want_rows[self.at.signal] == 1:
            return 0
        if self.row_count >= <size_t>self.rows.shape[0]:
            with gil:
                self.grow_rows()
        made = &self.rows[self.row_count]
        made.start = <size_t>message.start
        made.size = message.size
        made.resource = self.at.resource
        self.row_count += 1
        return 0

    # ------------------------------------------------------------------ logs

    cdef int log(self, Field* message) except -1 nogil:
        cdef Cursor cursor = inside(message)
        cdef Field field, trace_id, span_id, severity_text, name, body
        cdef int32_t severity = 0
        cdef int flags = 0
        clear(&trace_id)
        clear(&span_id)
        clear(&severity_text)
        clear(&name)
        clear(&body)
        self.open_item()
        while next_field(&cursor, &field):
            if field.tag == 50:
                self.attribute(&field, LOG_ATTRIBUTE, NULL, False)
            elif field.tag == 16:
                severity = <int32_t>field.number
            elif field.tag == 26:
                severity_text = field
            elif field.tag == 42:
                body = field
            elif field.tag == 74:
                trace_id = field
            elif field.tag == 82:
                span_id = field
            elif field.tag == 98:
                name = field
        if self.valid_id(&trace_id, 16, ODD_TRACE_ID):
            memcpy(&self.trace_ids[self.items * 16], trace_id.start, 16)
            flags |= HAS_TRACE_ID
        if self.valid_id(&span_id, 8, ODD_SPAN_ID):
            flags |= HAS_SPAN_ID
        self.plain_text(name.start, name.size, EVENT_NAME)
        self.plain_text(severity_text.start, severity_text.size, LOG_ATTRIBUTE)
        flags |= self.log_body(&body)
        severity = (severity - 1) // 4 * 4 + 1 if 1 <= severity <= 24 else 0
        if self.want_shapes[LOGS]:
            self.shape(0, 0, severity, flags, NULL, 0)
        if self.want_rows[LOGS]:
            self.candidate(message)
        return 0

    cdef int log_body(self, Field* body) except -1 nogil:
        """The strings of a body, and its keys if it is a map."""
        cdef Cursor cursor = inside(body), entries
        cdef Field field, pair, key, value
        cdef int flags = 0
        cdef uint32_t number, count = 0
        cdef Key* entry
        while next_field(&cursor, &field):
            if not is_value(field.tag):
                continue
            flags |= HAS_BODY
            if field.tag != MAP:
                continue
            flags |= BODY_IS_MAP
            entries = inside(&field)
            while next_field(&entries, &pair) and count < MOST:
                if pair.tag != 10:
                    continue
                count += 1
                read_pair(&pair, &key, &value)
                number = self.keys.find(key.start, key.size, self.before, True)
                self.before = number
                entry = &self.keys.entries[number]
                if number and entry.stamp != self.item_number:
                    entry.stamp = self.item_number
                    self.shape_sum += entry.hash
                    self.item_keys[self.item_key_count] = number
                    self.item_key_count += 1
        if self.places[LOG_BODY]:
            self.texts(body, self.empty_key, NULL, 0, LOG_BODY)
        return flags

    # ------------------------------------------------------------------ metrics

    cdef int metric(self, Field* message) except -1 nogil:
        """Read what a metric says of itself; its points come next."""
        cdef Cursor cursor = inside(message)
        cdef Field field, name, description, unit, data
        clear(&name)
        clear(&description)
        clear(&unit)
        clear(&data)
        self.no_item()
        while next_field(&cursor, &field):
            if field.tag == 10:
                name = field
                self.set_name(field.start, field.size)
            elif field.tag == 18:
                description = field
            elif field.tag == 26:
                unit = field
            elif field.tag == 98:
                self.texts_of_pair(&field, METRIC_TEXT)
            elif is_data(field.tag):
                data = field
        self.at.metric_name = name.start
        self.at.metric_size = name.size
        self.plain_text(name.start, name.size, METRIC_TEXT)
        self.plain_text(description.start, description.size, METRIC_TEXT)
        self.plain_text(unit.start, unit.size, METRIC_TEXT)
        if data.size:
            self.at.data = inside(&data)
            self.at.data_tag = data.tag
            self.at.level = POINTS
        return 0

    cdef int point(self, Field* message) except -1 nogil:
        cdef Cursor cursor = inside(message)
        cdef Field field
        cdef uint32_t attributes = attributes_tag(self.at.data_tag)
        cdef uint32_t exemplars = exemplars_tag(self.at.data_tag)
        cdef bint traced = False
        self.open_item()
        self.set_name(self.at.metric_name, self.at.metric_size)
        while next_field(&cursor, &field):
            if field.tag == attributes:
                self.attribute(&field, METRIC_LABEL, NULL, self.want_series)
            elif exemplars and field.tag == exemplars:
                traced = self.exemplar(&field, traced)
        if self.want_shapes[METRICS]:
            self.shape(0, 0, 0, 0, self.at.metric_name, self.at.metric_size)
        if self.want_series:
            self.label_set(message)
        return 0

    cdef bint exemplar(self, Field* message, bint traced) except? True nogil:
        """The strings of an exemplar, and the point's trace if it is the first that has one."""
        cdef Cursor cursor = inside(message)
        cdef Field field, trace_id
        clear(&trace_id)
        while next_field(&cursor, &field):
            if field.tag == 58:
                self.texts_of_pair(&field, METRIC_LABEL)
            elif field.tag == 42:
                trace_id = field
        if not traced and trace_id.size == 16 and is_set(trace_id.start, 16):
            memcpy(&self.trace_ids[self.items * 16], trace_id.start, 16)
            return True
        return traced

    cdef int label_set(self, Field* message) except -1 nogil:
        """Note a series that was not yet shown in this sub-window."""
        cdef uint64_t hashed = hash_bytes(self.at.metric_name, self.at.metric_size, self.at.identity,
                                          &self.secret)
        cdef SeriesRecord* made
        hashed = hash_bytes(self.at.scope_name, self.at.scope_size, hashed, &self.secret)
        hashed = mix(hashed, self.label_sum, &self.secret)
        if memory_has(&self.shown, hashed):
            return 0
        memory_add(&self.shown, hashed)
        if self.series_count >= <size_t>self.series.shape[0]:
            with gil:
                self.grow_series()
        made = &self.series[self.series_count]
        made.point = <size_t>message.start
        made.point_size = message.size
        made.metric = <size_t>self.at.metric_name
        made.metric_size = self.at.metric_size
        made.scope = <size_t>self.at.scope_name
        made.scope_size = self.at.scope_size
        made.resource = self.at.resource
        made.data_tag = self.at.data_tag
        made.item = <uint32_t>self.items
        self.series_count += 1
        return 0

    # ------------------------------------------------------------------ handing over

    def take_oddities(self):
        """Peculiarities of the slice, by name."""
        cdef int at
        return {_ODDITIES[at]: self.oddities[at] for at in range(ODDITIES) if self.oddities[at]}

    def take_counts(self):
        """Items of the slice, and items of the auditor's own."""
        return self.items, self.own

    def name_keys(self):
        """Give new keys their names; comes before anything that shows a key."""
        self.keys.hand_over()

    def take_shapes(self, make):
        """Shapes of the slice, with the number of items and the first trace of each.

        Args:
            make: a shape of resource, kind, status, severity, flags, keys and metric name.
        """
        cdef uint32_t at, key
        cdef ShapeRecord* one
        taken = []
        if self.shape_objects is None or len(self.shape_objects) > self.shape_count:
            self.shape_objects = []
        for at in range(<uint32_t>len(self.shape_objects), self.shape_count):
            one = &self.shapes[at]
            keys = frozenset([
                self.keys.names[self.shape_keys[one.keys + key]] for key in range(one.key_count)
            ])
            name = (<const char*>one.name)[: one.name_size].decode("utf-8", "replace")
            self.shape_objects.append(make(
                one.resource, one.kind, one.status, one.severity, one.flags, keys, bounded(name)
            ))
        for at in range(self.touched_count):
            one = &self.shapes[self.touched[at]]
            shape = self.shape_objects[self.touched[at]]
            taken.append((shape, one.items, self._trace(one.item)))
            one.items = 0
        self.touched_count = 0
        return taken

    def take_values(self, signal, resources):
        """The values of the slice; see `values.ValueBatch`."""
        if self.values.used == 0:
            return ()
        ids = PyBytes_FromStringAndSize(<char*>&self.trace_ids[0], (self.items + 1) * 16)
        return self.values.take(self.body, signal, resources, ids)

    def take_series(self):
        """New series: point, metric's name, scope's name, resource, tag of the data, trace."""
        cdef uint32_t at
        cdef SeriesRecord* one
        taken = []
        for at in range(self.series_count):
            one = &self.series[at]
            taken.append((
                (<const char*>one.point)[: one.point_size],
                (<const char*>one.metric)[: one.metric_size].decode("utf-8", "replace"),
                (<const char*>one.scope)[: one.scope_size].decode("utf-8", "replace"),
                one.resource, one.data_tag, self._trace(one.item),
            ))
        self.series_count = 0
        return taken

    def take_rows(self):
        """Items that a selection may match: their bytes and their resource."""
        cdef uint32_t at
        taken = [
            ((<const char*>self.rows[at].start)[: self.rows[at].size], self.rows[at].resource)
            for at in range(self.row_count)
        ]
        self.row_count = 0
        return taken

    def take_profiles(self):
        """Profiles that were not met before: their number and the bytes of a span with it."""
        cdef uint32_t at
        taken = [
            (self.fresh[at].number, (<const char*>self.fresh[at].start)[: self.fresh[at].size])
            for at in range(self.fresh_count)
        ]
        self.fresh_count = 0
        return taken

    def keep_spans(self, double now, double due, uint64_t most):
        """Put the spans of the slice into the table of traces, and finish some that are due.

        Returns:
            Trace and span ids of those whose child was judged before.
        """
        cdef uint32_t at
        cdef WaitingSpan* one
        late = []
        self.enter()
        try:
            with nogil:
                for at in range(self.span_count):
                    one = &self.spans[at]
                    if self.traces.add(one.low, one.high, &one.record, now):
                        with gil:
                            late.append((
                                (<char*>&one.low)[:8] + (<char*>&one.high)[:8],
                                (<char*>&one.record.span_id)[:8],
                            ))
                self.traces.finish(due, now, most)
            self.span_count = 0
        finally:
            self.leave()
        return late

    def forget_profiles(self, uint32_t[::1] free not None):
        """Start the table of profiles anew; numbers in use stay with their spans.

        Args:
            free: numbers that may be given again.
        """
        map_clear(&self.profile_index)
        self.free_profiles = free
        self.free_count = <uint32_t>free.shape[0]

    @property
    def profiles_in_use(self):
        """Profiles that have a number."""
        return self.profile_count - self.free_count

    def forget_resources(self):
        """Start the table of resources anew; numbers in use stay with their spans."""
        map_clear(&self.resource_index)

    def drop(self):
        """Forget what a slice has gathered that could not be handed over."""
        self.keys.hand_over()
        self.values.drop()
        self.forget_shapes()
        self.series_count = self.row_count = self.fresh_count = self.span_count = 0
        map_clear(&self.profile_index)
        self.busy = False

    cdef str _trace(self, uint32_t item):
        cdef bytes raw = (<char*>&self.trace_ids[item * 16])[:16]
        return raw.hex() if any(raw) else ""

    # ------------------------------------------------------------------ room

    cdef int grow_shapes(self) except -1:
        cdef size_t count = self.shapes.shape[0] * 2
        cdef size_t keys = (self.shape_keys.shape[0] + self.item_key_count) * 2
        cdef ShapeRecord* shapes = <ShapeRecord*>room_for(count * sizeof(ShapeRecord))
        cdef uint32_t* numbers = <uint32_t*>room_for(keys * sizeof(uint32_t))
        memcpy(shapes, &self.shapes[0], self.shape_count * sizeof(ShapeRecord))
        memcpy(numbers, &self.shape_keys[0], self.shape_key_count * sizeof(uint32_t))
        free(&self.shapes[0])
        free(&self.shape_keys[0])
        self.shapes = <ShapeRecord[:count]>shapes
        self.shape_keys = <uint32_t[:keys]>numbers
        return 0

    cdef int grow_touched(self) except -1:
        cdef size_t old = self.touched.shape[0]
        cdef uint32_t* grown = <uint32_t*>copied(&self.touched[0], old * sizeof(uint32_t))
        free(&self.touched[0])
        self.touched = <uint32_t[: old * 2]>grown
        return 0

    cdef int grow_spans(self) except -1:
        cdef size_t old = self.spans.shape[0]
        cdef WaitingSpan* grown = <WaitingSpan*>copied(&self.spans[0], old * sizeof(WaitingSpan))
        free(&self.spans[0])
        self.spans = <WaitingSpan[: old * 2]>grown
        return 0

    cdef int grow_fresh(self) except -1:
        cdef size_t old = self.fresh.shape[0]
        cdef NewProfile* grown = <NewProfile*>copied(&self.fresh[0], old * sizeof(NewProfile))
        free(&self.fresh[0])
        self.fresh = <NewProfile[: old * 2]>grown
        return 0

    cdef int grow_rows(self) except -1:
        cdef size_t old = self.rows.shape[0]
        cdef RowRecord* grown = <RowRecord*>copied(&self.rows[0], old * sizeof(RowRecord))
        free(&self.rows[0])
        self.rows = <RowRecord[: old * 2]>grown
        return 0

    cdef int grow_series(self) except -1:
        cdef size_t old = self.series.shape[0]
        cdef SeriesRecord* grown = <SeriesRecord*>copied(&self.series[0],
                                                         old * sizeof(SeriesRecord))
        free(&self.series[0])
        self.series = <SeriesRecord[: old * 2]>grown
        return 0

    cdef int grow_path(self, size_t needed) except -1:
        cdef uint8_t* grown = <uint8_t*>room_for(needed * 2)
        memcpy(grown, &self.path[0], self.path_used)
        free(&self.path[0])
        self.path = <uint8_t[: needed * 2]>grown
        return 0


cdef void* room_for(size_t size) except NULL:
    cdef void* room = malloc(size)
    if room == NULL:
        raise MemoryError
    return room


cdef void* copied(void* start, size_t size) except NULL:
    """A copy in twice the room."""
    cdef void* room = room_for(size * 2)
    memcpy(room, start, size)
    return room


cdef inline int target_slot(uint32_t roles) noexcept nogil:
    if roles & ROLE_URL:
        return SLOT_URL
    if roles & ROLE_URL_OLD:
        return SLOT_URL_OLD
    if roles & ROLE_PATH:
        return SLOT_PATH
    if roles & ROLE_PATH_OLD:
        return SLOT_PATH_OLD
    if roles & ROLE_QUERY:
        return SLOT_QUERY
    return SLOT_SQL if roles & ROLE_SQL else SLOT_SQL_OLD


cdef inline Target* first_of(Call* call, int current, int old) noexcept nogil:
    """The current spelling when it has a value at all, else the old one."""
    return &call.targets[current if call.targets[current].kind != NOTHING else old]
