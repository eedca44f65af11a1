# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""The shapes view: items are counted by their keys and facts, a shape becomes an object once."""

cimport cython
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memcpy

from collector.decode.native.keys cimport Keys
from collector.decode.native.maps cimport map_clear, map_close, map_get, map_put
from collector.decode.native.rooms cimport moved, room_for
from collector.decode.native.wire cimport hash_bytes, mix

from collector.decode.anyvalue import bounded

cdef enum:
    FIRST_ROOM = 64
    KEYS_A_SHAPE = 64        # for which there is room, on average


@cython.final
cdef class Shapes:
    """Counts items by shape.

    Args:
        secret: of the hashes.
        bound: shapes that are remembered at most; items of others are counted in `over_bound`.
    """

    def __cinit__(self, tuple secret, uint32_t bound):
        cdef int index
        for index in range(4):
            self.secret.mix[index] = secret[index]
        self.bound = bound
        self.most_keys = KEYS_A_SHAPE * <size_t>bound
        self.objects = []
        self.shapes = <ShapeRecord[:FIRST_ROOM]>room_for(FIRST_ROOM * sizeof(ShapeRecord))
        self.keys = <uint32_t[:FIRST_ROOM]>room_for(FIRST_ROOM * sizeof(uint32_t))
        self.touched = <uint32_t[:FIRST_ROOM]>room_for(FIRST_ROOM * sizeof(uint32_t))

    def __dealloc__(self):
        map_close(&self.index)
        if self.shapes is not None:
            free(&self.shapes[0])
        if self.keys is not None:
            free(&self.keys[0])
        if self.touched is not None:
            free(&self.touched[0])

    cdef bint is_full(self) noexcept:
        """Whether shapes were turned away for want of room."""
        return self.count >= self.bound or self.key_count > self.most_keys - self.most_keys // 8

    cdef int forget(self) except -1:
        """Learn all shapes anew."""
        map_clear(&self.index)
        self.count = self.key_count = self.touched_count = 0
        self.objects = []
        return 0

    cdef int see(self, Facts* facts, uint64_t sum, const uint32_t* keys, uint32_t key_count,
                 uint32_t item) except -1 nogil:
        """Count an item.

        ``sum`` is of the hashes of its keys, ``item`` its number in the slice if it has a
        trace id, else 0.
        """
        cdef uint64_t hashed = mix(
            sum ^ facts.identity,
            <uint64_t><uint32_t>facts.status << 32 | <uint64_t>facts.flags << 16
            | <uint64_t>facts.severity << 8 | <uint64_t>facts.kind << 4 | <uint64_t>facts.signal,
            &self.secret,
        )
        cdef int64_t found
        cdef ShapeRecord* one
        if facts.name_size:
            hashed = hash_bytes(facts.name, facts.name_size, hashed, &self.secret)
        found = map_get(&self.index, hashed)
        if found < 0:
            if self.count >= self.bound or self.key_count + key_count > self.most_keys:
                self.over_bound += 1
                return 0
            found = self.learn(hashed, facts, keys, key_count)
        one = &self.shapes[found]
        if one.items == 0:
            if self.touched_count >= <size_t>self.touched.shape[0]:
                with gil:
                    self.grow_touched()
            self.touched[self.touched_count] = <uint32_t>found
            self.touched_count += 1
            one.item = 0
        one.items += 1
        if one.item == 0:
            one.item = item
        return 0

    cdef int64_t learn(self, uint64_t hashed, Facts* facts, const uint32_t* keys,
                       uint32_t key_count) except -1 nogil:
        cdef uint32_t found = self.count
        cdef ShapeRecord* one
        if found + 1 >= <size_t>self.shapes.shape[0] or \
                self.key_count + key_count >= <size_t>self.keys.shape[0]:
            with gil:
                self.grow(key_count)
        map_put(&self.index, hashed, found)
        one = &self.shapes[found]
        one.keys = self.key_count
        one.key_count = key_count
        if key_count:
            memcpy(&self.keys[self.key_count], keys, key_count * sizeof(uint32_t))
        one.resource = facts.resource
        one.kind = facts.kind
        one.status = facts.status
        one.severity = facts.severity
        one.flags = facts.flags
        one.name = <size_t>facts.name
        one.name_size = <uint32_t>facts.name_size
        one.items = 0
        self.key_count += key_count
        self.count += 1
        return found

    cdef list take(self, Keys keys, object make, object trace):
        """The shapes of the slice, with the number of items and the first trace of each.

        Args:
            keys: of whose names the shapes are made.
            make: a shape of resource, kind, status, severity, flags, keys and metric name.
            trace: the trace id of an item by its number.
        """
        cdef uint32_t at, key
        cdef ShapeRecord* one
        taken = []
        for at in range(<uint32_t>len(self.objects), self.count):
            one = &self.shapes[at]
            names = frozenset([
                keys.names[self.keys[one.keys + key]] for key in range(one.key_count)
            ])
            name = (<const char*>one.name)[: one.name_size].decode("utf-8", "replace")
            self.objects.append(make(
                one.resource, one.kind, one.status, one.severity, one.flags, names, bounded(name)
            ))
        for at in range(self.touched_count):
            one = &self.shapes[self.touched[at]]
            taken.append((self.objects[self.touched[at]], one.items, trace(one.item)))
            one.items = 0
        self.touched_count = 0
        return taken

    cdef int grow(self, uint32_t key_count) except -1:
        cdef size_t count = self.shapes.shape[0] * 2
        cdef size_t room = (self.keys.shape[0] + key_count) * 2
        cdef uint32_t* keys = <uint32_t*>moved(
            &self.keys[0], self.key_count * sizeof(uint32_t), room * sizeof(uint32_t))
        cdef ShapeRecord* shapes
        self.keys = <uint32_t[:room]>keys
        shapes = <ShapeRecord*>moved(
            &self.shapes[0], self.count * sizeof(ShapeRecord), count * sizeof(ShapeRecord))
        self.shapes = <ShapeRecord[:count]>shapes
        return 0

    cdef int grow_touched(self) except -1:
        cdef size_t count = self.touched.shape[0] * 2
        cdef uint32_t* touched = <uint32_t*>moved(
            &self.touched[0], self.touched_count * sizeof(uint32_t), count * sizeof(uint32_t))
        self.touched = <uint32_t[:count]>touched
        return 0
