# cython: language_level=3
"""Memory for tables that grow; their owners free it."""

from libc.stdlib cimport free, malloc
from libc.string cimport memcpy


cdef inline void* room_for(size_t size) except NULL:
    """So many bytes, not cleared."""
    cdef void* room = malloc(size)
    if room == NULL:
        raise MemoryError
    return room


cdef inline void* moved(void* old, size_t used, size_t size) except NULL:
    """So many bytes that begin with those in use; the old ones are freed."""
    cdef void* room = room_for(size)
    memcpy(room, old, used)
    free(old)
    return room
