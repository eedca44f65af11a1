# cython: language_level=3
cimport cython
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from collector.decode.native.maps cimport Map
from collector.decode.native.wire cimport HashKey


cdef enum:
    COMPARED = 256       # bytes of a name that are stored; of longer ones the hash decides

cdef enum:
    ROLE_CALL = 1        # part of what a span's call is
    ROLE_PEER = 2        # names the peer, on every kind of span but SERVER
    ROLE_ROUTE = 4       # a template: no path is looked at beside it
    ROLE_SERVER_ROUTE = 8
    ROLE_URL = 16
    ROLE_URL_OLD = 32
    ROLE_PATH = 64
    ROLE_PATH_OLD = 128
    ROLE_QUERY = 256
    ROLE_SQL = 512
    ROLE_SQL_OLD = 1024
    ROLE_ROW = 2048      # a row selection asks for it
    ROLE_DETAIL = 4096   # a detail is made of it
    ROLE_PARAMETER = 8192  # of a query; told by how its name begins
    ROLE_SYSTEM = 16384  # names the system of a database


cdef inline bint same(const uint8_t* one, const uint8_t* other, size_t size) noexcept nogil:
    """Whether two names of one size are equal, eight bytes at a time."""
    cdef uint64_t mine, theirs
    cdef size_t at = 0
    if size < 8:
        return memcmp(one, other, size) == 0
    while at + 8 < size:
        memcpy(&mine, one + at, 8)
        memcpy(&theirs, other + at, 8)
        if mine != theirs:
            return False
        at += 8
    memcpy(&mine, one + size - 8, 8)
    memcpy(&theirs, other + size - 8, 8)
    return mine == theirs


cdef inline bint is_parameter(const uint8_t* name, size_t size) noexcept nogil:
    """Whether an attribute holds a parameter of a query."""
    return size >= 19 and memcmp(name, b"db.query.parameter.", 19) == 0 \
        or size >= 23 and memcmp(name, b"db.operation.parameter.", 23) == 0


cdef struct Key:
    uint64_t hash
    size_t source           # address of the name in the present body, until it was handed over
    size_t start            # of the name in the arena
    uint32_t size
    uint32_t after          # the key that followed it last time
    uint64_t stamp          # the item in which it was seen last
    uint32_t roles


@cython.final
cdef class Keys:
    cdef Key[::1] entries
    cdef uint8_t[::1] arena
    cdef HashKey secret
    cdef Map index
    cdef readonly uint32_t used
    cdef size_t stored
    cdef uint32_t fixed
    cdef size_t fixed_stored
    cdef uint32_t handed
    cdef list names
    cdef dict long_names
    cdef readonly uint64_t over_bound
    cdef uint32_t bound

    cdef inline uint32_t find(self, const uint8_t* start, size_t size, uint32_t before, bint add)\
            except? 0xFFFFFFFF nogil:
        """The number of a key that follows another: mostly the one that did so last time."""
        cdef uint32_t key = self.entries[before].after
        cdef Key* guess = &self.entries[key]
        if guess.size == size and 0 < size <= COMPARED and \
                same(&self.arena[guess.start], start, size):
            return key
        key = self.seek(start, size, add)
        self.entries[before].after = key
        return key

    cdef uint32_t seek(self, const uint8_t* start, size_t size, bint add) except? 0xFFFFFFFF nogil
    cdef uint32_t seek_path(self, uint64_t hashed, const uint8_t* path, size_t size)\
        except? 0xFFFFFFFF nogil
    cdef bint has_room(self) noexcept nogil
    cdef uint32_t learn(self, uint64_t hashed, const uint8_t* start, size_t size, bint stays)\
        except? 0xFFFFFFFF nogil
    cdef int grow(self) except -1
    cdef uint64_t hash_of(self, const uint8_t* start, size_t size) noexcept nogil
    cdef object name(self, uint32_t key)
    cdef int hand_over(self) except -1
    cdef bytes text(self, uint32_t key)
    cdef bint is_full(self) noexcept
    cdef int forget(self) except -1
