# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""Why a finished trace may interest a policy; what each mark means is said in `decode.marks`.

Only marks that someone asks for are looked for, and first it is asked of what all spans have
among them whether the trace can carry a mark at all.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t

from collector.decode.native.maps cimport map_get, map_put, map_reset
from collector.decode.native.profiles cimport KINDS
from collector.decode.native.table cimport (
    BATCH_SIZE, BEGIN, DATABASE, FAILED, GAVE_UP, HIGHEST, PROBE, QUERY, RETRY, SELECTED, ProfileRecord,
    Seen, SpanRecord, SpanTable, ended, took,
)
from collector.decode.native.wire cimport mix

from collector.classify import SpanKind
from collector.details import TENANTS
from collector.views import Mark

cdef enum:
    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    FAMILY_SHIFT = 12
    FAMILIES = 16
    WRAPPERS = 3         # INTERNAL spans around a query, one within the other

cdef uint32_t PROBE_ROUTE = int(Mark.PROBE_ROUTE)
cdef uint32_t RETRY_ATTRIBUTE = int(Mark.RETRY_ATTRIBUTE)
cdef uint32_t FAILED_SIBLING = int(Mark.FAILED_SIBLING)
cdef uint32_t REPEATED_SERVER = int(Mark.REPEATED_SERVER)
cdef uint32_t CHILD_OUTLIVES = int(Mark.CHILD_OUTLIVES)
cdef uint32_t SEVERAL_TENANTS = int(Mark.TENANTS)
cdef uint32_t QUERY_REPEATED = int(Mark.QUERY_REPEATED)
cdef uint32_t TRANSACTION = int(Mark.TRANSACTION)
cdef uint32_t IS_SELECTED = int(Mark.SELECTED)

if TENANTS != 1 << FAMILY_SHIFT or (
    SpanKind.INTERNAL, SpanKind.SERVER, SpanKind.CLIENT, SpanKind.PRODUCER
) != (INTERNAL, SERVER, CLIENT, PRODUCER):
    raise ImportError("the compiled decoder is older than the package; build it again")


cdef uint32_t marks_of(SpanTable table, uint64_t n, Seen* seen) except? 0xFFFFFFFF nogil:
    """The marks of the trace whose spans are in `table.order`, but for those of missing parents.

    Args:
        table: with `above` filled.
        n: spans.
        seen: what they have among them.
    """
    cdef uint32_t wanted = table.wanted_marks, marks = 0
    if seen.facts & RETRY:
        marks |= RETRY_ATTRIBUTE
    if seen.facts & PROBE:
        marks |= PROBE_ROUTE
    if seen.facts & SELECTED:
        marks |= IS_SELECTED
    if n == 1:
        if wanted & QUERY_REPEATED and seen.queries and query_repeated(table, n):
            marks |= QUERY_REPEATED
        if wanted & TRANSACTION and seen.facts & BEGIN and transaction(table, n):
            marks |= TRANSACTION
        return marks & wanted
    if seen.failures and wanted & FAILED_SIBLING and failed_sibling(table, n):
        marks |= FAILED_SIBLING
    if seen.servers > 1 and wanted & REPEATED_SERVER and repeated_server(table, n):
        marks |= REPEATED_SERVER
    if seen.facts & GAVE_UP and wanted & CHILD_OUTLIVES and child_outlives(table, n):
        marks |= CHILD_OUTLIVES
    if seen.tenants and wanted & SEVERAL_TENANTS and several_tenants(table, n):
        marks |= SEVERAL_TENANTS
    if seen.queries >= table.bounds.repeated and seen.queries and wanted & QUERY_REPEATED \
            and query_repeated(table, n):
        marks |= QUERY_REPEATED
    if seen.facts & BEGIN and wanted & TRANSACTION and transaction(table, n):
        marks |= TRANSACTION
    return marks & wanted


cdef int failed_sibling(SpanTable table, uint64_t n) except -1 nogil:
    """Whether a call started after one like it, under the same parent, had failed.

    An INTERNAL span around each attempt is no other parent.
    """
    cdef uint64_t at
    cdef SpanRecord* span
    cdef ProfileRecord* profile
    map_reset(&table.calls)
    for at in range(n):
        span = &table.spans[table.order[at]]
        profile = &table.profiles[span.profile]
        if profile.kind != CLIENT or not profile.facts & FAILED or not span.parent_id:
            continue  # what is known by its kind alone never failed
        note_failure(table, at, table.call_key(span, profile.call))
        note_failure(table, at, outer_key(table, at))
    for at in range(n):
        span = &table.spans[table.order[at]]
        profile = &table.profiles[span.profile]
        if profile.kind != CLIENT or not span.parent_id or span.profile < KINDS:
            continue
        if follows_failure(table, at, table.call_key(span, profile.call)) \
                or follows_failure(table, at, outer_key(table, at)):
            return True
    return False


cdef int note_failure(SpanTable table, uint64_t at, uint64_t key) except -1 nogil:
    """Note a failed call, if none like it ended earlier; a key of 0 is none."""
    cdef int64_t found
    if key:
        found = map_get(&table.calls, key)
        if found < 0 or ended(&table.spans[table.order[at]]) \
                < ended(&table.spans[table.order[found]]):
            map_put(&table.calls, key, <uint32_t>at)
    return 0


cdef int follows_failure(SpanTable table, uint64_t at, uint64_t key) except -1 nogil:
    """Whether a call started when one like it had failed."""
    cdef int64_t found = map_get(&table.calls, key) if key else -1
    return found >= 0 and <uint64_t>found != at \
        and table.spans[table.order[at]].start >= ended(&table.spans[table.order[found]])


cdef uint64_t outer_key(SpanTable table, uint64_t at) except? 0 nogil:
    """The key of a call as if it stood beside the INTERNAL span that is around it; 0 for none."""
    cdef SpanRecord* span = &table.spans[table.order[at]]
    cdef SpanRecord* parent
    if not table.above[at]:
        return 0
    parent = &table.spans[table.order[table.above[at] - 1]]
    if table.profiles[parent.profile].kind != INTERNAL or not parent.parent_id:
        return 0
    return table.call_key_under(parent.parent_id, span, table.profiles[span.profile].call)


cdef int repeated_server(SpanTable table, uint64_t n) except -1 nogil:
    """Whether one CLIENT span has two SERVER spans of one service and operation below it."""
    cdef uint64_t at, key
    cdef uint32_t above
    cdef SpanRecord* span
    cdef ProfileRecord* profile
    map_reset(&table.calls)
    for at in range(n):
        span = &table.spans[table.order[at]]
        profile = &table.profiles[span.profile]
        above = table.above[at]
        if profile.kind != SERVER or not above or span.profile < KINDS:
            continue
        if table.profiles[table.spans[table.order[above - 1]].profile].kind != CLIENT:
            continue
        key = table.call_key(span, profile.operation)
        if map_get(&table.calls, key) >= 0:
            return True
        map_put(&table.calls, key, 0)
    return False


cdef int child_outlives(SpanTable table, uint64_t n) except -1 nogil:
    """Whether a call ends after what waited for it and was cut short, or an answer long after."""
    cdef uint64_t at
    cdef uint32_t above
    cdef SpanRecord* span
    cdef SpanRecord* parent
    cdef ProfileRecord* profile
    for at in range(n):
        above = table.above[at]
        if not above:
            continue
        span = &table.spans[table.order[at]]
        if span.profile < KINDS:
            continue
        profile = &table.profiles[span.profile]
        if profile.kind == CLIENT:
            if outlives_ancestor(table, span, above):
                return True
        elif profile.kind == SERVER:
            parent = &table.spans[table.order[above - 1]]
            profile = &table.profiles[parent.profile]
            # Half the time is compared, as twice the other may not fit.
            if profile.kind == CLIENT and profile.facts & GAVE_UP and \
                    took(span) > took(parent) and took(span) - took(parent) > took(parent):
                return True
    return False


cdef int outlives_ancestor(SpanTable table, SpanRecord* span, uint32_t above) except -1 nogil:
    cdef SpanRecord* other
    for _ in range(HIGHEST):
        if not above:
            break
        other = &table.spans[table.order[above - 1]]
        if not table.same_service(span, other):
            break
        if ended(span) > ended(other) and ended(span) - ended(other) > table.bounds.outlives \
                and was_cut_short(table, other, table.above[above - 1]):
            return True
        above = table.above[above - 1]
    return False


cdef int was_cut_short(SpanTable table, SpanRecord* span, uint32_t above) except -1 nogil:
    """Whether a span, or the call that it serves, timed out or was cancelled."""
    cdef ProfileRecord* client
    if table.profiles[span.profile].facts & GAVE_UP:
        return True
    if not above:
        return False
    client = &table.profiles[table.spans[table.order[above - 1]].profile]
    return client.kind == CLIENT and client.facts & GAVE_UP != 0


cdef int several_tenants(SpanTable table, uint64_t n) except -1 nogil:
    """Whether two spans tell different tenants by one attribute."""
    cdef uint64_t at
    cdef uint32_t[FAMILIES] told
    cdef uint32_t tenant
    for at in range(FAMILIES):
        told[at] = 0
    for at in range(n):
        tenant = table.spans[table.order[at]].tenant
        if not tenant:
            continue
        if told[tenant >> FAMILY_SHIFT] and told[tenant >> FAMILY_SHIFT] != tenant:
            return True
        told[tenant >> FAMILY_SHIFT] = tenant
    return False


cdef int query_repeated(SpanTable table, uint64_t n) except -1 nogil:
    """Whether one query was run so many times under one parent, each time by itself.

    INTERNAL spans around each query, as methods of a repository have, are no other parents.
    """
    cdef uint64_t at
    cdef uint32_t above
    cdef SpanRecord* span
    cdef SpanRecord* parent
    cdef ProfileRecord* profile
    map_reset(&table.calls)
    for at in range(n):
        span = &table.spans[table.order[at]]
        profile = &table.profiles[span.profile]
        if not profile.facts & QUERY or span.kinds & BATCH_SIZE:
            continue
        if counted(table, span.parent_id, profile.query) >= table.bounds.repeated:
            return True
        above = table.above[at]
        for _ in range(WRAPPERS):
            if not above:
                break
            parent = &table.spans[table.order[above - 1]]
            if table.profiles[parent.profile].kind != INTERNAL or not parent.parent_id:
                break
            if counted(table, parent.parent_id, profile.query) >= table.bounds.repeated:
                return True
            above = table.above[above - 1]
    return False


cdef uint64_t counted(SpanTable table, uint64_t parent_id, uint32_t query) except 0 nogil:
    """How often a query was run under a parent, this time included."""
    cdef uint64_t key = mix(parent_id, query, &table.secret)
    cdef int64_t found = map_get(&table.calls, key)
    cdef uint64_t count = 1 if found < 0 else <uint64_t>found + 1
    map_put(&table.calls, key, <uint32_t>count)
    return count


cdef int transaction(SpanTable table, uint64_t n) except -1 nogil:
    """Whether a call stands between BEGIN and its siblings, or a transaction takes long."""
    cdef uint64_t at, key, first
    cdef int64_t found
    cdef SpanRecord* span
    cdef ProfileRecord* profile
    map_reset(&table.calls)
    for at in range(n):
        span = &table.spans[table.order[at]]
        if not table.profiles[span.profile].facts & BEGIN:
            continue
        key = table.call_key(span, 0)
        found = map_get(&table.calls, key)
        if found < 0 or span.start < table.spans[table.order[found]].start:
            map_put(&table.calls, key, <uint32_t>at)
    for at in range(n):
        span = &table.spans[table.order[at]]
        profile = &table.profiles[span.profile]
        found = map_get(&table.calls, table.call_key(span, 0))
        if profile.facts & DATABASE:
            if found < 0:
                continue
            first = table.spans[table.order[found]].start
            if ended(span) > first and ended(span) - first > table.bounds.transaction:
                return True
        elif (profile.kind == CLIENT or profile.kind == PRODUCER) and span.profile >= KINDS:
            if found < 0:
                found = wrapped(table, at)
            if found >= 0 and span.start >= table.spans[table.order[found]].start:
                return True
    return False


cdef int64_t wrapped(SpanTable table, uint64_t at) except -2 nogil:
    """The place of what is noted beside the INTERNAL span right above a span; -1 for none."""
    cdef SpanRecord* parent
    if not table.above[at]:
        return -1
    parent = &table.spans[table.order[table.above[at] - 1]]
    if table.profiles[parent.profile].kind != INTERNAL:
        return -1
    return map_get(&table.calls, table.call_key(parent, 0))
