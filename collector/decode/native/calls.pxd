# cython: language_level=3
"""What the attributes of a span say about its call: its profile and its target.

A profile is all that many spans share (`decode.spans.Profile`); equal hashes stand for equal
profiles, and unequal ones may do so too, which costs a look at another span. A target tells
calls of one profile apart (`collector.classify.target`).
"""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from collector.decode.native.hashes cimport kept_size, text_hash, typed_hash
from collector.decode.native.keys cimport (
    ROLE_CALL, ROLE_PATH, ROLE_PATH_OLD, ROLE_PEER, ROLE_QUERY, ROLE_ROUTE, ROLE_SERVER_ROUTE,
    ROLE_SQL, ROLE_SQL_OLD, ROLE_URL, ROLE_URL_OLD,
)
from collector.decode.native.otlp cimport NOTHING, STRING, value_kind
from collector.decode.native.paths cimport has_literal, path_hash
from collector.decode.native.traces cimport SpanRecord
from collector.decode.native.wire cimport Field, HashKey, mix


cdef enum:
    SERVER_KIND = 2
    CLIENT_KIND = 3
    PRODUCER_KIND = 4
    LONGEST_QUERY = 4096
    TARGET_URL = 1
    TARGET_QUERY = 2
    TARGET_LITERAL = 3
    TARGET_ROLES = (ROLE_URL | ROLE_URL_OLD | ROLE_PATH | ROLE_PATH_OLD | ROLE_QUERY | ROLE_SQL
                    | ROLE_SQL_OLD)


# The attributes of which a target is made; current spellings before old ones.
cdef enum:
    SLOT_URL
    SLOT_URL_OLD
    SLOT_PATH
    SLOT_PATH_OLD
    SLOT_QUERY
    SLOT_SQL
    SLOT_SQL_OLD
    SLOTS


cdef struct Target:
    Field value          # as `otlp.read_value` reads it
    uint64_t key_hash
    int kind             # as `otlp.value_kind` has it


# Sums, so that they do not depend on the order of the attributes.
cdef struct Call:
    uint64_t sum
    uint64_t peer_sum
    bint route
    bint server_route
    Target[7] targets


cdef inline void learn(Call* call, uint32_t roles, uint64_t key_hash, Field* value,
                       const HashKey* key) noexcept nogil:
    """What an attribute adds."""
    cdef int kind = value_kind(value)
    cdef Target* target
    cdef uint64_t hashed
    if roles & (ROLE_CALL | ROLE_PEER):
        hashed = mix(key_hash, typed_hash(value, key), key)
        if roles & ROLE_CALL:
            call.sum += hashed
        else:
            call.peer_sum += hashed
    if kind != NOTHING and (kind != STRING or value.size):
        if roles & ROLE_ROUTE:
            call.route = True
        if roles & ROLE_SERVER_ROUTE:
            call.server_route = True
    if roles & TARGET_ROLES:
        target = &call.targets[slot_of(roles)]
        target.value = value[0]
        target.key_hash = key_hash
        target.kind = kind


cdef inline int slot_of(uint32_t roles) noexcept nogil:
    if roles & ROLE_URL:
        return SLOT_URL
    if roles & ROLE_URL_OLD:
        return SLOT_URL_OLD
    if roles & ROLE_PATH:
        return SLOT_PATH
    if roles & ROLE_PATH_OLD:
        return SLOT_PATH_OLD
    if roles & ROLE_QUERY:
        return SLOT_QUERY
    return SLOT_SQL if roles & ROLE_SQL else SLOT_SQL_OLD


cdef inline uint64_t profile_hash(Call* call, uint64_t name_hash, int kind, int32_t status,
                                  bint mask_servers, const HashKey* key) noexcept nogil:
    """The hash of the profile.

    ``mask_servers`` says that no probe route is written in a way that masking would change.
    """
    cdef uint64_t hashed = mix(call.sum, name_hash, key)
    cdef bint server = kind == SERVER_KIND
    cdef bint raw = server and not mask_servers and not call.server_route
    cdef bint masked = not call.route or (server and not call.server_route)
    cdef uint64_t paths = 0, peers = call.peer_sum, authority, path
    cdef Target* target
    cdef int slot
    if raw or masked or not server:
        for slot in range(SLOT_QUERY):
            target = &call.targets[slot]
            if target.kind == NOTHING:
                continue
            authority = 0
            path = typed_hash(&target.value, key)
            if target.kind == STRING and not raw:
                path = path_hash(target.value.start, target.value.size, &authority, key)
            paths += mix(target.key_hash, path, key)
            if slot == SLOT_URL or slot == SLOT_URL_OLD:
                peers += mix(target.key_hash, authority if authority else path, key)
    if not server:
        hashed = mix(hashed, peers, key)
    if raw or masked:
        hashed = mix(hashed, paths, key)
    return mix(hashed, <uint64_t><uint32_t>status << 8 | <uint64_t>kind, key)


cdef inline void set_target(Call* call, SpanRecord* record, const HashKey* key) noexcept nogil:
    """What tells a call from others like it."""
    cdef Target* url = first_of(call, SLOT_URL, SLOT_URL_OLD)
    cdef Target* path = first_of(call, SLOT_PATH, SLOT_PATH_OLD)
    cdef Target* query = &call.targets[SLOT_QUERY]
    cdef Target* sql = first_of(call, SLOT_SQL, SLOT_SQL_OLD)
    cdef uint64_t asked = 0
    record.target = 0
    record.target_kind = 0
    if is_text(url):
        record.target = mix(whole_hash(url, key), 11, key)
        record.target_kind = TARGET_URL
    elif is_text(path):
        if is_text(query):
            asked = whole_hash(query, key)
        record.target = mix(whole_hash(path, key), asked, key)
        record.target_kind = TARGET_URL
    elif is_text(sql):
        record.target = mix(whole_hash(sql, key), 12, key)
        record.target_kind = TARGET_QUERY
        if has_literal(sql.value.start, kept_size(sql.value.start, sql.value.size), LONGEST_QUERY):
            record.target_kind = TARGET_LITERAL


cdef inline bint is_text(Target* target) noexcept nogil:
    return target.kind == STRING and target.value.size != 0


cdef inline uint64_t whole_hash(Target* target, const HashKey* key) noexcept nogil:
    return text_hash(target.value.start, target.value.size, key)


cdef inline Target* first_of(Call* call, int current, int old) noexcept nogil:
    """The current spelling when it has a value at all, else the old one."""
    return &call.targets[current if call.targets[current].kind != NOTHING else old]
