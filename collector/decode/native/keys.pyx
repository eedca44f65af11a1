# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""The names of attributes, numbered: the same few hundred come a million times."""

cimport cython
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from collector.decode.native.keys cimport ROLE_PARAMETER, is_parameter
from collector.decode.native.maps cimport map_clear, map_close, map_get, map_put
from collector.decode.native.wire cimport hash_bytes

from collector.classify import PARAMETERS
from collector.decode.anyvalue import bounded

cdef enum:
    UNKNOWN_KEY = 0
    MOST_NEW = 1024      # names that are numbered in one slice

if PARAMETERS != ("db.query.parameter.", "db.operation.parameter."):
    raise ImportError("the compiled decoder is older than the package; build it again")


@cython.final
cdef class Keys:
    """Keys by number; 0 stands for those that are not numbered.

    Args:
        secret: of the hashes.
        roles: what is asked of a key, by its name; these are never forgotten.
        bound: keys that are numbered at most, beside those with a role; further ones are
            counted in `over_bound`.
    """

    def __cinit__(self, tuple secret, dict roles, uint32_t bound):
        cdef int index
        for index in range(4):
            self.secret.mix[index] = secret[index]
        self.bound = bound + len(roles) + 1
        self.names = []
        self.long_names = {}
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
            self.entries[index].roles |= <uint32_t>role
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
        """The number of a name that stands in the present body."""
        cdef uint64_t hashed = self.hash_of(start, size)
        cdef int64_t found = map_get(&self.index, hashed)
        if found >= 0:
            return <uint32_t>found
        if not add or not self.has_room():
            return UNKNOWN_KEY
        return self.learn(hashed, start, size, True)

    cdef uint32_t seek_path(self, uint64_t hashed, const uint8_t* path, size_t size)\
            except? 0xFFFFFFFF nogil:
        """The number of a name in a buffer of the caller, by its hash; it is copied if it is new."""
        cdef int64_t found = map_get(&self.index, hashed)
        cdef uint32_t made
        if found >= 0:
            return <uint32_t>found
        if not self.has_room():
            return UNKNOWN_KEY
        made = self.learn(hashed, path, size, False)
        if made and size > COMPARED:
            with gil:
                self.long_names[made] = path[:size]
        return made

    cdef bint has_room(self) noexcept nogil:
        """Whether a new name is numbered: a sender may invent many, and each costs a look."""
        if self.used < self.bound and self.used - self.handed < MOST_NEW:
            return True
        self.over_bound += 1
        return False

    cdef uint32_t learn(self, uint64_t hashed, const uint8_t* start, size_t size, bint stays)\
            except? 0xFFFFFFFF nogil:
        cdef size_t stored = size if size < COMPARED else COMPARED
        cdef uint32_t made = self.used
        cdef Key* entry
        if size > 0xFFFFFFF:
            return UNKNOWN_KEY
        if self.used + 1 >= <size_t>self.entries.shape[0] or \
                self.stored + stored + 1 >= <size_t>self.arena.shape[0]:
            with gil:
                self.grow()
        if map_put(&self.index, hashed, made) < 0:
            return UNKNOWN_KEY
        entry = &self.entries[made]
        entry.hash = hashed
        entry.source = <size_t>start if stays else 0
        entry.start = self.stored
        entry.size = <uint32_t>size
        entry.after = 0
        entry.stamp = 0
        entry.roles = ROLE_PARAMETER if is_parameter(start, size) else 0
        if stored:
            memcpy(&self.arena[self.stored], start, stored)
        self.stored += stored
        self.used += 1
        return made

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
        for key in range(self.handed, self.used):
            self.names.append(bounded(self.text(key).decode("utf-8", "replace")))
            self.entries[key].source = 0
        self.handed = self.used
        self.long_names.clear()
        return 0

    cdef bytes text(self, uint32_t key):
        """The name of a key that is new in this slice."""
        cdef Key* entry = &self.entries[key]
        if entry.source:
            return (<const char*>entry.source)[: entry.size]
        if entry.size > COMPARED:
            return self.long_names[key]
        return (<const char*>&self.arena[0])[entry.start : entry.start + entry.size]

    cdef object name(self, uint32_t key):
        return self.names[key]

    cdef bint is_full(self) noexcept:
        """Whether names were turned away for want of room."""
        return self.used >= self.bound

    cdef int forget(self) except -1:
        """Forget all keys without a role."""
        cdef uint32_t key
        self.used = self.handed = self.fixed
        self.stored = self.fixed_stored
        del self.names[self.fixed :]
        map_clear(&self.index)
        for key in range(self.fixed):
            self.entries[key].after = 0
            self.entries[key].stamp = 0
            if key:
                map_put(&self.index, self.entries[key].hash, key)
        return 0
