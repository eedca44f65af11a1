# cython: language_level=3
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from collector.decode.native.maps cimport Map
from collector.decode.native.wire cimport HashKey


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


cdef struct Key:
    uint64_t hash
    size_t source           # address of the name in the present body, until it was handed over
    size_t start            # of the name in the arena
    uint32_t size
    uint32_t after          # the key that followed it last time
    uint64_t stamp          # the item in which it was seen last
    uint32_t roles


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
    cdef uint32_t bound

    cdef uint32_t find(self, const uint8_t* start, size_t size, uint32_t before, bint add)\
        except? 0xFFFFFFFF nogil
    cdef uint32_t seek(self, const uint8_t* start, size_t size, bint add) except? 0xFFFFFFFF nogil
    cdef int grow(self) except -1
    cdef uint64_t hash_of(self, const uint8_t* start, size_t size) noexcept nogil
    cdef object name(self, uint32_t key)
    cdef int hand_over(self) except -1
    cdef int trim(self) except -1
