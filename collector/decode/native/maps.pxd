# cython: language_level=3
"""Open-addressing tables of 64-bit hashes, inlined into those who use them.

Every slot index is masked by the size of the table. The hashes are keyed with secrets of the
process, so no sender can choose where they fall.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset


cdef extern from *:
    """
    #if defined(__GNUC__)
    /* The empty statement keeps GCC from taking a function that only fetches for one that
       does nothing. */
    #define ta_fetch(address) do { __builtin_prefetch(address); __asm__ volatile(""); } while (0)
    #else
    #define ta_fetch(address) ((void)(address))
    #endif
    """
    # Begin to bring in a line of memory that is needed in a moment; any address will do.
    void fetch "ta_fetch" (const void*) noexcept nogil


cdef enum:
    SMALLEST_MAP = 64


cdef struct Map:
    uint64_t* keys      # 0 is an empty slot
    uint32_t* values
    size_t mask
    size_t used


cdef inline int map_open(Map* map, size_t slots) noexcept nogil:
    """Make room; -1 when there is none."""
    map.keys = <uint64_t*>calloc(slots, sizeof(uint64_t))
    map.values = <uint32_t*>calloc(slots, sizeof(uint32_t))
    map.mask = slots - 1
    map.used = 0
    if map.keys == NULL or map.values == NULL:
        map_close(map)
        return -1
    return 0


cdef inline void map_close(Map* map) noexcept nogil:
    free(map.keys)
    free(map.values)
    map.keys = NULL
    map.values = NULL
    map.mask = 0
    map.used = 0


cdef inline size_t map_slot(Map* map, uint64_t key) noexcept nogil:
    """The slot of a key, or the empty one where it belongs."""
    cdef size_t slot = (key ^ (key >> 32)) & map.mask
    while map.keys[slot] and map.keys[slot] != key:
        slot = (slot + 1) & map.mask
    return slot


cdef inline void map_fetch(Map* map, uint64_t key) noexcept nogil:
    """Bring in the slot of a key that is looked up in a moment."""
    if map.used:
        key += key == 0
        fetch(&map.keys[(key ^ (key >> 32)) & map.mask])


cdef inline int64_t map_get(Map* map, uint64_t key) noexcept nogil:
    """The value of a key, -1 when there is none."""
    cdef size_t slot
    if map.used == 0:
        return -1
    key += key == 0
    slot = map_slot(map, key)
    return map.values[slot] if map.keys[slot] else -1


cdef inline int map_grow(Map* map) noexcept nogil:
    cdef Map grown
    cdef size_t at, slot
    if map_open(&grown, (map.mask + 1) * 2 if map.keys != NULL else SMALLEST_MAP) < 0:
        return -1
    if map.keys != NULL:
        for at in range(map.mask + 1):
            if map.keys[at]:
                slot = map_slot(&grown, map.keys[at])
                grown.keys[slot] = map.keys[at]
                grown.values[slot] = map.values[at]
    grown.used = map.used
    map_close(map)
    map[0] = grown
    return 0


cdef inline int map_put(Map* map, uint64_t key, uint32_t value) noexcept nogil:
    """Set the value of a key; -1 when there is no memory for it."""
    cdef size_t slot
    if map.keys == NULL or map.used * 2 > map.mask:
        if map_grow(map) < 0:
            return -1
    key += key == 0
    slot = map_slot(map, key)
    map.used += map.keys[slot] == 0
    map.keys[slot] = key
    map.values[slot] = value
    return 0


cdef inline void map_change(Map* map, uint64_t key, uint32_t value) noexcept nogil:
    """Set the value of a key that is there."""
    key += key == 0
    map.values[map_slot(map, key)] = value


cdef inline void map_remove(Map* map, uint64_t key) noexcept nogil:
    """Forget a key; those that stood behind it move up."""
    cdef size_t hole, slot, home
    if map.used == 0:
        return
    key += key == 0
    hole = map_slot(map, key)
    if map.keys[hole] == 0:
        return
    map.used -= 1
    slot = hole
    while True:
        slot = (slot + 1) & map.mask
        if map.keys[slot] == 0:
            break
        home = (map.keys[slot] ^ (map.keys[slot] >> 32)) & map.mask
        if ((slot - home) & map.mask) >= ((slot - hole) & map.mask):
            map.keys[hole] = map.keys[slot]
            map.values[hole] = map.values[slot]
            hole = slot
    map.keys[hole] = 0


cdef inline void map_clear(Map* map) noexcept nogil:
    """Forget all keys; the room of a table that had grown large is given back."""
    if map.mask > 65535:
        map_close(map)
    elif map.used:
        memset(map.keys, 0, (map.mask + 1) * sizeof(uint64_t))
        map.used = 0


cdef inline void map_reset(Map* map) noexcept nogil:
    """The same for a table that is used for one trace at a time."""
    if map.mask > 255:
        map_close(map)
    else:
        map_clear(map)
