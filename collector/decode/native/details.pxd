# cython: language_level=3
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from collector.decode.native.table cimport SpanRecord
from collector.decode.native.wire cimport Field, HashKey


# What an attribute tells.
cdef enum:
    USE_IDENTITY = 1
    USE_MESSAGE = 2
    USE_TENANT = 4
    USE_FINGERPRINT = 8
    USE_ROWS = 16
    USE_BATCH = 32
    USE_OFFSET = 64


cdef struct DetailKey:
    uint64_t hash        # of its name
    uint64_t stamp       # the item in which it was met last
    uint64_t number      # its value there, as `wire.Field` has it
    size_t start
    size_t size
    uint32_t tag
    uint32_t uses
    uint16_t rank        # of the attributes of tenants the one with the lowest counts
    uint16_t family


cdef class Details:
    cdef HashKey secret
    cdef DetailKey[::1] keys     # by the number of the key
    cdef uint32_t[::1] met       # in this item
    cdef uint32_t count

    cdef int note(self, uint32_t number, Field* value, uint64_t item) except -1 nogil
    cdef int read(self, int kind, uint64_t offset, bint several, SpanRecord* record)\
        except -1 nogil
