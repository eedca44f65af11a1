# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""The values view: each distinct string under a key once, with the places where it stands.

Verdicts are remembered, not sightings: a clean repeat costs one look-up and no object. What is
new goes to the detectors as one blob; objects are made of those alone that someone looks at.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memchr, memcpy

from collector.decode.native.maps cimport (
    Map, map_clear, map_close, map_get, map_put, memory_add, memory_clear, memory_forget,
    memory_has,
)
from collector.decode.native.otlp cimport first_characters
from collector.decode.native.wire cimport HashKey, hash_bytes, is_utf8

from collector.decode.anyvalue import bounded
from collector.views import Place, Sighting, Value

cdef enum:
    TRACE_ID = 16
    FIRST_ROOM = 256

_PLACES = tuple(Place)


cdef class Values:
    """The table of one decoder.

    Args:
        secret: of the hashes.
        remembered: distinct (key, value) pairs remembered at most.
        max_length: characters; longer strings are cut and counted in `cut`.
    """

    def __cinit__(self, tuple secret, size_t remembered, size_t max_length):
        cdef int index
        for index in range(4):
            self.secret.mix[index] = secret[index]
        self.clean.half = self.bad.half = max(1, remembered // 2)
        self.max_length = max_length
        self.pending = <Pending[:FIRST_ROOM]>malloc(FIRST_ROOM * sizeof(Pending))
        self.seen = <Seen[:FIRST_ROOM]>malloc(FIRST_ROOM * sizeof(Seen))
        self.paths = <uint8_t[:FIRST_ROOM]>malloc(FIRST_ROOM)

    def __dealloc__(self):
        memory_clear(&self.clean)
        memory_clear(&self.bad)
        map_close(&self.present)
        if self.pending is not None:
            free(&self.pending[0])
        if self.seen is not None:
            free(&self.seen[0])
        if self.paths is not None:
            free(&self.paths[0])

    cdef int see(self, uint64_t key_hash, const uint8_t* key, size_t key_size,
                 const uint8_t* text, size_t size, uint8_t place, bint path) except -1 nogil:
        """Note that a string stands in the present context, if it is new or known to be bad.

        ``path`` says that the key is a buffer of the caller, to be copied if it is kept.
        """
        cdef uint64_t hashed
        cdef long long found
        cdef Pending* made
        cdef bint known
        if size > self.max_length:
            size = self.shortened(text, size)
        hashed = hash_bytes(text, size, key_hash, &self.secret)
        found = map_get(&self.present, hashed)
        if found >= 0:
            return self.note(<uint32_t>found, place)
        if memory_has(&self.clean, hashed):
            return 0
        known = memory_has(&self.bad, hashed)
        if self.used >= <size_t>self.pending.shape[0] or \
                (path and self.path_used + key_size > <size_t>self.paths.shape[0]):
            with gil:
                self._grow(key_size)
        if map_put(&self.present, hashed, self.used) < 0:
            with gil:
                raise MemoryError
        made = &self.pending[self.used]
        made.hash = hashed
        made.key_hash = key_hash
        made.key = 0 if path else <size_t>key
        made.key_size = <uint32_t>key_size
        made.text = <size_t>text
        made.size = <uint32_t>size
        made.known = known
        if path:
            made.path = self.path_used
            if key_size:
                memcpy(&self.paths[self.path_used], key, key_size)
            self.path_used += key_size
        self.used += 1
        made.first = self.sighting(place)
        return 0

    cdef int note(self, uint32_t value, uint8_t place) except -1 nogil:
        """Count another sighting of a value of this slice."""
        cdef uint32_t at = self.pending[value].first
        cdef uint32_t made
        cdef Seen* seen
        while True:
            seen = &self.seen[at]
            if (
                seen.place == place
                and seen.resource == self.context.resource
                and seen.name_hash == self.context.name_hash
            ):
                seen.count += 1
                return 0
            if seen.next == 0:
                break
            at = seen.next
        made = self.sighting(place)
        self.seen[at].next = made
        return 0

    cdef uint32_t sighting(self, uint8_t place) except? 0xFFFFFFFF nogil:
        cdef Seen* made
        if self.sightings >= <size_t>self.seen.shape[0]:
            with gil:
                self._grow_seen()
        made = &self.seen[self.sightings]
        made.name_hash = self.context.name_hash
        made.name = <size_t>self.context.name
        made.name_size = self.context.name_size
        made.item = self.context.item
        made.resource = self.context.resource
        made.place = place
        made.count = 1
        made.next = 0
        self.sightings += 1
        return self.sightings - 1

    cdef size_t shortened(self, const uint8_t* text, size_t size) noexcept nogil:
        """The bytes of as many characters as are handed over."""
        cdef size_t end = first_characters(text, size, self.max_length)
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
                memory_add(&self.clean, self.pending[at].hash)
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
        self.path_used = 0

    def remember_bad(self, uint64_t hashed):
        """From now on hand over every occurrence of a value."""
        memory_forget(&self.clean, hashed)
        memory_add(&self.bad, hashed)

    def hash_of(self, str key, str text):
        """The hash under which a value is remembered."""
        cdef bytes name = key.encode("utf-8", "surrogatepass")
        cdef bytes value = text.encode("utf-8", "surrogatepass")
        cdef uint64_t hashed = hash_bytes(<const uint8_t*>PyBytes_AS_STRING(name), len(name), 0,
                                          &self.secret)
        return hash_bytes(<const uint8_t*>PyBytes_AS_STRING(value), len(value), hashed,
                          &self.secret)


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

    def hash_at(self, Py_ssize_t index):
        """The hash under which a value is remembered."""
        if index < 0 or index >= self.used:
            raise IndexError(index)
        return self._at(<uint32_t>index).hash

    def made_hashes(self):
        """Hashes of the values that were looked at, by key and text."""
        return {(value.key, value.text): self.hash_at(at) for at, value in self.made.items()}

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
        text = (<const char*>one.text)[: one.size].decode("utf-8", "replace")
        return Value(self._key(one), text, not one.known, tuple(sightings))

    def keys(self):
        """The distinct keys of these values, and for each value the index of its key."""
        cdef Map index
        cdef uint32_t at
        cdef long long found
        cdef Pending* one
        index.keys = NULL
        index.values = NULL
        index.used = index.mask = 0
        names = []
        owners = bytearray(self.used * 4)
        cdef uint8_t[::1] raw = owners
        cdef uint32_t* numbers = <uint32_t*>&raw[0]
        try:
            for at in range(self.used):
                one = self._at(at)
                found = map_get(&index, one.key_hash)
                if found < 0:
                    found = len(names)
                    if map_put(&index, one.key_hash, <uint32_t>found) < 0:
                        raise MemoryError
                    names.append(self._key(one))
                numbers[at] = <uint32_t>found
        finally:
            map_close(&index)
        return names, memoryview(owners).cast("I")

    def blobs(self, const uint8_t[::1] special not None, const uint32_t[::1] owners not None,
              size_t shortest, size_t longest, size_t most):
        """The texts joined by line breaks, for one automaton.

        Args:
            special: for each distinct key, whether its values need more than that.
            owners: the index of the key of each value.
            shortest: shorter texts are left out, in bytes.
            longest: longer texts need more than that.
            most: bytes of one blob, where a single text is not longer.

        Returns:
            Blobs, each with the start and the index of each of its texts; and the indices of
            the values that must be looked at one by one.
        """
        cdef uint32_t at = 0, first
        cdef size_t size
        cdef Pending* one
        cdef bytes blob
        cdef char* out
        blobs = []
        rest = []
        while at < self.used:
            first = at
            size = 0
            starts = []
            indices = []
            while at < self.used and (size == 0 or size + self._at(at).size < most):
                one = self._at(at)
                if special[owners[at]] or one.size > longest or encoded(one):
                    rest.append(at)
                elif one.size >= shortest:
                    starts.append(size)
                    indices.append(at)
                    size += one.size + 1
                at += 1
            if not indices:
                continue
            blob = PyBytes_FromStringAndSize(NULL, size)
            out = PyBytes_AS_STRING(blob)
            for start, index in zip(starts, indices):
                one = self._at(index)
                memcpy(out + <size_t>start, <const char*>one.text, one.size)
                out[<size_t>start + one.size] = c"\n"
            blobs.append((blob, starts, indices))
        return blobs, rest


cdef bint encoded(Pending* one) noexcept nogil:
    """Whether a text may hold another one in disguise."""
    return memchr(<const char*>one.text, c"%", one.size) != NULL or \
        memchr(<const char*>one.text, c"\\", one.size) != NULL


cdef bytes copied(void* start, size_t size):
    return PyBytes_FromStringAndSize(<char*>start, size)
