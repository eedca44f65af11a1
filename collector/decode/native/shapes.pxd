# cython: language_level=3
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from collector.decode.native.keys cimport Keys
from collector.decode.native.maps cimport Map
from collector.decode.native.wire cimport HashKey


# What is asked of an item beside its keys.
cdef struct Facts:
    uint64_t identity        # of its resource
    uint32_t resource
    int32_t status
    uint8_t signal
    uint8_t kind
    uint8_t severity
    uint8_t flags
    const uint8_t* name      # of a metric
    size_t name_size


cdef struct ShapeRecord:
    size_t name              # address in the body, until it was handed over
    size_t keys
    uint32_t key_count
    uint32_t name_size
    uint32_t resource
    uint32_t items           # in this slice
    uint32_t item            # the first that has a trace id
    int32_t status
    uint8_t kind
    uint8_t severity
    uint8_t flags


cdef class Shapes:
    cdef HashKey secret
    cdef uint32_t bound
    cdef Map index
    cdef ShapeRecord[::1] shapes
    cdef uint32_t[::1] keys
    cdef uint32_t[::1] touched
    cdef uint32_t count, key_count, touched_count
    cdef list objects
    cdef size_t most_keys    # of all shapes together
    cdef readonly uint64_t over_bound

    cdef int see(self, Facts* facts, uint64_t sum, const uint32_t* keys, uint32_t key_count,
                 uint32_t item) except -1 nogil
    cdef int64_t learn(self, uint64_t hashed, Facts* facts, const uint32_t* keys,
                       uint32_t key_count) except -1 nogil
    cdef bint is_full(self) noexcept
    cdef int forget(self) except -1
    cdef list take(self, Keys keys, object make, object trace)
    cdef int grow(self, uint32_t key_count) except -1
    cdef int grow_touched(self) except -1
