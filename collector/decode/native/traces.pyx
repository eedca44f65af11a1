# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""Open traces: one compact record a span, and the pass that marks a trace when its wait ends.

Only traces that carry a demanded mark become objects; all others are counted and forgotten.
"""

cimport cython
from libc.math cimport INFINITY
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from collector.decode.native.generations cimport (
    generations_close, generations_get, generations_open, generations_put,
)
from collector.decode.native.maps cimport (
    Map, fetch, map_change, map_clear, map_close, map_fetch, map_get, map_put, map_remove, map_reset,
)
from collector.decode.native.marks cimport marks_of
from collector.decode.native.notes cimport NoteRecord, Notes
from collector.decode.native.profiles cimport KINDS
from collector.decode.native.recall cimport (
    recall_add, recall_close, recall_fetch, recall_has, recall_open,
)
from collector.decode.native.rooms cimport room_for
from collector.decode.native.table cimport (
    CACHE_ANSWER, CACHE_READ, FAILED, QUERY, ProfileRecord, Seen, SpanRecord, SpanTable, ended,
)
from collector.decode.native.wire cimport fold, mix

from collector.decode.native.table import NOTES
from collector.views import Flag, Mark, NoteKind, TallyKind

cdef enum:
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5
    FIRST_ROOM = 64
    FIRST_TRACES = 1024  # a power of two, as all further sizes of the ring
    MOST_HALVINGS = 63
    TOGETHER = 16        # traces whose spans are brought in at a time
    LONGEST_CHAIN = 64   # spans of a trace that are brought in

cdef uint8_t PARENT_LOCAL = int(Flag.PARENT_LOCAL)
cdef uint8_t PARENT_REMOTE = int(Flag.PARENT_REMOTE)
cdef uint32_t LOCAL_PARENT_MISSING = int(Mark.LOCAL_PARENT_MISSING)
cdef uint32_t REMOTE_PARENT_MISSING = int(Mark.REMOTE_PARENT_MISSING)
cdef uint32_t WATCHED = int(Mark.WATCHED)

TALLIES = tuple(TallyKind)
cdef int CALLS = TALLIES.index(TallyKind.CALLS)
cdef int LOCAL_CHILDREN = TALLIES.index(TallyKind.LOCAL_CHILDREN)
cdef int REMOTE_CHILDREN = TALLIES.index(TallyKind.REMOTE_CHILDREN)
cdef int LONG_SPANS = TALLIES.index(TallyKind.LONG_SPANS)
cdef int ROOTS = TALLIES.index(TallyKind.ROOTS)
cdef int CACHE_READS = TALLIES.index(TallyKind.CACHE_READS)
cdef int CACHE_ANSWERS = TALLIES.index(TallyKind.CACHE_ANSWERS)
cdef uint32_t BY_CALL = 1 << CALLS | 1 << CACHE_READS | 1 << CACHE_ANSWERS


cdef inline int level_of(uint64_t rank) noexcept nogil:
    """How often the share of traces can be halved before those of a rank are left out."""
    cdef int level = 0
    while level < MOST_HALVINGS and rank >> (63 - level) == 0:
        level += 1
    return level


@cython.final
cdef class Traces:
    """The bounded table of open traces; what it promises is said at `decode.traces.TraceTable`.

    Args:
        setup: what is demanded, and the bounds.
    """

    def __cinit__(self, setup):
        cdef int index
        cdef uint32_t max_spans = setup.max_spans
        self.rank_low, self.rank_high = setup.rank
        self.wait = setup.trace_wait
        self.max_spans = max_spans
        self.max_per_trace = setup.max_spans_per_trace
        self.max_shown = setup.max_spans_shown
        self.wanted_orphans = int(setup.orphans)
        for index in range(64):
            self.admitted[index] = -INFINITY
        self.want_ages = NoteKind.LATE_MESSAGE in setup.notes
        for index, kind in enumerate(TALLIES):
            if kind in setup.tallies:
                self.wanted_tallies |= 1 << index
        self.notes = Notes()
        generations_open(&self.producers, setup.max_producers)
        generations_open(&self.watched, setup.max_watched)
        if recall_open(&self.seen, max_spans) < 0 or recall_open(&self.awaited, max_spans // 2) < 0:
            raise MemoryError
        self.traces = <TraceRecord[:FIRST_TRACES]>room_for(FIRST_TRACES * sizeof(TraceRecord))
        self.high_water = 1
        self.absent = <uint64_t[:FIRST_ROOM]>room_for(FIRST_ROOM * sizeof(uint64_t))
        self.tallies = <TallyRecord[:FIRST_ROOM]>room_for(FIRST_ROOM * sizeof(TallyRecord))
        self.orphans = <OrphanRecord[:FIRST_ROOM]>room_for(FIRST_ROOM * sizeof(OrphanRecord))
        self.shown = <ShownRecord[:FIRST_ROOM]>room_for(FIRST_ROOM * sizeof(ShownRecord))
        self.shown_spans = <SpanRecord[:FIRST_ROOM]>room_for(FIRST_ROOM * sizeof(SpanRecord))
        self.shown_missing = <uint64_t[:FIRST_ROOM]>room_for(FIRST_ROOM * sizeof(uint64_t))

    def __dealloc__(self):
        map_close(&self.index)
        map_close(&self.tally_index)
        recall_close(&self.seen)
        recall_close(&self.awaited)
        generations_close(&self.producers)
        generations_close(&self.watched)
        if self.shown_missing is not None:  # the last that is made
            free(&self.traces[0])
            free(&self.absent[0])
            free(&self.tallies[0])
            free(&self.orphans[0])
            free(&self.shown[0])
            free(&self.shown_spans[0])
            free(&self.shown_missing[0])

    def used(self, uint8_t[::1] profiles not None, uint8_t[::1] resources not None):
        """Mark the profiles and resources of open spans."""
        cdef uint64_t at
        cdef uint32_t span
        self.check_turn()
        for at in range(self.head, self.tail):
            if self.traces[at & self._mask()].count == 0:
                continue
            span = self.traces[at & self._mask()].first
            while span:
                profiles[self.spans[span].profile] = 1
                resources[self.spans[span].resource] = 1
                span = self.spans[span].next

    cdef uint64_t _mask(self) noexcept nogil:
        return self.traces.shape[0] - 1

    def watch(self, bytes trace_id not None):
        """Mark a trace that is open or yet to come."""
        cdef uint64_t low, high
        cdef const char* raw = trace_id
        self.check_turn()
        if len(trace_id) == 16:
            memcpy(&low, raw, 8)
            memcpy(&high, raw + 8, 8)
            generations_put(&self.watched, self.trace_key(low, high), 1)

    @property
    def producers_forgotten(self):
        """How often the bound made it forget ends of PRODUCER spans."""
        return self.producers.turns

    @property
    def watched_forgotten(self):
        """How often the bound made it forget ids that are watched for."""
        return self.watched.turns

    @property
    def has_orphans(self):
        """Whether there are spans without their parent to take."""
        return self.orphan_count != 0

    @property
    def has_notes(self):
        """Whether there are single spans to take."""
        return self.notes.count != 0

    @property
    def has_shown(self):
        """Whether there are marked traces to take."""
        return self.shown_count != 0

    @property
    def share(self):
        """The share of traces that is kept at present."""
        return 0.5 ** self.halvings

    def watermark(self, double now):
        """No trace that arrived before this time is open."""
        cdef double due = now - self.wait
        self.check_turn()
        self._pass_gone()
        if self.head == self.tail:
            return due
        return min(due, self.traces[self.head & self._mask()].arrived)

    # ------------------------------------------------------------------ adding

    cdef uint64_t trace_key(self, uint64_t low, uint64_t high) noexcept nogil:
        return mix(low ^ self.secret.mix[1], high, &self.secret)

    cdef uint64_t identity_of(self, uint64_t low, uint64_t high, uint64_t span_id) noexcept nogil:
        """The hash of a span's ids, which is never 0."""
        cdef uint64_t hashed = mix(self.trace_key(low, high), span_id, &self.secret)
        return hashed + (hashed == 0)

    cdef void expect(self, uint64_t low, uint64_t high, SpanRecord* span) noexcept nogil:
        """Bring in what `add` looks at; it is called for this span in a moment."""
        cdef uint64_t key = self.trace_key(low, high)
        cdef uint64_t identity = mix(key, span.span_id, &self.secret)
        recall_fetch(&self.seen, identity)
        recall_fetch(&self.awaited, identity)
        map_fetch(&self.index, key)

    cdef int add(self, uint64_t low, uint64_t high, SpanRecord* span, double now) except -1 nogil:
        """Keep a span; True when a child of it was judged before, without it."""
        cdef uint64_t key = self.trace_key(low, high)
        cdef uint64_t identity = mix(key, span.span_id, &self.secret)
        cdef TraceRecord* trace
        cdef bint late
        cdef uint32_t slot
        if recall_has(&self.seen, identity):
            self.repeated += 1
            return False
        late = recall_has(&self.awaited, identity)
        if self.want_ages and self.profiles[span.profile].kind == PRODUCER:
            generations_put(&self.producers, identity + (identity == 0), ended(span))
        if not self.open_trace(low, high, key, now, &trace):
            self.sampled_out += 1
            return late
        if trace.count >= self.max_per_trace:
            trace.truncated = True
            self.over_trace_bound += 1
            return late
        slot = self.free_span
        if slot:
            self.free_span = self.spans[slot].next
        else:
            slot = self.high_water
            self.high_water += 1
        self.spans[slot] = span[0]
        self.spans[slot].next = 0
        if trace.count:
            self.spans[trace.last].next = slot
        else:
            trace.first = slot
        trace.last = slot
        trace.count += 1
        self.open_spans += 1
        recall_add(&self.seen, identity)
        if self.open_spans > self.max_spans:
            self.sample_down()
        return late

    cdef int open_trace(self, uint64_t low, uint64_t high, uint64_t key, double now,
                        TraceRecord** opened) except -1 nogil:
        """Find the open trace with an id, or begin it; whether it is sampled."""
        cdef int64_t found = map_get(&self.index, key)
        cdef uint64_t rank
        cdef TraceRecord* trace
        if found >= 0:
            opened[0] = &self.traces[found]
            return True
        rank = fold(low ^ self.rank_low, high ^ self.rank_high)
        if not self.kept(rank):
            return False
        if self.tail - self.head > self._mask():
            self.make_room()
        found = self.tail & self._mask()
        if map_put(&self.index, key, <uint32_t>found) < 0:
            return False
        self.tail += 1
        trace = &self.traces[found]
        trace.low = low
        trace.high = high
        trace.key = key
        trace.rank = rank
        trace.arrived = now
        trace.first = trace.last = 0
        trace.count = 0
        # Where it was kept out until lately, the first of its spans may be gone.
        trace.truncated = now - self.wait < self.admitted[level_of(rank)]
        opened[0] = trace
        return True

    cdef bint kept(self, uint64_t rank) noexcept nogil:
        return self.halvings == 0 or rank >> (64 - self.halvings) == 0

    cdef int sample_down(self) except -1 nogil:
        """Halve the share of traces until what is open fits."""
        cdef uint64_t at
        cdef TraceRecord* trace
        while self.open_spans > self.max_spans and self.halvings < MOST_HALVINGS:
            self.halvings += 1
            for at in range(self.head, self.tail):
                trace = &self.traces[at & self._mask()]
                if trace.count and not self.kept(trace.rank):
                    self.sampled_out += trace.count
                    self.drop(trace)
        return 0

    cdef int drop(self, TraceRecord* trace) except -1 nogil:
        """Free a trace and its spans; its record stays behind as gone."""
        map_remove(&self.index, trace.key)
        if trace.count:
            self.spans[trace.last].next = self.free_span
            self.free_span = trace.first
        self.open_spans -= trace.count
        trace.count = 0
        trace.first = 0
        return 0

    cdef void _pass_gone(self) noexcept nogil:
        while self.head < self.tail and self.traces[self.head & self._mask()].count == 0:
            self.head += 1

    cdef int make_room(self) except -1 nogil:
        """Room for more traces: in the gaps that sampled ones left, else in a larger ring."""
        self.compact()
        if self.tail - self.head > self._mask() // 2:
            with gil:
                self._grow_traces()
        return 0

    cdef int compact(self) except -1 nogil:
        """Close the gaps that sampled traces left."""
        cdef uint64_t at, to = self.head
        for at in range(self.head, self.tail):
            if self.traces[at & self._mask()].count:
                if at != to:
                    self.traces[to & self._mask()] = self.traces[at & self._mask()]
                    map_change(&self.index, self.traces[to & self._mask()].key,
                               <uint32_t>(to & self._mask()))
                to += 1
        self.tail = to
        return 0

    # ------------------------------------------------------------------ finishing

    cdef uint64_t bring_in(self, uint64_t at, double until) noexcept nogil:
        """Bring in the spans of the next traces, which came long ago, all traces at a time.

        Returns:
            The trace after the last of them.
        """
        cdef uint32_t[TOGETHER] spans
        cdef uint64_t count = 0, left, one
        cdef TraceRecord* trace
        while count < TOGETHER and at < self.tail:
            trace = &self.traces[at & self._mask()]
            at += 1
            if trace.arrived > until:
                break
            if trace.count:
                map_fetch(&self.index, trace.key)
                fetch(&self.spans[trace.first])
                spans[count] = trace.first
                count += 1
        left = count
        for _ in range(LONGEST_CHAIN):
            if left == 0:
                break
            left = 0
            for one in range(count):
                if spans[one]:
                    spans[one] = self.spans[spans[one]].next
                    fetch(&self.spans[spans[one]])
                    left += spans[one] != 0
        return at

    cdef int finish(self, double until, double now, uint64_t most) except -1 nogil:
        """Judge the traces that arrived up to a time, until so many spans were judged."""
        cdef uint64_t judged = 0, brought = self.head
        cdef TraceRecord* trace
        while judged < most:
            self._pass_gone()
            if self.head == self.tail:
                break
            if self.head >= brought:
                brought = self.bring_in(self.head, until)
            trace = &self.traces[self.head & self._mask()]
            if trace.arrived > until:
                break
            judged += trace.count
            self.judge(trace, trace.arrived <= now - self.wait)
            self.drop(trace)
        if self.halvings and self.open_spans < self.max_spans // 4:
            self.halvings -= 1
            self.admitted[self.halvings] = now
        return 0

    cdef int judge(self, TraceRecord* trace, bint waited) except -1 nogil:
        cdef uint32_t span = trace.first, marks, at
        cdef uint64_t n = 0, watched
        cdef int64_t arrived = <int64_t>trace.arrived
        cdef Seen seen
        while span and n < trace.count:
            if n >= <uint64_t>self.order.shape[0]:
                with gil:
                    self._grow_order()
            self.order[n] = span
            n += 1
            span = self.spans[span].next
        n = self.distinct(n)
        if self.wanted_tallies:
            for at in range(<uint32_t>n):
                self.count(&self.spans[self.order[at]], arrived)
        marks = self.look(trace, n, waited and not trace.truncated, &seen)
        marks = marks & self.wanted_marks | marks_of(self, n, &seen)
        if self.wanted_marks & WATCHED and generations_get(&self.watched, trace.key, &watched):
            marks |= WATCHED
        if self.wanted_notes:
            self.notes.gather(self, n, &seen, trace.low, trace.high, trace.arrived)
        for at in range(self.absent_count):
            recall_add(&self.awaited, mix(trace.key, self.absent[at], &self.secret))
        if marks:
            self.show(trace, marks, waited, n)
        return 0

    cdef uint64_t distinct(self, uint64_t n) except? 0 nogil:
        """Put the spans in `order` into `local`, each id once; how many are left.

        A span that came twice is nearly always told when it is added, by a memory that may have
        forgotten it.
        """
        cdef uint64_t at, key, left = 0
        map_reset(&self.local)
        if n == 1:
            return 1
        for at in range(n):
            key = mix(self.spans[self.order[at]].span_id, 1, &self.secret)
            if map_get(&self.local, key) >= 0:
                self.repeated += 1
                continue
            map_put(&self.local, key, <uint32_t>left)
            self.order[left] = self.order[at]
            left += 1
        return left

    cdef uint32_t look(self, TraceRecord* trace, uint64_t n, bint whole, Seen* seen)\
            except? 0xFFFFFFFF nogil:
        """What the spans in `order` have among them; fills `above` and `absent`.

        ``whole`` says that what is missing now did not arrive, so that orphans are noted.

        Returns:
            The marks for missing parents.
        """
        cdef uint64_t at
        cdef uint32_t marks = 0
        cdef int64_t above
        cdef SpanRecord* span
        cdef ProfileRecord* profile
        self.absent_count = 0
        memset(seen, 0, sizeof(Seen))
        for at in range(n):
            span = &self.spans[self.order[at]]
            profile = &self.profiles[span.profile]
            seen.facts |= profile.facts
            seen.notes |= profile.notes
            seen.kinds |= <uint32_t>1 << profile.kind
            seen.tenants |= span.tenant
            seen.queries += profile.facts & QUERY != 0
            self.above[at] = 0
            if profile.kind == CONSUMER and self.want_ages:
                self.tell_age(trace, span)
            if not span.parent_id:
                continue
            seen.failures += profile.kind == CLIENT and profile.facts & FAILED != 0
            seen.servers += profile.kind == SERVER
            if span.parent_id == span.span_id:
                continue
            above = map_get(&self.local, mix(span.parent_id, 1, &self.secret))
            if above >= 0:
                self.above[at] = <uint32_t>above + 1
                continue
            if span.flags & PARENT_LOCAL:
                marks |= LOCAL_PARENT_MISSING
            elif span.flags & PARENT_REMOTE:
                marks |= REMOTE_PARENT_MISSING
            if self.note_absent(trace.key, span.parent_id) and whole \
                    and span.flags & self.wanted_orphans:
                self.note_orphan(trace, span)
        return marks

    cdef int tell_age(self, TraceRecord* trace, SpanRecord* span) except -1 nogil:
        """Put the age of the message in the place of the link of a CONSUMER span."""
        cdef uint64_t link = span.target, sent = 0
        cdef bint known = False
        if span.parent_id:
            known = generations_get(
                &self.producers, self.identity_of(trace.low, trace.high, span.parent_id), &sent)
        if not known and link:
            known = generations_get(&self.producers, link, &sent)
        span.target = span.start - sent if known and sent < span.start else 0
        return 0

    cdef int note_absent(self, uint64_t key, uint64_t parent) except -1 nogil:
        """Note a missing parent once; False when it was judged before."""
        cdef uint64_t mixed = mix(parent, 2, &self.secret)
        cdef int64_t known = map_get(&self.local, mixed)
        cdef bint judged
        if known >= 0:
            return known
        judged = recall_has(&self.seen, mix(key, parent, &self.secret))
        map_put(&self.local, mixed, not judged)
        if judged:
            return False
        if self.absent_count >= <size_t>self.absent.shape[0]:
            with gil:
                self._grow_absent()
        self.absent[self.absent_count] = parent
        self.absent_count += 1
        return True

    cdef int note_orphan(self, TraceRecord* trace, SpanRecord* span) except -1 nogil:
        """Keep what is shown of a span whose parent did not arrive."""
        cdef OrphanRecord* made
        if self.orphan_count >= <size_t>self.orphans.shape[0]:
            with gil:
                self._grow_orphans()
        made = &self.orphans[self.orphan_count]
        made.low = trace.low
        made.high = trace.high
        made.parent_id = span.parent_id
        made.arrived = trace.arrived
        made.resource = span.resource
        made.remote = span.flags & self.wanted_orphans & PARENT_REMOTE != 0
        self.orphan_count += 1
        return 0

    cdef int count(self, SpanRecord* span, int64_t arrived) except -1 nogil:
        cdef ProfileRecord* profile = &self.profiles[span.profile]
        cdef uint32_t service = self.resources[span.resource].service
        if (profile.kind == CLIENT or profile.kind == CONSUMER) and span.profile >= KINDS:
            self.tally(CALLS, service, profile.call, arrived)
        if profile.facts & CACHE_READ:
            self.tally(CACHE_READS, service, profile.call, arrived)
            if profile.facts & CACHE_ANSWER:
                self.tally(CACHE_ANSWERS, service, profile.call, arrived)
        if not span.parent_id:
            self.tally(ROOTS, service, 0, arrived)
        if span.flags & PARENT_LOCAL:
            self.tally(LOCAL_CHILDREN, service, 0, arrived)
        if span.flags & PARENT_REMOTE:
            self.tally(REMOTE_CHILDREN, service, 0, arrived)
        if span.end > span.start and span.end - span.start > <uint64_t>(self.wait * 1e9):
            self.tally(LONG_SPANS, service, 0, arrived)
        return 0

    cdef int tally(self, int kind, uint32_t service, uint32_t call, int64_t arrived)\
            except -1 nogil:
        cdef uint64_t key
        cdef int64_t found
        cdef TallyRecord* made
        if not self.wanted_tallies & (1 << kind):
            return 0
        key = mix(<uint64_t>service << 32 | call, <uint64_t>arrived << 3 | kind, &self.secret)
        found = map_get(&self.tally_index, key)
        if found >= 0:
            self.tallies[found].count += 1
            return 0
        if self.tally_count >= <size_t>self.tallies.shape[0]:
            with gil:
                self._grow_tallies()
        map_put(&self.tally_index, key, self.tally_count)
        made = &self.tallies[self.tally_count]
        made.kind = kind
        made.service = service
        made.call = call
        made.arrived = arrived
        made.count = 1
        self.tally_count += 1
        return 0

    cdef int show(self, TraceRecord* trace, uint32_t marks, bint waited, uint64_t n)\
            except -1 nogil:
        """Keep a copy of a trace until it is taken."""
        cdef uint64_t at
        cdef ShownRecord* made
        if n > self.max_shown:
            self.not_shown += n - self.max_shown
            n = self.max_shown
            trace.truncated = True
        if (
            self.shown_count >= <size_t>self.shown.shape[0]
            or self.shown_span_count + n > <size_t>self.shown_spans.shape[0]
            or self.shown_missing_count + self.absent_count > <size_t>self.shown_missing.shape[0]
        ):
            with gil:
                self._grow_shown(n)
        made = &self.shown[self.shown_count]
        made.trace = trace[0]
        made.trace.count = <uint32_t>n
        made.marks = marks
        made.waited = waited
        made.spans = self.shown_span_count
        made.missing = self.shown_missing_count
        made.missing_count = self.absent_count
        for at in range(n):
            self.shown_spans[self.shown_span_count + at] = self.spans[self.order[at]]
        for at in range(self.absent_count):
            self.shown_missing[self.shown_missing_count + at] = self.absent[at]
        self.shown_count += 1
        self.shown_span_count += n
        self.shown_missing_count += self.absent_count
        return 0

    def advance(self, double until, double now, uint64_t most):
        """Judge the traces that arrived up to a time, until so many spans were judged.

        Returns:
            Whether there are more of them.
        """
        self.check_turn()
        self.busy = True
        try:
            with nogil:
                self.finish(until, now, most)
            return self.is_due(until)
        finally:
            self.busy = False

    cdef bint is_due(self, double until) noexcept nogil:
        self._pass_gone()
        return self.head != self.tail and self.traces[self.head & self._mask()].arrived <= until

    def take_tallies(self):
        """What was counted since the last call: kind, service, call, second, count."""
        cdef uint32_t at
        cdef TallyRecord* one
        self.check_turn()
        taken = []
        for at in range(self.tally_count):
            one = &self.tallies[at]
            call = one.call if BY_CALL >> one.kind & 1 else None
            taken.append((TALLIES[one.kind], one.service, call, one.arrived, one.count))
        self.tally_count = 0
        map_clear(&self.tally_index)
        return taken

    def take_orphans(self):
        """Spans without their parent since the last call: trace, parent, resource, ..."""
        cdef size_t at
        cdef OrphanRecord* one
        self.check_turn()
        taken = []
        for at in range(self.orphan_count):
            one = &self.orphans[at]
            taken.append((
                _bytes(one.low) + _bytes(one.high), _bytes(one.parent_id), one.resource,
                bool(one.remote), one.arrived,
            ))
        self.orphan_count = 0
        return taken

    def take_notes(self):
        """Single spans since the last call: kind, trace, span, ...; see `_fields`."""
        cdef size_t at
        cdef NoteRecord* one
        self.check_turn()
        taken = []
        for at in range(self.notes.count):
            one = &self.notes.taken[at]
            taken.append((
                NOTES[one.kind], _bytes(one.low) + _bytes(one.high), _fields(&one.span),
                one.arrived, bool(one.effect),
            ))
        self.notes.count = 0
        return taken

    def take_shown(self):
        """The marked traces since the last call, as tuples; see `decoder.NativeDecoder`."""
        cdef size_t at, span
        cdef ShownRecord* one
        cdef SpanRecord* record
        self.check_turn()
        taken = []
        for at in range(self.shown_count):
            one = &self.shown[at]
            spans = []
            for span in range(one.spans, one.spans + one.trace.count):
                record = &self.shown_spans[span]
                spans.append(_fields(record))
            missing = frozenset(
                [_id(self.shown_missing[one.missing + span]) for span in range(one.missing_count)]
            )
            taken.append((
                _bytes(one.trace.low) + _bytes(one.trace.high), one.trace.arrived, spans,
                one.marks, one.trace.truncated, missing, one.waited,
            ))
        self.shown_count = self.shown_span_count = self.shown_missing_count = 0
        return taken

    # ------------------------------------------------------------------ room

    cdef _grow_traces(self):
        cdef uint64_t at, old = self.traces.shape[0], slot
        cdef TraceRecord* grown = <TraceRecord*>room_for(old * 2 * sizeof(TraceRecord))
        for at in range(self.head, self.tail):
            slot = at & (old * 2 - 1)
            grown[slot] = self.traces[at & self._mask()]
            if grown[slot].count:
                map_change(&self.index, grown[slot].key, <uint32_t>slot)
        free(&self.traces[0])
        self.traces = <TraceRecord[: old * 2]>grown

    cdef _grow_absent(self):
        cdef size_t old = self.absent.shape[0]
        cdef uint64_t* grown = <uint64_t*>room_for(old * 2 * sizeof(uint64_t))
        memcpy(grown, &self.absent[0], old * sizeof(uint64_t))
        free(&self.absent[0])
        self.absent = <uint64_t[: old * 2]>grown

    cdef _grow_orphans(self):
        cdef size_t old = self.orphans.shape[0]
        cdef OrphanRecord* grown = <OrphanRecord*>room_for(old * 2 * sizeof(OrphanRecord))
        memcpy(grown, &self.orphans[0], old * sizeof(OrphanRecord))
        free(&self.orphans[0])
        self.orphans = <OrphanRecord[: old * 2]>grown

    cdef _grow_tallies(self):
        cdef size_t old = self.tallies.shape[0]
        cdef TallyRecord* grown = <TallyRecord*>room_for(old * 2 * sizeof(TallyRecord))
        memcpy(grown, &self.tallies[0], old * sizeof(TallyRecord))
        free(&self.tallies[0])
        self.tallies = <TallyRecord[: old * 2]>grown

    cdef _grow_shown(self, size_t n):
        cdef size_t traces = self.shown.shape[0] * 2
        cdef size_t spans = (self.shown_spans.shape[0] + n) * 2
        cdef size_t missing = (self.shown_missing.shape[0] + self.absent_count) * 2
        cdef ShownRecord* shown = <ShownRecord*>room_for(traces * sizeof(ShownRecord))
        cdef SpanRecord* records = <SpanRecord*>room_for(spans * sizeof(SpanRecord))
        cdef uint64_t* ids = <uint64_t*>room_for(missing * sizeof(uint64_t))
        memcpy(shown, &self.shown[0], self.shown_count * sizeof(ShownRecord))
        memcpy(records, &self.shown_spans[0], self.shown_span_count * sizeof(SpanRecord))
        memcpy(ids, &self.shown_missing[0], self.shown_missing_count * sizeof(uint64_t))
        free(&self.shown[0])
        free(&self.shown_spans[0])
        free(&self.shown_missing[0])
        self.shown = <ShownRecord[:traces]>shown
        self.shown_spans = <SpanRecord[:spans]>records
        self.shown_missing = <uint64_t[:missing]>ids


cdef bytes _bytes(uint64_t number):
    return (<char*>&number)[:8]


cdef bytes _id(uint64_t number):
    return (<char*>&number)[:8] if number else b""


cdef tuple _fields(SpanRecord* span):
    """A span as `decoder.NativeDecoder` makes objects of it."""
    return (
        span.profile, span.resource, _id(span.span_id), _id(span.parent_id), span.start, span.end,
        span.flags, span.kinds, span.target, span.extra, span.tenant,
    )
