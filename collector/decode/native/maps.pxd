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


# Hashes that were seen, in two generations: the older is forgotten as a whole. The lowest bit
# of a slot tells the generation, so that a look costs one line of memory.
cdef struct Memory:
    uint64_t* slots     # 0 is an empty slot
    size_t mask
    size_t used         # of both generations
    size_t young        # of the present one
    size_t half         # entries of a generation
    uint64_t present    # 0 or 1
    uint64_t turns


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


cdef inline size_t memory_slot(Memory* memory, uint64_t key) noexcept nogil:
    """The slot of a hash, or the empty one where it belongs."""
    cdef size_t slot = ((key >> 32) ^ (key >> 1)) & memory.mask
    while memory.slots[slot] and (memory.slots[slot] ^ key) > 1:
        slot = (slot + 1) & memory.mask
    return slot


cdef inline uint64_t memory_key(uint64_t key) noexcept nogil:
    """A hash without the bit of the generation, and never 0."""
    return key & ~<uint64_t>1 if key > 1 else 2


cdef inline void memory_fetch(Memory* memory, uint64_t key) noexcept nogil:
    """Bring in the slot of a hash that is looked up in a moment."""
    if memory.used:
        key = memory_key(key)
        fetch(&memory.slots[((key >> 32) ^ (key >> 1)) & memory.mask])


cdef inline int memory_rebuild(Memory* memory, size_t slots, bint whole) noexcept nogil:
    """Move to a table of so many slots, without the older generation unless `whole`."""
    cdef Memory made = memory[0]
    cdef size_t at
    cdef uint64_t key
    made.slots = <uint64_t*>calloc(slots, sizeof(uint64_t))
    if made.slots == NULL:
        return -1
    made.mask = slots - 1
    made.used = 0
    if memory.slots != NULL:
        for at in range(memory.mask + 1):
            key = memory.slots[at]
            if key and (whole or (key & 1) == memory.present):
                made.slots[memory_slot(&made, key & ~<uint64_t>1)] = key
                made.used += 1
    free(memory.slots)
    memory[0] = made
    return 0


cdef inline int memory_turn(Memory* memory) noexcept nogil:
    """Forget the older generation, and begin a new one."""
    if memory_rebuild(memory, memory.mask + 1, False) < 0:
        return -1
    memory.present ^= 1
    memory.young = 0
    memory.turns += 1
    return 0


cdef inline int memory_add(Memory* memory, uint64_t key) noexcept nogil:
    """Remember a hash; -1 when there is no room for it."""
    cdef size_t slot
    key = memory_key(key)
    if memory.slots != NULL:
        slot = memory_slot(memory, key)
        if memory.slots[slot] == key | memory.present:
            return 0
    if memory.young >= memory.half and memory_turn(memory) < 0:
        return -1
    if memory.slots == NULL or memory.used * 2 > memory.mask:
        slot = (memory.mask + 1) * 2 if memory.slots != NULL else SMALLEST_MAP
        if memory_rebuild(memory, slot, True) < 0:
            return -1
    slot = memory_slot(memory, key)
    memory.used += memory.slots[slot] == 0
    memory.slots[slot] = key | memory.present
    memory.young += 1
    return 0


cdef inline bint memory_has(Memory* memory, uint64_t key) noexcept nogil:
    """Whether a hash is remembered; it thereby counts as used."""
    cdef size_t slot
    if memory.used == 0:
        return False
    key = memory_key(key)
    slot = memory_slot(memory, key)
    if memory.slots[slot] == 0:
        return False
    if (memory.slots[slot] & 1) != memory.present:
        memory_add(memory, key)
    return True


cdef inline void memory_forget(Memory* memory, uint64_t key) noexcept nogil:
    """Forget a hash; those that stood behind it move up."""
    cdef size_t hole, slot, home
    if memory.used == 0:
        return
    key = memory_key(key)
    hole = memory_slot(memory, key)
    if memory.slots[hole] == 0:
        return
    memory.used -= 1
    memory.young -= (memory.slots[hole] & 1) == memory.present
    slot = hole
    while True:
        slot = (slot + 1) & memory.mask
        key = memory.slots[slot] & ~<uint64_t>1
        if key == 0:
            break
        home = ((key >> 32) ^ (key >> 1)) & memory.mask
        if ((slot - home) & memory.mask) >= ((slot - hole) & memory.mask):
            memory.slots[hole] = memory.slots[slot]
            hole = slot
    memory.slots[hole] = 0


cdef inline void memory_clear(Memory* memory) noexcept nogil:
    """Forget everything, and give the room back."""
    free(memory.slots)
    memory.slots = NULL
    memory.mask = memory.used = memory.young = 0
