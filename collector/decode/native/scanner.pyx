# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""The walk over a request: each item is read once, and only what is new is kept.

Bodies were checked before (`check.Checker`), so nothing here refuses: an item that could not be
read would end where its reading stopped.
"""

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memcpy, memset

from collector.decode.native.calls cimport (
    CLIENT_KIND, PRODUCER_KIND, SERVER_KIND, SLOT_URL, SLOT_URL_OLD, Call, Target, begin, learn,
    profile_hash, query_of, set_target, text_of,
)
from collector.decode.native.hashes cimport LONGEST, typed_hash
from collector.decode.native.details cimport Details
from collector.decode.native.keys cimport (
    ROLE_DETAIL, ROLE_PARAMETER, ROLE_ROW, ROLE_SYSTEM, Key, Keys, is_parameter,
)
from collector.decode.native.maps cimport map_clear, map_close, map_get, map_put
from collector.decode.native.otlp cimport (
    MAP, TEXT, attributes_tag, clear, exemplars_tag, is_data, is_set, read_pair, read_status,
    read_value,
)
from collector.decode.native.pairs cimport usual_pair
from collector.decode.native.profiles cimport Profiles
from collector.decode.native.rooms cimport moved, room_for
from collector.decode.native.series cimport SeriesRecord, SeriesTable
from collector.decode.native.shapes cimport Facts, Shapes
from collector.decode.native.statements cimport Query, Statements, page_of
from collector.decode.native.texts cimport PLACES, Texts
from collector.decode.native.table cimport SpanRecord
from collector.decode.native.traces cimport Traces
from collector.decode.native.values cimport Values
from collector.decode.native.wire cimport Cursor, Field, cursor_of, hash_bytes, inside, mix, next_field

from collector.decode.anyvalue import LONGEST_TEXT
from collector.views import Flag, Place

cdef enum:
    FIRST_ROOM = 64
    AHEAD = 8               # spans of which the table of traces hears before they are added
    TRACES = 0
    LOGS = 1
    METRICS = 2
    HAS_IS_REMOTE = 0x100   # SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK of opentelemetry-proto
    IS_REMOTE = 0x200
    CONSUMER_KIND = 5
    WITH_KEY = 1            # rows are made of items with a key, or an event, that is asked for

cdef enum:
    MOST_STEPS = 1024       # blocks, scopes and metrics of one slice
    MANY_VALUES = 16384     # strings that end a slice
    MANY_BYTES = 262144     # of them: the detectors read them under the lock, hostile ones slowly

cdef enum:
    ODD_TRACE_ID
    ODD_SPAN_ID
    ODD_PARENT_ID
    ODD_OWN_PARENT
    ODD_END
    ODD_FUTURE

cdef double ONE_DAY = 86_400e9

# Full tables of keys and shapes are begun anew after so many seconds (ours).
cdef double RENEWAL = 10.0

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


@cython.final
cdef class Reading:
    """A request and how far it was read."""


@cython.final
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
        self.values = Values(setup.secret, setup.remembered_values, setup.max_value_length,
                             setup.max_values_at_once)
        self.texts = Texts(self.values, self.keys, setup.secret, setup.places)
        self.shapes = Shapes(setup.secret, setup.most_shapes)
        self.series = SeriesTable(setup.series_refresh, setup.remembered_series)
        self.profiles = Profiles(setup.max_new_profiles)
        self.traces = Traces(setup)
        self.statements = Statements(setup.secret, setup.systems)
        self.details = Details(setup.secret, self.keys, setup.details)
        for name in setup.events:
            map_put(&self.events, hash_bytes(name, len(name), 7, &self.secret), 1)
        self.slice_items = setup.slice_items
        self.intern = intern
        self.want_traces = setup.want_traces
        self.want_series = setup.want_series
        self.mask_servers = setup.mask_servers
        for index in range(SIGNALS):
            self.want_shapes[index] = setup.shapes[index]
            self.want_rows[index] = setup.rows[index]
        self.rows = <RowRecord[:FIRST_ROOM]>room_for(FIRST_ROOM * sizeof(RowRecord))
        self.spans = <WaitingSpan[:FIRST_ROOM]>room_for(FIRST_ROOM * sizeof(WaitingSpan))
        self.item_keys = <uint32_t[: 2 * MOST + 2]>room_for((2 * MOST + 2) * sizeof(uint32_t))
        self.item_labels = <uint64_t[: 2 * MOST + 2]>room_for((2 * MOST + 2) * sizeof(uint64_t))
        # One item may be over the bound of a slice; the first stands for none.
        self.trace_ids = <uint8_t[: (self.slice_items + 2) * 16]>room_for(
            (self.slice_items + 2) * 16)

    def __dealloc__(self):
        map_close(&self.resource_index)
        map_close(&self.events)
        if self.rows is not None:
            free(&self.rows[0])
        if self.spans is not None:
            free(&self.spans[0])
        if self.item_keys is not None:
            free(&self.item_keys[0])
        if self.item_labels is not None:
            free(&self.item_labels[0])
        if self.trace_ids is not None:
            free(&self.trace_ids[0])

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
        cdef int more
        self.enter()
        try:
            if self.owner is not None:
                raise RuntimeError("what the last slice gathered was not taken")
            self.owner = reading
            self.body = reading.body
            self.at = reading.at
            self.start_slice(now)
            if self.at.level != REQUEST:
                self.find_resource()  # its number may be another's since the last slice
            with nogil:
                more = self.walk()
                self.values.flush()
            reading.at = self.at
            return bool(more)
        finally:
            self.leave()

    cdef int enter(self) except -1:
        """Two threads in one scanner would each see half of the other's item."""
        if self.busy or self.traces.busy:
            raise RuntimeError("a scanner serves one thread at a time")
        self.busy = self.traces.busy = self.values.busy = self.profiles.busy = True
        return 0

    cdef void leave(self) noexcept:
        self.busy = self.traces.busy = self.values.busy = self.profiles.busy = False

    cdef int start_slice(self, double now) except -1:
        self.series.begin(now)
        self.profiles.begin(now)
        self.now = now
        self.items = self.own = self.steps = 0
        self.texts.long_paths = 0
        memset(&self.trace_ids[0], 0, 16)
        memset(self.oddities, 0, sizeof(self.oddities))
        if (self.keys.is_full() or self.shapes.is_full()) and \
                not self.renewed <= now < self.renewed + RENEWAL:
            self.renewed = now
            self.shapes.forget()  # they are made of the keys' numbers
            self.keys.forget()
        return 0

    cdef int walk(self) except -1 nogil:
        """Go on where the last slice ended; True at the end of a slice, False at the very end."""
        cdef Field field
        while True:
            if self.items >= self.slice_items or self.steps >= MOST_STEPS \
                    or self.values.used >= MANY_VALUES or self.values.text_used >= MANY_BYTES:
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
                    self.steps += 1
                    self.at.scope = inside(&field)
                    self.at.scope_name = NULL
                    self.at.scope_size = 0
                    self.at.level = ITEMS
            else:
                if not next_field(&self.at.request, &field):
                    return False
                if field.tag == 10:
                    self.steps += 1
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
        self.at.sender_hash = hash_bytes(self.at.sender.start, self.at.sender.size, 4, &self.secret)
        self.at.block = inside(block)
        if self.find_resource():
            self.own += self.count_items(self.at.block)
            return 0
        self.no_item()
        cursor = inside(&self.at.sender)
        while next_field(&cursor, &field):
            if field.tag == 10:
                self.texts.of_pair(&field, RESOURCE_ATTRIBUTE)
        self.at.level = SCOPES
        return 0

    cdef int find_resource(self) except -1 nogil:
        """Look up who sent the block; True when it is the auditor itself."""
        cdef int64_t number = map_get(&self.resource_index, self.at.sender_hash)
        cdef Field* sender = &self.at.sender
        if number < 0:
            with gil:
                number = self.intern(
                    PyBytes_FromStringAndSize(<const char*>sender.start, sender.size))
                map_put(&self.resource_index, self.at.sender_hash, <uint32_t>number)
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
                self.texts.of_pair(&field, SCOPE_ATTRIBUTE)
        self.texts.plain(self.at.scope_name, self.at.scope_size, SCOPE_ATTRIBUTE)
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

    # ------------------------------------------------------------------ attributes of items

    cdef void open_item(self) noexcept nogil:
        self.items += 1
        self.item_number += 1
        self.key_count = 0
        self.pairs = 0
        self.nameless = False
        self.name_hash = 0
        self.before = 0
        self.shape_sum = 0
        self.label_sum = 0
        self.present = False
        self.details.count = 0
        memset(&self.trace_ids[self.items * 16], 0, 16)
        self.values.context.item = <uint32_t>self.items
        self.values.context.resource = self.at.resource
        self.values.context.name_hash = 0
        self.values.context.name_size = 0

    cdef void set_name(self, const uint8_t* name, size_t size) noexcept nogil:
        """The name that sightings in this item carry."""
        self.values.context.name = name
        self.values.context.name_size = <uint32_t>size
        self.name_hash = hash_bytes(name, size, 6, &self.secret)
        self.values.context.name_hash = self.name_hash

    cdef int attribute(self, Field* pair, int place, Call* call, bint labels) except -1 nogil:
        """An attribute of the item itself."""
        cdef Field key, value, inner
        cdef uint32_t number, roles
        cdef bint again
        cdef Key* entry
        cdef uint64_t key_hash, value_hash = 0
        if not usual_pair(pair, &key, &inner):
            read_pair(pair, &key, &value)
            read_value(&value, &inner)
        self.pairs += 1
        number = self.keys.find(key.start, key.size, self.before, self.pairs <= MOST)
        self.before = number
        entry = &self.keys.entries[number]
        key_hash = entry.hash if number else self.keys.hash_of(key.start, key.size)
        roles = entry.roles
        if number == 0 and call != NULL and is_parameter(key.start, key.size):
            roles = ROLE_PARAMETER
        if inner.tag == TEXT or labels or roles:
            value_hash = typed_hash(&inner, &self.secret)
        again = True
        if self.pairs <= MOST:
            again = self.note_key(number, mix(key_hash, value_hash, &self.secret) if labels else 0)
        if roles:
            if call != NULL:
                learn(call, roles, key_hash, &inner, value_hash, again * self.pairs, &self.secret)
                if roles & ROLE_SYSTEM:
                    call.systems |= <uint32_t>1 << self.statements.system_of(&inner, value_hash)
                if roles & ROLE_DETAIL:
                    self.details.note(number, &inner, self.item_number)
            if roles & ROLE_ROW:
                self.present = True
        if self.texts.places[place]:
            self.values.context.nameless = number == 0
            if inner.tag == TEXT:
                if inner.size:
                    self.values.see(key_hash, key.start, key.size, value_hash, inner.start,
                                    inner.size, place)
            else:
                self.texts.of_value(&inner, key_hash, key.start, key.size, place)
            self.values.context.nameless = False
        return 0

    cdef int note_key(self, uint32_t number, uint64_t label) except -1 nogil:
        """Add a key to those of the item, and its label's hash to those of the series.

        Of two labels with one name the last one counts.

        Returns:
            Whether it is among them already.
        """
        cdef Key* entry = &self.keys.entries[number]
        cdef uint32_t at
        if number == 0:
            self.nameless = True
            self.label_sum += label
            return 0
        if entry.stamp == self.item_number:
            for at in range(self.key_count):
                if self.item_keys[at] == number:
                    self.label_sum += label - self.item_labels[at]
                    self.item_labels[at] = label
                    break
            return 1
        entry.stamp = self.item_number
        self.shape_sum += entry.hash
        self.label_sum += label
        self.item_keys[self.key_count] = number
        self.item_labels[self.key_count] = label
        self.key_count += 1
        return 0

    cdef int note_shape(self, int kind, int32_t status, int severity, int flags) except -1 nogil:
        """Count the item by its shape; one with a name that is not known is not judged by it."""
        cdef Facts facts
        cdef bint traced = is_set(&self.trace_ids[self.items * 16], 16)
        if self.nameless:
            self.shapes.over_bound += 1
            return 0
        facts.identity = self.at.identity
        facts.resource = self.at.resource
        facts.signal = <uint8_t>self.at.signal
        facts.kind = <uint8_t>kind
        facts.status = status
        facts.severity = <uint8_t>severity
        facts.flags = <uint8_t>flags
        facts.name = self.at.metric_name if self.at.signal == METRICS else NULL
        facts.name_size = self.at.metric_size if self.at.signal == METRICS else 0
        return self.shapes.see(&facts, self.shape_sum, &self.item_keys[0], self.key_count,
                               <uint32_t>self.items if traced else 0)

    # ------------------------------------------------------------------ spans

    cdef int span(self, Field* message) except -1 nogil:
        cdef Cursor cursor = inside(message)
        cdef Field field, trace_id, span_id, parent_id, name, state, status_text
        cdef Call call
        cdef SpanRecord record
        cdef int32_t kind = 0, status = 0
        cdef uint64_t linked = 0
        cdef uint32_t remote = 0
        cdef int flags = 0
        begin(&call)
        memset(&record, 0, sizeof(SpanRecord))
        clear(&trace_id)
        clear(&span_id)
        clear(&parent_id)
        clear(&name)
        clear(&state)
        clear(&status_text)
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
                self.link(&field, &linked)
            elif field.tag == 122:
                read_status(&field, &status, &status_text)
            elif field.tag == 133:
                remote = <uint32_t>field.number
        self.texts.plain(name.start, name.size, SPAN_NAME)
        self.texts.of_state(&state, TRACE_STATE)
        self.texts.plain(status_text.start, status_text.size, SPAN_STATUS)
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
        # In whole nanoseconds: as doubles, times of today are 128 of them apart.
        self.oddities[ODD_FUTURE] += record.start > <uint64_t>(self.now * 1e9 + ONE_DAY)
        if self.want_shapes[TRACES]:
            self.note_shape(kind, status, 0, flags)
        if self.want_rows[TRACES]:
            self.candidate(message)
        if self.want_traces and record.span_id and flags & HAS_TRACE_ID:
            record.flags = flags
            if kind == CONSUMER_KIND and self.traces.want_ages:
                record.target = linked
            self.waiting(message, &call, &record, kind, status)
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
                self.texts.of_pair(&field, EVENT_ATTRIBUTE)
        if self.events.used and \
                map_get(&self.events, hash_bytes(name.start, name.size, 7, &self.secret)) >= 0:
            self.present = True
        return self.texts.plain(name.start, name.size, EVENT_NAME)

    cdef int link(self, Field* message, uint64_t* linked) except -1 nogil:
        """Read a link; ``linked`` is set to the hash of its ids if it is the first valid one."""
        cdef Cursor cursor = inside(message)
        cdef Field field, state, trace_id, span_id
        cdef uint64_t low, high, number
        clear(&state)
        clear(&trace_id)
        clear(&span_id)
        while next_field(&cursor, &field):
            if field.tag == 26:
                state = field
            elif field.tag == 34:
                self.texts.of_pair(&field, LINK_ATTRIBUTE)
            elif field.tag == 10:
                trace_id = field
            elif field.tag == 18:
                span_id = field
        if linked[0] == 0 and trace_id.size == 16 and span_id.size == 8:
            memcpy(&low, trace_id.start, 8)
            memcpy(&high, trace_id.start + 8, 8)
            memcpy(&number, span_id.start, 8)
            linked[0] = self.traces.identity_of(low, high, number)
        return self.texts.plain(state.start, state.size, TRACE_STATE)

    cdef int waiting(self, Field* message, Call* call, SpanRecord* record, int kind,
                     int32_t status) except -1 nogil:
        """Note a span for the table of traces, under the profile that it shares with others."""
        cdef uint64_t hashed = profile_hash(call, self.name_hash, kind, status, self.mask_servers,
                                            &self.secret)
        cdef uint64_t with_text = hashed, offset = 0
        cdef bint literal = False, rows = False
        cdef Target* sql = query_of(call)
        cdef Target* url
        cdef Query* query
        cdef WaitingSpan* made
        if sql != NULL:
            query = self.statements.read(sql.value.start, sql.value.size, sql.hash, call.systems)
            literal = query.literal
            offset = query.offset
            rows = query.rows
            if call.systems and kind != SERVER_KIND:
                with_text = mix(hashed, query.masked, &self.secret)
        if kind == CLIENT_KIND or kind == PRODUCER_KIND:
            set_target(call, record, sql, literal, &self.secret)
        if call.systems:
            url = text_of(call, SLOT_URL, SLOT_URL_OLD)
            if url != NULL:
                offset = max(offset, page_of(url.value.start, url.value.size))
        if offset or rows or self.details.count:
            self.details.read(kind, offset, rows, record)
        if self.span_count >= <size_t>self.spans.shape[0]:
            with gil:
                self.grow_spans()
        record.profile = self.profiles.number(with_text, hashed, message, kind)
        record.resource = self.at.resource
        made = &self.spans[self.span_count]
        made.record = record[0]
        memcpy(&made.low, &self.trace_ids[self.items * 16], 8)
        memcpy(&made.high, &self.trace_ids[self.items * 16 + 8], 8)
        self.span_count += 1
        return 0

    cdef int candidate(self, Field* message) except -1 nogil:
        """Note an item that a row selection may match."""
        cdef RowRecord* made
        if not self.present and self.want_rows[self.at.signal] == WITH_KEY:
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
        cdef Field field, trace_id, span_id, severity_text, name, body, said
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
        self.texts.plain(name.start, name.size, EVENT_NAME)
        self.texts.plain(severity_text.start, severity_text.size, LOG_ATTRIBUTE)
        read_value(&body, &said)
        if said.tag:
            flags |= HAS_BODY
        if said.tag == MAP:
            flags |= BODY_IS_MAP
            self.body_keys(&said)
        self.texts.of_body(&said, LOG_BODY)
        severity = (severity - 1) // 4 * 4 + 1 if 1 <= severity <= 24 else 0
        if self.want_shapes[LOGS]:
            self.note_shape(0, 0, severity, flags)
        if self.want_rows[LOGS]:
            self.candidate(message)
        return 0

    cdef int body_keys(self, Field* entries) except -1 nogil:
        """The keys of a body that is a map."""
        cdef Cursor cursor = inside(entries)
        cdef Field pair, key, value
        cdef uint32_t number, count = 0
        while next_field(&cursor, &pair) and count < MOST:
            if pair.tag != 10:
                continue
            count += 1
            read_pair(&pair, &key, &value)
            number = self.keys.find(key.start, key.size, self.before, True)
            self.before = number
            self.note_key(number, 0)
        return 0

    # ------------------------------------------------------------------ metrics

    cdef int metric(self, Field* message) except -1 nogil:
        """Read what a metric says of itself; its points come next."""
        cdef Cursor cursor = inside(message)
        cdef Field field, name, description, unit, data
        self.steps += 1
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
                self.texts.of_pair(&field, METRIC_TEXT)
            elif is_data(field.tag):
                data = field
        self.at.metric_name = name.start
        self.at.metric_size = name.size
        self.texts.plain(name.start, name.size, METRIC_TEXT)
        self.texts.plain(description.start, description.size, METRIC_TEXT)
        self.texts.plain(unit.start, unit.size, METRIC_TEXT)
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
            self.note_shape(0, 0, 0, 0)
        if self.want_series:
            self.label_set(message)
        return 0

    cdef int exemplar(self, Field* message, bint traced) except -1 nogil:
        """The strings of an exemplar, and the point's trace if it is the first that has one."""
        cdef Cursor cursor = inside(message)
        cdef Field field, trace_id
        clear(&trace_id)
        while next_field(&cursor, &field):
            if field.tag == 58:
                self.texts.of_pair(&field, METRIC_LABEL)
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
        if not self.series.fresh(hashed, &made):
            return 0
        made.point = <size_t>message.start
        made.point_size = message.size
        made.metric = <size_t>self.at.metric_name
        made.metric_size = self.at.metric_size
        made.scope = <size_t>self.at.scope_name
        made.scope_size = self.at.scope_size
        made.resource = self.at.resource
        made.data_tag = self.at.data_tag
        made.item = <uint32_t>self.items
        return 0

    # ------------------------------------------------------------------ handing over

    def take(self, Reading reading not None, signal, list resources, make):
        """What the slice has gathered, but for its spans.

        Args:
            reading: which was read last.
            signal: of the request.
            resources: by number.
            make: a shape; see `shapes.Shapes.take`.

        Returns:
            Items, and items of the auditor's own; oddities by name; then shapes, values, series,
            rows and profiles as `shapes.Shapes.take`, `values.ValueBatch`,
            `series.SeriesTable.take`, `rows_taken` and `profiles.Profiles.take` say.
        """
        cdef bytes ids
        cdef int at
        if self.busy or self.owner is not reading:
            raise RuntimeError("a scanner serves one thread at a time")
        self.keys.hand_over()  # comes before anything that shows a key
        oddities = {_ODDITIES[at]: self.oddities[at] for at in range(ODDITIES) if self.oddities[at]}
        shapes = self.shapes.take(self.keys, make, self.trace_of)
        values = ()
        if self.values.used:
            ids = PyBytes_FromStringAndSize(<char*>&self.trace_ids[0], (self.items + 1) * 16)
            values = self.values.take(self.body, signal, resources, ids)
        series = self.series.take(self.trace_of) if self.series.count else ()
        rows = self.rows_taken() if self.row_count else ()
        profiles = self.profiles.take() if self.profiles.fresh_count else ()
        return self.items, self.own, oddities, shapes, values, series, rows, profiles

    cdef list rows_taken(self):
        """Items that a selection may match: their bytes and their resource."""
        cdef uint32_t at
        taken = [
            ((<const char*>self.rows[at].start)[: self.rows[at].size], self.rows[at].resource)
            for at in range(self.row_count)
        ]
        self.row_count = 0
        return taken

    def keep_spans(self, Reading reading not None, double now, double due, uint64_t most):
        """Put the spans of the slice into the table of traces, and finish some that are due.

        With this the slice has been handed over, and the next may be read.

        Returns:
            Trace and span ids of those whose child was judged before.
        """
        cdef uint32_t at
        cdef WaitingSpan* one
        late = []
        if self.owner is not reading:
            raise RuntimeError("a scanner serves one thread at a time")
        self.enter()
        try:
            with nogil:
                for at in range(self.span_count):
                    if at + AHEAD < self.span_count:
                        one = &self.spans[at + AHEAD]
                        self.traces.expect(one.low, one.high, &one.record)
                    one = &self.spans[at]
                    if self.traces.add(one.low, one.high, &one.record, now):
                        with gil:
                            late.append((
                                (<char*>&one.low)[:8] + (<char*>&one.high)[:8],
                                (<char*>&one.record.span_id)[:8],
                            ))
                self.traces.finish(due, now, most)
            self.span_count = 0
            self.owner = self.body = None
        finally:
            self.leave()
        return late

    def forget_resources(self):
        """Start the table of resources anew; numbers in use stay with their spans."""
        if self.busy:
            raise RuntimeError("a scanner serves one thread at a time")
        map_clear(&self.resource_index)

    def drop(self, Reading reading not None):
        """Forget what a slice of this request has gathered that could not be handed over."""
        if self.busy or self.owner is not reading:
            return
        self.owner = None
        self.keys.hand_over()
        self.values.drop()
        self.shapes.forget()
        self.series.count = self.row_count = self.span_count = 0
        self.profiles.drop()

    def trace_of(self, uint32_t item):
        """The trace id of an item of the slice, or empty."""
        cdef bytes raw = (<char*>&self.trace_ids[item * 16])[:16]
        return raw.hex() if any(raw) else ""

    # ------------------------------------------------------------------ room

    cdef int grow_spans(self) except -1:
        cdef size_t count = self.spans.shape[0] * 2
        cdef WaitingSpan* grown = <WaitingSpan*>moved(
            &self.spans[0], self.span_count * sizeof(WaitingSpan), count * sizeof(WaitingSpan))
        self.spans = <WaitingSpan[:count]>grown
        return 0

    cdef int grow_rows(self) except -1:
        cdef size_t count = self.rows.shape[0] * 2
        cdef RowRecord* grown = <RowRecord*>moved(
            &self.rows[0], self.row_count * sizeof(RowRecord), count * sizeof(RowRecord))
        self.rows = <RowRecord[:count]>grown
        return 0
