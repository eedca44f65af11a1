# cython: language_level=3
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from collector.decode.native.maps cimport Map, Memory
from collector.decode.native.wire cimport HashKey


# A distinct string under a key, in the slice that is being read.
cdef struct Pending:
    uint64_t hash
    uint64_t key_hash
    size_t key              # address; 0 when it stands in the arena of paths
    size_t text             # address in the body
    size_t path
    uint32_t key_size
    uint32_t size
    uint32_t first          # of its sightings
    bint known              # to be bad


cdef struct Seen:
    uint64_t name_hash
    size_t name             # address in the body
    uint32_t name_size
    uint32_t item
    uint32_t resource
    uint32_t count
    uint32_t next           # 0 for none: the first is never a next one
    uint8_t place


# Where the strings that come next stand.
cdef struct Context:
    uint64_t name_hash
    const uint8_t* name
    uint32_t name_size
    uint32_t item
    uint32_t resource


cdef enum:
    RECENT = 4096


cdef class Values:
    cdef Memory clean
    cdef uint64_t[4096] recent   # clean values that came last, in memory that stays near
    cdef Memory bad
    cdef Map present
    cdef Pending[::1] pending
    cdef Seen[::1] seen
    cdef uint8_t[::1] paths
    cdef size_t path_used
    cdef uint32_t used
    cdef uint32_t sightings
    cdef size_t max_length
    cdef readonly uint64_t cut
    cdef HashKey secret
    cdef Context context

    cdef int see(self, uint64_t key_hash, const uint8_t* key, size_t key_size,
                 const uint8_t* text, size_t size, uint8_t place, bint path) except -1 nogil
    cdef int note(self, uint32_t value, uint8_t place) except -1 nogil
    cdef uint32_t sighting(self, uint8_t place) except? 0xFFFFFFFF nogil
    cdef size_t shortened(self, const uint8_t* text, size_t size) noexcept nogil
    cdef _grow(self, size_t path)
    cdef _grow_seen(self)
    cdef object take(self, object body, object signal, object resources, bytes trace_ids)
