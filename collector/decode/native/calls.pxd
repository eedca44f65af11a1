# cython: language_level=3
"""What the attributes of a span say about its call: its profile and its target.

A profile is all that many spans share (`decode.spans.Profile`); equal hashes stand for equal
profiles, and unequal ones may do so too, which costs a look at another span. A target tells
calls of one profile apart (`collector.classify.target`).
"""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from collector.decode.native.keys cimport (
    ROLE_CALL, ROLE_PARAMETER, ROLE_PATH, ROLE_PATH_OLD, ROLE_PEER, ROLE_QUERY, ROLE_ROUTE, ROLE_SERVER_ROUTE,
    ROLE_SQL, ROLE_SQL_OLD, ROLE_URL, ROLE_URL_OLD,
)
from collector.decode.native.otlp cimport NOTHING, STRING, value_kind
from collector.decode.native.paths cimport path_hash
from collector.decode.native.table cimport SpanRecord
from collector.decode.native.wire cimport Field, HashKey, mix


cdef enum:
    SERVER_KIND = 2
    CLIENT_KIND = 3
    PRODUCER_KIND = 4
    TARGET_URL = 1
    TARGET_QUERY = 2
    TARGET_LITERAL = 3
    PARAMETERS = 32      # of a query of which the last of equal keys counts
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
    uint64_t hash        # of the value, as `hashes.typed_hash` has it
    uint64_t key_hash
    bint text            # it is a string


# Sums, so that they do not depend on the order of the attributes.
cdef struct Call:
    uint64_t sum
    uint64_t peer_sum
    bint route
    bint server_route
    uint32_t filled      # bits of the targets that have a value
    Target[7] targets
    uint32_t systems     # bits of the kinds of database that it names
    uint32_t parameters  # how many were met
    uint64_t parameter_sum
    uint64_t[32] parameter_keys
    uint64_t[32] parameter_values


cdef inline void begin(Call* call) noexcept nogil:
    """Forget what was learned; targets are only read where they are filled."""
    call.sum = call.peer_sum = 0
    call.route = call.server_route = False
    call.filled = 0
    call.systems = 0
    call.parameters = 0
    call.parameter_sum = 0


cdef inline void learn(Call* call, uint32_t roles, uint64_t key_hash, Field* value,
                       uint64_t value_hash, uint64_t again, const HashKey* key) noexcept nogil:
    """What an attribute adds.

    ``value_hash`` is its `hashes.typed_hash`; ``again`` is its number if it came before, as the
    last of equal keys counts, and else 0.
    """
    cdef int kind = value_kind(value)
    cdef Target* target
    cdef int slot
    if roles & ROLE_CALL:
        call.sum += mix(key_hash + again, value_hash, key)
    elif roles & ROLE_PEER:
        call.peer_sum += mix(key_hash + again, value_hash, key)
    if roles & ROLE_PARAMETER:
        learn_parameter(call, key_hash, value_hash, key)
    if kind != NOTHING and (kind != STRING or value.size):
        if roles & ROLE_ROUTE:
            call.route = True
        if roles & ROLE_SERVER_ROUTE:
            # A wildcard at its end tells less than the path; of equal keys the last counts.
            call.server_route = kind != STRING or value.start[value.size - 1] != c"*"
    if roles & TARGET_ROLES:
        slot = slot_of(roles)
        call.filled &= ~(<uint32_t>1 << slot)
        if kind != NOTHING:
            call.filled |= <uint32_t>1 << slot
            target = &call.targets[slot]
            target.value = value[0]
            target.hash = value_hash
            target.key_hash = key_hash
            target.text = kind == STRING


cdef inline void learn_parameter(Call* call, uint64_t key_hash, uint64_t value_hash,
                                 const HashKey* key) noexcept nogil:
    cdef uint64_t added = mix(key_hash, value_hash, key)
    cdef uint32_t at, known = min(call.parameters, <uint32_t>PARAMETERS)
    call.parameter_sum += added
    for at in range(known):
        if call.parameter_keys[at] == key_hash:
            call.parameter_sum -= call.parameter_values[at]
            call.parameter_values[at] = added
            return
    if known < PARAMETERS:
        call.parameter_keys[known] = key_hash
        call.parameter_values[known] = added
    call.parameters += 1


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
            if not call.filled >> slot & 1:
                continue
            target = &call.targets[slot]
            authority = 0
            path = target.hash
            if target.text and not raw:
                path = path_hash(target.value.start, target.value.size, &authority, key)
            paths += mix(target.key_hash, path, key)
            if slot == SLOT_URL or slot == SLOT_URL_OLD:
                peers += mix(target.key_hash, authority if authority else path, key)
    if not server:
        hashed = mix(hashed, peers, key)
    if raw or masked:
        hashed = mix(hashed, paths, key)
    return mix(hashed, <uint64_t><uint32_t>status << 8 | <uint64_t>kind, key)


cdef inline Target* query_of(Call* call) noexcept nogil:
    """The text of the query; NULL when there is none."""
    return text_of(call, SLOT_SQL, SLOT_SQL_OLD)


cdef inline void set_target(Call* call, SpanRecord* record, Target* sql, bint literal,
                            const HashKey* key) noexcept nogil:
    """What tells a call from others like it.

    ``sql`` is `query_of` the call, and ``literal`` says that values stand in it.
    """
    cdef Target* url = text_of(call, SLOT_URL, SLOT_URL_OLD)
    cdef Target* path
    cdef Target* query
    if url != NULL:
        record.target = mix(url.hash, 11, key)
        record.kinds |= TARGET_URL
        return
    path = text_of(call, SLOT_PATH, SLOT_PATH_OLD)
    if path != NULL:
        query = text_of(call, SLOT_QUERY, SLOT_QUERY)
        record.target = mix(path.hash, query.hash if query != NULL else 0, key)
        record.kinds |= TARGET_URL
        return
    if sql != NULL:
        record.target = mix(sql.hash, 12 + call.parameter_sum, key)
        record.kinds |= TARGET_LITERAL if literal or call.parameters else TARGET_QUERY


cdef inline Target* text_of(Call* call, int current, int old) noexcept nogil:
    """The current spelling when it has a value at all, else the old one; NULL for no text."""
    cdef int slot = current if call.filled >> current & 1 else old
    cdef Target* target = &call.targets[slot]
    if not call.filled >> slot & 1 or not target.text or target.value.size == 0:
        return NULL
    return target
