# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""The values view: each distinct string under a key once, with the places where it stands.

Verdicts are remembered, not sightings: a clean repeat costs one look-up and no object. What is
new goes to the detectors as one blob; objects are made of those alone that someone looks at.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memchr, memcpy, memset

from collector.decode.native.hashes cimport whole_hash
from collector.decode.native.maps cimport (
    Map, map_clear, map_close, map_get, map_put,
)
from collector.decode.native.otlp cimport first_characters
from collector.decode.native.recall cimport (
    recall_add, recall_close, recall_forget, recall_has, recall_open,
)
from collector.decode.native.wire cimport mix

from collector.decode.anyvalue import bounded
from collector.views import Place, Sighting, Value

cdef enum:
    TRACE_ID = 16
    FIRST_ROOM = 256
    MOST_SIGHTINGS = 256     # of one value in one slice; looking through more takes long
    LEFT_OUT = 0
    JOINED = 1
    ALONE = 2

_PLACES = tuple(Place)


@cython.final
cdef class Values:
    """The table of one decoder.

    Args:
        secret: of the hashes.
        remembered: distinct (key, value) pairs remembered at most.
        max_length: characters; longer strings are cut and counted in `cut`.
        most: strings that are handed over at once; further ones are counted in `over_bound`.
    """

    def __cinit__(self, tuple secret, size_t remembered, size_t max_length, uint32_t most):
        cdef int index
        for index in range(4):
            self.secret.mix[index] = secret[index]
        if recall_open(&self.clean, remembered) < 0 or recall_open(&self.bad, remembered) < 0:
            raise MemoryError
        self.max_length = max_length
        self.most = most
        self.pending = <Pending[:FIRST_ROOM]>malloc(FIRST_ROOM * sizeof(Pending))
        self.seen = <Seen[:FIRST_ROOM]>malloc(FIRST_ROOM * sizeof(Seen))
        self.paths = <uint8_t[:FIRST_ROOM]>malloc(FIRST_ROOM)

    def __dealloc__(self):
        recall_close(&self.clean)
        recall_close(&self.bad)
        map_close(&self.present)
        if self.pending is not None:
            free(&self.pending[0])
        if self.seen is not None:
            free(&self.seen[0])
        if self.paths is not None:
            free(&self.paths[0])

    cdef int see_path(self, uint64_t key_hash, const uint8_t* path, size_t path_size,
                      const uint8_t* text, size_t size, uint8_t place) except -1 nogil:
        """The same under a key that stands in a buffer of the caller, to be copied if it is kept."""
        cdef Queued one
        self.flush()
        size = self.shortened(text, size)
        one.hash = mix(whole_hash(text, size, &self.secret), key_hash, &self.secret)
        one.key_hash = key_hash
        one.key = path
        one.key_size = path_size
        one.text = text
        one.size = size
        one.place = place
        one.context = self.context
        return self.look_up(&one, True)

    cdef int flush(self) except -1 nogil:
        """Look up all that was queued."""
        cdef Queued* one
        while self.looked_up != self.queued:
            one = &self.queue[self.looked_up % QUEUE]
            self.looked_up += 1
            self.look_up(one, False)
        return 0

    cdef int look_up(self, Queued* one, bint path) except -1 nogil:
        """Note a string if it is new or known to be bad."""
        cdef uint64_t hashed = one.hash
        cdef long long found = map_get(&self.present, hashed)
        cdef Pending* made
        cdef bint known
        if found >= 0:
            return self.note(<uint32_t>found, one)
        if recall_has(&self.clean, hashed):
            self.recent[hashed & (RECENT - 1)] = hashed
            return 0
        if self.used >= self.most:
            self.over_bound += 1
            return 0
        known = recall_has(&self.bad, hashed)
        if self.used >= <size_t>self.pending.shape[0] or \
                (path and self.path_used + one.key_size > <size_t>self.paths.shape[0]):
            with gil:
                self._grow(one.key_size)
        if map_put(&self.present, hashed, self.used) < 0:
            with gil:
                raise MemoryError
        made = &self.pending[self.used]
        made.hash = hashed
        made.key_hash = one.key_hash
        made.key = 0 if path else <size_t>one.key
        made.key_size = <uint32_t>one.key_size
        made.text = <size_t>one.text
        made.size = <uint32_t>one.size
        made.known = known
        made.nameless = one.context.nameless
        if path:
            made.path = self.path_used
            if one.key_size:
                memcpy(&self.paths[self.path_used], one.key, one.key_size)
            self.path_used += one.key_size
        self.used += 1
        self.text_used += one.size
        made.first = self.sighting(one)
        return 0

    cdef int note(self, uint32_t value, Queued* one) except -1 nogil:
        """Count another sighting of a value of this slice."""
        cdef uint32_t at = self.pending[value].first
        cdef uint32_t made, links = 0
        cdef Seen* seen
        while True:
            seen = &self.seen[at]
            if (
                seen.place == one.place
                and seen.resource == one.context.resource
                and seen.name_hash == one.context.name_hash
            ):
                seen.count += 1
                return 0
            if seen.next == 0:
                break
            links += 1
            if links == MOST_SIGHTINGS:
                self.over_bound += 1
                return 0
            at = seen.next
        made = self.sighting(one)
        self.seen[at].next = made
        return 0

    cdef uint32_t sighting(self, Queued* one) except? 0xFFFFFFFF nogil:
        cdef Seen* made
        if self.sightings >= <size_t>self.seen.shape[0]:
            with gil:
                self._grow_seen()
        made = &self.seen[self.sightings]
        made.name_hash = one.context.name_hash
        made.name = <size_t>one.context.name
        made.name_size = one.context.name_size
        made.item = one.context.item
        made.resource = one.context.resource
        made.place = one.place
        made.count = 1
        made.next = 0
        self.sightings += 1
        return self.sightings - 1

    cdef size_t shortened(self, const uint8_t* text, size_t size) noexcept nogil:
        """The bytes of as many characters as are handed over."""
        cdef size_t end
        if size <= self.max_length:
            return size
        end = first_characters(text, size, self.max_length)
        if end < size:
            self.cut += 1
        return end

    cdef _grow(self, size_t path):
        cdef size_t count = self.pending.shape[0] * 2
        cdef size_t room = (self.paths.shape[0] + path) * 2
        cdef Pending* pending = <Pending*>malloc(count * sizeof(Pending))
        cdef uint8_t* paths = <uint8_t*>malloc(room)
        if pending == NULL or paths == NULL:
            free(pending)
            free(paths)
            raise MemoryError
        memcpy(pending, &self.pending[0], self.used * sizeof(Pending))
        memcpy(paths, &self.paths[0], self.path_used)
        free(&self.pending[0])
        free(&self.paths[0])
        self.pending = <Pending[:count]>pending
        self.paths = <uint8_t[:room]>paths

    cdef _grow_seen(self):
        cdef size_t count = self.seen.shape[0] * 2
        cdef Seen* seen = <Seen*>malloc(count * sizeof(Seen))
        if seen == NULL:
            raise MemoryError
        memcpy(seen, &self.seen[0], self.sightings * sizeof(Seen))
        free(&self.seen[0])
        self.seen = <Seen[:count]>seen

    cdef object take(self, object body, object signal, object resources, bytes trace_ids):
        """Hand over what was noted; what is new counts as clean from here on."""
        cdef uint32_t at
        cdef ValueBatch batch
        if self.used == 0:
            return ()
        for at in range(self.used):
            if not self.pending[at].known:
                recall_add(&self.clean, self.pending[at].hash)
        batch = ValueBatch.__new__(ValueBatch)
        batch.pending = copied(&self.pending[0], self.used * sizeof(Pending))
        batch.seen = copied(&self.seen[0], self.sightings * sizeof(Seen))
        batch.paths = copied(&self.paths[0], self.path_used)
        batch.used = self.used
        batch.body, batch.signal, batch.resources = body, signal, resources
        batch.trace_ids = trace_ids
        batch.made = {}
        self.drop()
        return batch

    def drop(self):
        """Forget what was noted in this slice."""
        map_clear(&self.present)
        self.used = self.sightings = 0
        self.queued = self.looked_up = 0
        self.path_used = self.text_used = 0

    def remember_bad(self, uint64_t hashed):
        """From now on hand over every occurrence of a value."""
        if self.busy:
            raise RuntimeError("a scanner serves one thread at a time")
        recall_forget(&self.clean, hashed)
        self.recent[hashed & (RECENT - 1)] = 0
        recall_add(&self.bad, hashed)


@cython.final
cdef class ValueBatch:
    """The values of one slice, as a sequence; an element is made when it is looked at."""

    cdef bytes pending
    cdef bytes seen
    cdef bytes paths
    cdef bytes trace_ids
    cdef object body, signal, resources
    cdef dict made
    cdef uint32_t used

    def __len__(self):
        return self.used

    def __getitem__(self, Py_ssize_t index):
        if index < 0 or index >= self.used:
            raise IndexError(index)
        value = self.made.get(index)
        if value is None:
            value = self.made[index] = self._make(<uint32_t>index)
        return value

    cdef Pending* _at(self, uint32_t index) noexcept:
        return <Pending*>PyBytes_AS_STRING(self.pending) + index

    cdef str _key(self, Pending* one):
        cdef const char* start = <const char*>one.key
        if one.key == 0:
            start = PyBytes_AS_STRING(self.paths) + one.path
        return bounded(start[: one.key_size].decode("utf-8", "replace"))

    cdef _make(self, uint32_t index):
        cdef Pending* one = self._at(index)
        cdef Seen* seen = <Seen*>PyBytes_AS_STRING(self.seen)
        cdef uint32_t at = one.first
        cdef bytes raw
        sightings = []
        while True:
            raw = self.trace_ids[seen[at].item * TRACE_ID : (seen[at].item + 1) * TRACE_ID]
            name = (<const char*>seen[at].name)[: seen[at].name_size].decode("utf-8", "replace")
            sightings.append(Sighting(
                self.signal,
                _PLACES[seen[at].place],
                self.resources[seen[at].resource],
                bounded(name),
                raw.hex() if any(raw) else "",
                seen[at].count,
            ))
            at = seen[at].next
            if at == 0:
                break
        return Value(self._key(one), self._text(one), not one.known, tuple(sightings), one.hash)

    def pair(self, Py_ssize_t index):
        """Key and text of a value, without its sightings."""
        if index < 0 or index >= self.used:
            raise IndexError(index)
        cdef Pending* one = self._at(<uint32_t>index)
        return self._key(one), self._text(one)

    def blobs(self, special, size_t shortest, size_t longest, size_t most):
        """See `collector.views.PackedValues.blobs`."""
        cdef uint32_t at
        cdef size_t size = 0, count = 0
        cdef bytes ways = self._ways(special, shortest, longest)
        cdef const char* way = PyBytes_AS_STRING(ways)
        cdef uint32_t first = 0
        found = []
        for at in range(self.used):
            if way[at] != JOINED:
                continue
            if count and size + self._at(at).size >= most:
                found.append(self._blob(way, first, at, size, count))
                first = at
                size = count = 0
            size += self._at(at).size + 1
            count += 1
        if count:
            found.append(self._blob(way, first, self.used, size, count))
        return found, [at for at in range(self.used) if way[at] == ALONE]

    cdef bytes _ways(self, special, size_t shortest, size_t longest):
        """For each value, whether it is left out, joined with others or looked at alone."""
        cdef Map index
        cdef uint32_t at
        cdef int64_t found
        cdef Pending* one
        cdef bytes ways = PyBytes_FromStringAndSize(NULL, self.used)
        cdef char* way = PyBytes_AS_STRING(ways)
        memset(&index, 0, sizeof(index))
        try:
            for at in range(self.used):
                one = self._at(at)
                found = 0 if one.nameless else map_get(&index, one.key_hash)
                if found < 0:
                    found = bool(special(self._key(one)))
                    if map_put(&index, one.key_hash, <uint32_t>found) < 0:
                        raise MemoryError
                if found or one.size > longest:
                    way[at] = ALONE
                elif one.size < shortest:
                    way[at] = LEFT_OUT
                else:
                    way[at] = ALONE if encoded(one) else JOINED
        finally:
            map_close(&index)
        return ways

    cdef tuple _blob(self, const char* way, uint32_t first, uint32_t last, size_t size,
                     size_t count):
        cdef bytes blob = PyBytes_FromStringAndSize(NULL, size)
        cdef bytes starts = PyBytes_FromStringAndSize(NULL, count * sizeof(uint32_t))
        cdef bytes owners = PyBytes_FromStringAndSize(NULL, count * sizeof(uint32_t))
        cdef uint32_t* start = <uint32_t*>PyBytes_AS_STRING(starts)
        cdef uint32_t* owner = <uint32_t*>PyBytes_AS_STRING(owners)
        cdef char* out = PyBytes_AS_STRING(blob)
        cdef size_t used = 0, taken = 0
        cdef uint32_t at
        cdef Pending* one
        for at in range(first, last):
            if way[at] != JOINED:
                continue
            one = self._at(at)
            start[taken] = <uint32_t>used
            owner[taken] = at
            memcpy(out + used, <const char*>one.text, one.size)
            out[used + one.size] = c"\n"
            used += one.size + 1
            taken += 1
        return blob, memoryview(starts).cast("I"), memoryview(owners).cast("I")

    cdef str _text(self, Pending* one):
        return (<const char*>one.text)[: one.size].decode("utf-8", "replace")


cdef bint encoded(Pending* one) noexcept nogil:
    """Whether a text may hold another one in disguise."""
    return memchr(<const char*>one.text, c"%", one.size) != NULL or \
        memchr(<const char*>one.text, c"\\", one.size) != NULL


cdef bytes copied(void* start, size_t size):
    return PyBytes_FromStringAndSize(<char*>start, size)
