# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""The names of attributes, numbered: the same few hundred come a million times."""

cimport cython
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from collector.decode.native.maps cimport map_clear, map_close, map_get, map_put
from collector.decode.native.wire cimport hash_bytes

from collector.decode.anyvalue import bounded

cdef enum:
    UNKNOWN_KEY = 0


@cython.final
cdef class Keys:
    """Keys by number; 0 stands for those that are not numbered.

    Args:
        secret: of the hashes.
        roles: what is asked of a key, by its name; these are never forgotten.
        bound: keys that are numbered at most, beside those with a role.
    """

    def __cinit__(self, tuple secret, dict roles, uint32_t bound):
        cdef int index
        for index in range(4):
            self.secret.mix[index] = secret[index]
        self.bound = bound + len(roles)
        self.names = []
        self.entries = <Key[:64]>malloc(64 * sizeof(Key))
        self.arena = <uint8_t[:4096]>malloc(4096)
        self.used = 1
        self.entries[0].hash = 0
        self.entries[0].size = 0
        self.entries[0].start = 0
        self.entries[0].after = 0
        self.entries[0].roles = 0
        self.entries[0].source = 0
        self.names.append("")
        self.handed = 1
        for name, role in roles.items():
            encoded = name.encode()
            index = self.seek(encoded, len(encoded), True)
            self.entries[index].roles = role
            self.hand_over()
        self.fixed = self.used
        self.fixed_stored = self.stored

    def __dealloc__(self):
        map_close(&self.index)
        if self.entries is not None:
            free(&self.entries[0])
        if self.arena is not None:
            free(&self.arena[0])

    cdef uint64_t hash_of(self, const uint8_t* start, size_t size) noexcept nogil:
        return hash_bytes(start, size, 0, &self.secret)

    cdef uint32_t seek(self, const uint8_t* start, size_t size, bint add) except? 0xFFFFFFFF nogil:
        cdef uint64_t hashed = self.hash_of(start, size)
        cdef size_t stored = size if size < COMPARED else COMPARED
        cdef int found = <int>map_get(&self.index, hashed)
        cdef Key* entry
        if found >= 0:
            return found
        if not add or size > 0xFFFFFFF:
            return UNKNOWN_KEY
        if self.used + 1 >= <size_t>self.entries.shape[0] or \
                self.stored + stored + 1 >= <size_t>self.arena.shape[0]:
            with gil:
                self.grow()
        found = self.used
        if map_put(&self.index, hashed, found) < 0:
            return UNKNOWN_KEY
        entry = &self.entries[found]
        entry.hash = hashed
        entry.source = <size_t>start
        entry.start = self.stored
        entry.size = <uint32_t>size
        entry.after = 0
        entry.stamp = 0
        entry.roles = 0
        if stored:
            memcpy(&self.arena[self.stored], start, stored)
        self.stored += stored
        self.used += 1
        return found

    cdef int grow(self) except -1:
        cdef size_t count = self.entries.shape[0] * 2
        cdef size_t room = self.arena.shape[0] * 2
        cdef Key* entries = <Key*>malloc(count * sizeof(Key))
        cdef uint8_t* arena = <uint8_t*>malloc(room)
        if entries == NULL or arena == NULL:
            free(entries)
            free(arena)
            raise MemoryError
        memcpy(entries, &self.entries[0], self.used * sizeof(Key))
        memcpy(arena, &self.arena[0], self.stored)
        free(&self.entries[0])
        free(&self.arena[0])
        self.entries = <Key[:count]>entries
        self.arena = <uint8_t[:room]>arena
        return 0

    cdef int hand_over(self) except -1:
        """Give the new keys their names, while the body in which they stand is there."""
        cdef uint32_t key
        cdef Key* entry
        for key in range(self.handed, self.used):
            entry = &self.entries[key]
            name = (<const char*>entry.source)[: entry.size].decode("utf-8", "replace")
            self.names.append(bounded(name))
            entry.source = 0
        self.handed = self.used
        return 0

    cdef object name(self, uint32_t key):
        return self.names[key]

    cdef int trim(self) except -1:
        """Forget all keys without a role when there are more than the bound."""
        cdef uint32_t key
        if self.used <= self.bound:
            return 0
        self.used = self.handed = self.fixed
        self.stored = self.fixed_stored
        del self.names[self.fixed :]
        map_clear(&self.index)
        for key in range(self.fixed):
            self.entries[key].after = 0
            self.entries[key].stamp = 0
            if key:
                map_put(&self.index, self.entries[key].hash, key)
        return 1
