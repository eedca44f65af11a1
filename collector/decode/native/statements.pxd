# cython: language_level=3
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from collector.decode.native.maps cimport Map
from collector.decode.native.wire cimport Field, HashKey


# What the text of a query says.
cdef struct Query:
    uint64_t text        # hash of the text itself
    uint64_t masked      # hash of what the statement is made of: the text without values, mostly
    uint32_t offset
    bint rows            # it lists several rows
    bint literal         # values stand in it


# What is known of the system of a database: how it quotes, and whether its queries are commands.
cdef enum System:
    UNKNOWN_SYSTEM
    STANDARD_SYSTEM      # double quotes stand around names
    OTHER_SYSTEM         # double quotes stand around values, and around keys of JSON
    CACHE_SYSTEM         # of a command the first word counts alone


cdef class Statements:
    cdef Map systems
    cdef HashKey secret
    cdef Query[::1] known
    cdef uint8_t[::1] masked     # and without values

    cdef int system_of(self, Field* value, uint64_t hashed) noexcept nogil
    cdef Query* read(self, const uint8_t* text, size_t size, uint64_t hashed, uint32_t systems)\
        except NULL nogil
    cdef size_t mask(self, const uint8_t* text, size_t size, bint values_quoted)\
        except? 0 nogil


cdef uint64_t page_of(const uint8_t* url, size_t size) noexcept nogil
