# cython: language_level=3
"""A bounded memory of hashes: whether one was met before, at the price of one line of memory.

Hashes fall into rows of sixteen; of each, half is kept, the other half says which row is its own.
In a full row the one that was used longest ago makes room. Nothing is ever laid out anew, so no
request pays for others. Two hashes are taken for one another once in 268 million looks; as they
are keyed with secrets of the process, no sender can choose such a pair.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memmove

from collector.decode.native.maps cimport fetch


cdef extern from *:
    """
    #include <stdint.h>

    /* Where in a row of 16 a mark stands first; 16 when it does not. */
    #if defined(__SSE2__)
    #include <emmintrin.h>
    static inline int ta_place(const uint32_t *row, uint32_t mark) {
        const __m128i *four = (const __m128i *)row;
        __m128i sought = _mm_set1_epi32((int)mark);
        __m128i a = _mm_cmpeq_epi32(_mm_loadu_si128(four), sought);
        __m128i b = _mm_cmpeq_epi32(_mm_loadu_si128(four + 1), sought);
        __m128i c = _mm_cmpeq_epi32(_mm_loadu_si128(four + 2), sought);
        __m128i d = _mm_cmpeq_epi32(_mm_loadu_si128(four + 3), sought);
        __m128i all = _mm_packs_epi16(_mm_packs_epi32(a, b), _mm_packs_epi32(c, d));
        return __builtin_ctz((unsigned)_mm_movemask_epi8(all) | 1u << 16);
    }
    #else
    static inline int ta_place(const uint32_t *row, uint32_t mark) {
        int place = 0;
        while (place < 16 && row[place] != mark) place++;
        return place;
    }
    #endif
    """
    int recall_place "ta_place" (const uint32_t*, uint32_t) noexcept nogil


cdef enum:
    ROW = 16             # of four bytes each: a line of memory
    LINE = 64
    SPARE = 2            # room beyond what is to be remembered, as rows do not fill evenly


cdef struct Recall:
    uint32_t* rows       # 0 is an empty place; the one used last stands first
    void* room           # in which the rows begin at a line
    uint64_t count       # of rows
    uint64_t forgotten   # hashes that made room for others


cdef inline int recall_open(Recall* recall, uint64_t remembered) noexcept nogil:
    """Make room to remember so many hashes; -1 when there is none.

    Memory that was never used is not taken from the machine.
    """
    recall.count = (remembered * SPARE + ROW - 1) // ROW
    recall.count += recall.count == 0
    recall.forgotten = 0
    recall.room = calloc(recall.count + 1, LINE)
    recall.rows = <uint32_t*>((<uintptr_t>recall.room + LINE - 1) & ~<uintptr_t>(LINE - 1))
    return 0 if recall.room != NULL else -1


cdef inline void recall_close(Recall* recall) noexcept nogil:
    free(recall.room)
    recall.room = NULL
    recall.rows = NULL


cdef inline uint32_t* recall_row(Recall* recall, uint64_t hashed) noexcept nogil:
    return recall.rows + ((hashed >> 32) * recall.count >> 32) * ROW


cdef inline uint32_t recall_mark(uint64_t hashed) noexcept nogil:
    """What is kept of a hash."""
    cdef uint32_t mark = <uint32_t>hashed
    return mark + (mark == 0)


cdef inline void recall_fetch(Recall* recall, uint64_t hashed) noexcept nogil:
    """Bring in what is looked at in a moment."""
    fetch(recall_row(recall, hashed))


cdef inline void recall_to_front(uint32_t* row, int place, uint32_t mark) noexcept nogil:
    memmove(row + 1, row, place * sizeof(uint32_t))
    row[0] = mark


cdef inline bint recall_has(Recall* recall, uint64_t hashed) noexcept nogil:
    """Whether a hash is remembered; it thereby counts as used."""
    cdef uint32_t* row = recall_row(recall, hashed)
    cdef uint32_t mark = recall_mark(hashed)
    cdef int place = recall_place(row, mark)
    if place == ROW:
        return False
    if place:
        recall_to_front(row, place, mark)
    return True


cdef inline void recall_add(Recall* recall, uint64_t hashed) noexcept nogil:
    """Remember a hash."""
    cdef uint32_t* row = recall_row(recall, hashed)
    cdef uint32_t mark = recall_mark(hashed)
    cdef int place = recall_place(row, mark)
    if place == ROW:
        recall.forgotten += row[ROW - 1] != 0
        place = ROW - 1
    recall_to_front(row, place, mark)


cdef inline void recall_forget(Recall* recall, uint64_t hashed) noexcept nogil:
    """Forget a hash."""
    cdef uint32_t* row = recall_row(recall, hashed)
    cdef int place = recall_place(row, recall_mark(hashed))
    if place < ROW:
        memmove(row + place, row + place + 1, (ROW - 1 - place) * sizeof(uint32_t))
        row[ROW - 1] = 0
