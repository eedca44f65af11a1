# cython: language_level=3
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from collector.decode.native.keys cimport Keys
from collector.decode.native.values cimport Values
from collector.decode.native.wire cimport Field, HashKey


cdef enum:
    PLACES = 13


cdef class Texts:
    cdef readonly Values values
    cdef Keys keys
    cdef HashKey secret
    cdef bint[13] places
    cdef uint64_t empty_key
    cdef const uint8_t* state_text
    cdef uint64_t state_key
    cdef uint8_t[::1] path
    cdef size_t used         # of the path
    cdef uint32_t long_paths # of this slice

    cdef int plain(self, const uint8_t* text, size_t size, int place) except -1 nogil
    cdef int of_state(self, Field* state, int place) except -1 nogil
    cdef int of_pair(self, Field* pair, int place) except -1 nogil
    cdef int of_value(self, Field* inner, uint64_t key_hash, const uint8_t* key, size_t key_size,
                      int place) except -1 nogil
    cdef int of_body(self, Field* inner, int place) except -1 nogil
    cdef int nested(self, Field* outer, int place) except -1 nogil
    cdef int nested_value(self, Field* value, int place) except -1 nogil
    cdef int long_path(self, Field* key, Field* value, int place) except -1 with gil
    cdef int push(self, const uint8_t* text, size_t size) except -1 nogil
    cdef int grow(self, size_t needed) except -1
