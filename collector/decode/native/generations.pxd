# cython: language_level=3
"""A bounded memory of numbers by hash, which forgets as `collector.generations` does."""

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc

from collector.decode.native.maps cimport Map, map_close, map_get, map_put


cdef enum:
    FIRST_NUMBERS = 64


cdef struct Generation:
    Map index            # from hashes to places in `numbers`
    uint64_t* numbers
    size_t room


cdef struct Generations:
    Generation young
    Generation old
    size_t half
    uint64_t turns       # how often the older half was forgotten


cdef inline void generations_open(Generations* memory, size_t bound) noexcept nogil:
    """All else begins at zero."""
    memory.half = bound // 2 if bound > 1 else 1


cdef inline void generation_close(Generation* one) noexcept nogil:
    map_close(&one.index)
    free(one.numbers)
    one.numbers = NULL
    one.room = 0


cdef inline void generations_close(Generations* memory) noexcept nogil:
    generation_close(&memory.young)
    generation_close(&memory.old)


cdef inline int generation_put(Generation* one, uint64_t hashed, uint64_t number) noexcept nogil:
    """Add a hash that is not there; -1 when there is no memory for it."""
    cdef size_t at = one.index.used, room
    cdef uint64_t* grown
    if at >= one.room:
        room = one.room * 2 if one.room else FIRST_NUMBERS
        grown = <uint64_t*>realloc(one.numbers, room * sizeof(uint64_t))
        if grown == NULL:
            return -1
        one.numbers = grown
        one.room = room
    one.numbers[at] = number
    return map_put(&one.index, hashed, <uint32_t>at)


cdef inline int generations_put(Generations* memory, uint64_t hashed, uint64_t number)\
        noexcept nogil:
    """Remember a number; -1 when there is no memory for it."""
    cdef int64_t found = map_get(&memory.young.index, hashed)
    if found >= 0:
        memory.young.numbers[found] = number
        return 0
    if memory.young.index.used >= memory.half:
        generation_close(&memory.old)
        memory.old = memory.young
        memory.young.index.keys = NULL
        memory.young.index.values = NULL
        memory.young.index.mask = memory.young.index.used = 0
        memory.young.numbers = NULL
        memory.young.room = 0
        memory.turns += 1
    return generation_put(&memory.young, hashed, number)


cdef inline bint generations_get(Generations* memory, uint64_t hashed, uint64_t* number)\
        noexcept nogil:
    """Whether a number is remembered; it thereby counts as used."""
    cdef int64_t found = map_get(&memory.young.index, hashed)
    if found >= 0:
        number[0] = memory.young.numbers[found]
        return True
    found = map_get(&memory.old.index, hashed)
    if found < 0:
        return False
    number[0] = memory.old.numbers[found]
    generations_put(memory, hashed, number[0])
    return True
