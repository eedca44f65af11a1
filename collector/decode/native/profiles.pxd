# cython: language_level=3
from libc.stdint cimport int64_t, uint32_t, uint64_t

from collector.decode.native.maps cimport Map
from collector.decode.native.wire cimport Field


cdef struct NewProfile:
    size_t start             # address of the span in the body
    size_t size
    uint32_t number
    bint bare                # the text of its query is not to be learned


cdef enum:
    KINDS = 6            # the first numbers: of each kind of span, when nothing else is known


cdef class Profiles:
    cdef bint busy           # another thread is in it
    cdef Map index
    cdef NewProfile[::1] fresh
    cdef uint32_t fresh_count
    cdef uint32_t[::1] free_numbers
    cdef uint32_t free_count
    cdef readonly uint32_t count
    cdef double most, left, counted_at
    cdef readonly uint64_t over_bound, statements_over_bound

    cdef void begin(self, double now) noexcept
    cdef uint32_t number(self, uint64_t hashed, uint64_t bare, Field* message, int kind)\
        except? 0xFFFFFFFF nogil
    cdef void drop(self) noexcept
    cdef int grow(self) except -1
