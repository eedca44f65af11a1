# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""What the passes over a finished trace share: its spans, and what there is to know of them."""

from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memset

from collector.decode.native.maps cimport map_close
from collector.decode.native.rooms cimport moved, room_for, room_of_lines
from collector.decode.native.wire cimport mix

from collector.views import NoteKind

cdef enum:
    FIRST_ROOM = 64

NOTES = tuple(NoteKind)


cdef class SpanTable:
    """Room for spans, and for what is known of profiles and resources.

    Args:
        setup: what is demanded, and the bounds.
    """

    def __cinit__(self, setup):
        cdef int index
        for index in range(4):
            self.secret.mix[index] = setup.secret[index]
        self.wanted_marks = int(setup.marks)
        for index, kind in enumerate(NOTES):
            if kind in setup.notes:
                self.wanted_notes |= 1 << index
        (
            self.bounds.call, self.bounds.load, self.bounds.age, self.bounds.outlives,
            self.bounds.transaction, self.bounds.repeated, self.bounds.offset, self.bounds.rows,
        ) = setup.bounds
        # Room that is not touched costs no memory.
        room = setup.max_spans + 2
        self.spans = <SpanRecord[:room]>room_of_lines(room * sizeof(SpanRecord))
        self.profiles = <ProfileRecord[:FIRST_ROOM]>room_for(FIRST_ROOM * sizeof(ProfileRecord))
        memset(&self.profiles[0], 0, FIRST_ROOM * sizeof(ProfileRecord))
        self.resources = <ResourceRecord[:FIRST_ROOM]>room_for(FIRST_ROOM * sizeof(ResourceRecord))
        self.order = <uint32_t[:FIRST_ROOM]>room_for(FIRST_ROOM * sizeof(uint32_t))
        self.above = <uint32_t[:FIRST_ROOM]>room_for(FIRST_ROOM * sizeof(uint32_t))
        self.scratch = <uint32_t[:FIRST_ROOM]>room_for(FIRST_ROOM * sizeof(uint32_t))

    def __dealloc__(self):
        map_close(&self.local)
        map_close(&self.calls)
        if self.spans is not None:
            free(&self.spans[0])
        if self.profiles is not None:
            free(&self.profiles[0])
        if self.resources is not None:
            free(&self.resources[0])
        if self.order is not None:
            free(&self.order[0])
        if self.above is not None:
            free(&self.above[0])
        if self.scratch is not None:
            free(&self.scratch[0])

    def learn_profile(self, uint32_t number, int kind, uint32_t call, uint32_t operation,
                      uint32_t query, uint16_t facts, uint16_t notes):
        """What there is to know of the spans of a profile; see `ProfileRecord`."""
        cdef size_t room = self.profiles.shape[0], more
        cdef ProfileRecord* grown
        self.check_turn()
        if number >= room:
            more = (<size_t>number + 1) * 2
            grown = <ProfileRecord*>moved(&self.profiles[0], room * sizeof(ProfileRecord),
                                          more * sizeof(ProfileRecord))
            memset(grown + room, 0, (more - room) * sizeof(ProfileRecord))
            self.profiles = <ProfileRecord[:more]>grown
        self.profiles[number].kind = kind
        self.profiles[number].call = call
        self.profiles[number].operation = operation
        self.profiles[number].query = query
        self.profiles[number].facts = facts
        self.profiles[number].notes = notes

    def learn_resource(self, uint32_t number, int64_t identity, uint32_t service, uint32_t name):
        """Who a resource is, and which service it belongs to."""
        cdef size_t room = self.resources.shape[0], more
        if number >= room:
            more = (<size_t>number + 1) * 2
            self.resources = <ResourceRecord[:more]>moved(
                &self.resources[0], room * sizeof(ResourceRecord), more * sizeof(ResourceRecord))
        self.resources[number].identity = <uint64_t>identity
        self.resources[number].service = service
        self.resources[number].name = name

    cdef int check_turn(self) except -1:
        if self.busy:
            raise RuntimeError("a scanner serves one thread at a time")
        return 0

    cdef int clear_scratch(self, uint64_t n) except -1 nogil:
        """Set what is noted of the first so many spans to 0."""
        cdef uint64_t at
        for at in range(n):
            self.scratch[at] = 0
        return 0

    cdef uint64_t call_key(self, SpanRecord* span, uint32_t call) except? 0 nogil:
        """The same for spans of one service under one parent that do the same."""
        return self.call_key_under(span.parent_id, span, call)

    cdef uint64_t call_key_under(self, uint64_t parent_id, SpanRecord* span, uint32_t call)\
            except? 0 nogil:
        """As `call_key`, were the span under another parent."""
        cdef uint64_t who = <uint64_t>self.resources[span.resource].name << 32 | call
        return mix(parent_id, who, &self.secret)

    cdef int same_service(self, SpanRecord* one, SpanRecord* other) except -1 nogil:
        return self.resources[one.resource].name == self.resources[other.resource].name

    cdef _grow_order(self):
        """Make room for twice as many spans of one trace."""
        cdef size_t old = self.order.shape[0] * sizeof(uint32_t), count = self.order.shape[0] * 2
        self.order = <uint32_t[:count]>moved(&self.order[0], old, 2 * old)
        self.above = <uint32_t[:count]>moved(&self.above[0], old, 2 * old)
        self.scratch = <uint32_t[:count]>moved(&self.scratch[0], old, 2 * old)
