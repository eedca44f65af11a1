# cython: language_level=3
"""Memory for tables that grow; their owners free it."""

from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

cdef extern from "<stdlib.h>" nogil:
    void* aligned_alloc(size_t alignment, size_t size)

cdef enum:
    LINE = 64


cdef inline void* room_for(size_t size) except NULL:
    """So many bytes, not cleared."""
    cdef void* room = malloc(size)
    if room == NULL:
        raise MemoryError
    return room


cdef inline void* room_of_lines(size_t size) except NULL:
    """The same, beginning with a line of memory."""
    cdef void* room = aligned_alloc(LINE, (size + LINE - 1) // LINE * LINE)
    if room == NULL:
        raise MemoryError
    return room


cdef inline void* moved(void* old, size_t used, size_t size) except NULL:
    """So many bytes that begin with those in use; the old ones are freed."""
    cdef void* room = room_for(size)
    memcpy(room, old, used)
    free(old)
    return room
