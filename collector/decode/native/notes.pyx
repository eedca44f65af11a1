# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""The single spans of a finished trace that are shown; `decode.notes` says which."""

cimport cython
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free

from collector.decode.native.profiles cimport KINDS
from collector.decode.native.rooms cimport moved, room_for
from collector.decode.native.table cimport (
    BATCH_SHIFT, BATCH_SIZE, EFFECT, HIGHEST, IDENTITY_KIND, OUTBOX, REMOVES, TARGET_KIND, ProfileRecord,
    Seen, SpanRecord, SpanTable, took,
)

from collector.classify import SpanKind, TargetKind
from collector.decode.native.table import NOTES
from collector.details import BatchSize
from collector.views import Flag, NoteKind

cdef enum:
    FIRST_ROOM = 64
    SERVER = 2
    PRODUCER = 4
    CONSUMER = 5
    LITERAL = 3
    EMPTY = 1

cdef int KEYED = NOTES.index(NoteKind.KEYED)
cdef int LOAD = NOTES.index(NoteKind.LOAD)
cdef int CLIENT_ROOT = NOTES.index(NoteKind.CLIENT_ROOT)
cdef int UNLINKED = NOTES.index(NoteKind.UNLINKED)
cdef int LATE_MESSAGE = NOTES.index(NoteKind.LATE_MESSAGE)
cdef int LONG_CALL = NOTES.index(NoteKind.LONG_CALL)
cdef int DEEP_OFFSET = NOTES.index(NoteKind.DEEP_OFFSET)
cdef int MANY_ROWS = NOTES.index(NoteKind.MANY_ROWS)
cdef int DUAL_WRITE = NOTES.index(NoteKind.DUAL_WRITE)
cdef int IS_SELECTED = NOTES.index(NoteKind.SELECTED)
cdef uint8_t LINKS = int(Flag.LINKS)

# What is noted of a span while a trace is looked at.
cdef enum:
    HAS_EFFECT = 1       # below it, and from the second bit on how far up that was told
    WRITES = 1
    BY_OUTBOX = 2

if (SpanKind.SERVER, SpanKind.PRODUCER, SpanKind.CONSUMER, TargetKind.LITERAL_QUERY,
        BatchSize.EMPTY) != (SERVER, PRODUCER, CONSUMER, LITERAL, EMPTY):
    raise ImportError("the compiled decoder is older than the package; build it again")


@cython.final
cdef class Notes:
    """Notes until they are taken."""

    def __cinit__(self):
        self.taken = <NoteRecord[:FIRST_ROOM]>room_for(FIRST_ROOM * sizeof(NoteRecord))

    def __dealloc__(self):
        if self.taken is not None:
            free(&self.taken[0])

    cdef int gather(self, SpanTable table, uint64_t n, Seen* seen, uint64_t low, uint64_t high,
                    double arrived) except -1 nogil:
        """Note spans of the trace that is in ``table.order``."""
        cdef uint32_t wanted = table.wanted_notes
        self.low = low
        self.high = high
        self.arrived = arrived
        if not seen.notes & wanted:
            return 0
        self.simple(table, n)
        if wanted & 1 << DUAL_WRITE and seen.notes & 1 << DUAL_WRITE and n > 1:
            self.dual_writes(table, n)
        return 0

    cdef int simple(self, SpanTable table, uint64_t n) except -1 nogil:
        """Notes of one span each."""
        cdef uint64_t at
        cdef uint32_t kinds
        cdef bint spread = False
        cdef SpanRecord* span
        for at in range(n):
            span = &table.spans[table.order[at]]
            kinds = table.profiles[span.profile].notes & table.wanted_notes
            if not kinds:
                continue
            if kinds & 1 << KEYED and span.kinds & IDENTITY_KIND:
                if not spread:
                    spread_effects(table, n)
                    spread = True
                self.add(span, KEYED, table.scratch[at] & HAS_EFFECT)
            if kinds & 1 << LOAD and span.kinds & TARGET_KIND == LITERAL \
                    and took(span) >= table.bounds.load:
                self.add(span, LOAD, False)
            if kinds & 1 << CLIENT_ROOT and not span.parent_id:
                self.add(span, CLIENT_ROOT, False)
            if kinds & 1 << UNLINKED and not span.parent_id and not span.flags & LINKS \
                    and span.kinds & BATCH_SIZE != EMPTY << BATCH_SHIFT:
                self.add(span, UNLINKED, False)
            if kinds & 1 << LATE_MESSAGE and span.target > table.bounds.age:
                self.add(span, LATE_MESSAGE, False)
            if kinds & 1 << LONG_CALL and took(span) >= table.bounds.call:
                self.add(span, LONG_CALL, False)
            if kinds & 1 << IS_SELECTED:
                self.add(span, IS_SELECTED, False)
            if span.kinds & IDENTITY_KIND:
                continue  # beside an identity neither offset nor rows are kept
            if kinds & 1 << DEEP_OFFSET and <uint32_t>span.extra > table.bounds.offset:
                self.add(span, DEEP_OFFSET, False)
            if kinds & 1 << MANY_ROWS and span.extra >> 32 > table.bounds.rows:
                self.add(span, MANY_ROWS, False)
        return 0

    cdef int dual_writes(self, SpanTable table, uint64_t n) except -1 nogil:
        """Publishes of requests that also write to a database, not by way of an outbox."""
        cdef uint64_t at
        cdef uint32_t entry, above
        cdef bint any_write = False
        cdef SpanRecord* span
        cdef ProfileRecord* profile
        table.clear_scratch(n)
        for at in range(n):
            span = &table.spans[table.order[at]]
            profile = &table.profiles[span.profile]
            if profile.notes & 1 << DUAL_WRITE or not profile.facts & EFFECT:
                continue
            entry = entry_of(table, at)
            if entry:
                table.scratch[entry - 1] |= BY_OUTBOX if profile.facts & OUTBOX else WRITES
                any_write = True
        if not any_write:
            return 0
        for at in range(n):
            span = &table.spans[table.order[at]]
            profile = &table.profiles[span.profile]
            if not profile.notes & 1 << DUAL_WRITE or not profile.facts & EFFECT:
                continue
            above = table.above[at]
            if above and table.profiles[table.spans[table.order[above - 1]].profile].kind \
                    == PRODUCER:
                continue  # one send, told by two libraries
            entry = entry_of(table, at)
            if entry and table.scratch[entry - 1] == WRITES:
                self.add(span, DUAL_WRITE, False)
        return 0

    cdef int add(self, SpanRecord* span, int kind, bint effect) except -1 nogil:
        cdef NoteRecord* made
        if self.count >= <size_t>self.taken.shape[0]:
            with gil:
                self.grow()
        made = &self.taken[self.count]
        made.span = span[0]
        made.low = self.low
        made.high = self.high
        made.arrived = self.arrived
        made.kind = kind
        made.effect = effect
        self.count += 1
        return 0

    cdef int grow(self) except -1:
        cdef size_t size = self.taken.shape[0] * sizeof(NoteRecord), count = self.taken.shape[0] * 2
        self.taken = <NoteRecord[:count]>moved(&self.taken[0], size, 2 * size)
        return 0


cdef int spread_effects(SpanTable table, uint64_t n) except -1 nogil:
    """Note at every span whether a write or a publish stands below it that is no removal.

    Where the way up was gone before, and as far, it is not gone again.
    """
    cdef uint64_t at
    cdef uint32_t above, left
    table.clear_scratch(n)
    for at in range(n):
        if table.profiles[table.spans[table.order[at]].profile].facts & (EFFECT | REMOVES) != EFFECT:
            continue
        above = table.above[at]
        left = HIGHEST
        while above and left and table.scratch[above - 1] >> 1 < left:
            table.scratch[above - 1] = left << 1 | HAS_EFFECT
            above = table.above[above - 1]
            left -= 1
    return 0


cdef int64_t entry_of(SpanTable table, uint64_t at) except -1 nogil:
    """One more than the place of the SERVER or CONSUMER span of its service above a span; or 0."""
    cdef SpanRecord* span = &table.spans[table.order[at]]
    cdef SpanRecord* other
    cdef uint32_t above = table.above[at]
    cdef uint8_t kind
    for _ in range(HIGHEST):
        if not above:
            break
        other = &table.spans[table.order[above - 1]]
        if not table.same_service(span, other):
            break
        kind = table.profiles[other.profile].kind
        if kind == SERVER or kind == CONSUMER:
            return above
        above = table.above[above - 1]
    return 0
