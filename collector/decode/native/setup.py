"""What the scanner is told once: what is demanded, in its own numbers, and the bounds."""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass

from collector import classify, semconv
from collector.decode.limits import Limits
from collector.decode.profiles import Profiler
from collector.demand import Demand
from collector.details import BATCHES, MESSAGE_ID, OFFSETS, ROWS, DetailKeys
from collector.statements import CACHES, STANDARD
from collector.views import Flag, Mark, NoteKind, Place, TallyKind
from collector.violation import Signal

#: By the scanner's numbers.
SIGNALS = (Signal.TRACES, Signal.LOGS, Signal.METRICS)

# As the scanner numbers them.
_CALL, _PEER, _ROUTE, _SERVER_ROUTE = 1, 2, 4, 8
_TARGETS = {
    ("url.full", True): 16,
    ("url.full", False): 32,
    ("url.path", True): 64,
    ("url.path", False): 128,
    ("url.query", True): 256,
    ("db.query.text", True): 512,
    ("db.query.text", False): 1024,
}
_ROW, _DETAIL, _SYSTEM = 2048, 4096, 16384
_NEVER, _WITH_KEY, _ALWAYS = 0, 1, 2

# What an attribute tells, as `details.pyx` numbers it.
_IDENTITY, _MESSAGE, _TENANT, _FINGERPRINT, _ROWS, _BATCH, _OFFSET = (1 << bit for bit in range(7))
_LARGEST = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Setup:
    """What the scanner is told once."""

    secret: tuple[int, ...]
    rank: tuple[int, int]
    roles: dict[str, int]
    details: dict[str, tuple[int, int, int]]
    events: tuple[bytes, ...]
    systems: dict[bytes, int]
    shapes: tuple[bool, ...]
    rows: tuple[int, ...]
    places: tuple[bool, ...]
    marks: Mark
    orphans: Flag
    tallies: frozenset[TallyKind]
    notes: frozenset[NoteKind]
    bounds: tuple[int, ...]
    want_traces: bool
    want_series: bool
    mask_servers: bool
    most_keys: int
    most_shapes: int
    slice_items: int
    remembered_values: int
    max_value_length: int
    remembered_series: int
    series_refresh: float
    trace_wait: float
    max_spans: int
    max_spans_per_trace: int
    max_spans_shown: int
    max_producers: int
    max_watched: int
    max_new_profiles: int
    max_values_at_once: int


def _numbers(seed: bytes, purpose: bytes, count: int) -> tuple[int, ...]:
    digest = hashlib.blake2b(seed, digest_size=8 * count, person=purpose).digest()
    return tuple(int.from_bytes(digest[at : at + 8], "little") for at in range(0, 8 * count, 8))


def _uses(keys: DetailKeys) -> dict[str, tuple[int, int, int]]:
    """What each attribute of which details are made tells, and of a tenant its rank and family."""
    named = (
        (keys.identity, _IDENTITY),
        (MESSAGE_ID, _MESSAGE),
        (keys.tenant, _TENANT),
        (keys.fingerprint, _FINGERPRINT),
        ((ROWS,), _ROWS),
        (BATCHES, _BATCH),
        (OFFSETS, _OFFSET),
    )
    uses: dict[str, int] = {}
    for names, use in named:
        for name in names:
            uses[name] = uses.get(name, 0) | use
    ranked = sorted(keys.tenant, key=lambda key: (keys.tenant[key], key))
    ranks = {key: rank for rank, key in enumerate(ranked)}
    return {name: (use, ranks.get(name, 0), keys.tenant.get(name, 0)) for name, use in uses.items()}


def _roles(demand: Demand, profiler: Profiler) -> dict[str, int]:
    """What the scanner does with the attributes that someone asks for."""
    roles: dict[str, int] = dict.fromkeys(profiler.kept, _CALL)
    for key in classify.PEER_KEYS - demand.trace_keys:
        roles[key] = _PEER
    for name in ("url.template", "http.route"):
        roles[name] |= _ROUTE
    roles["http.route"] |= _SERVER_ROUTE
    for (name, current), role in _TARGETS.items():
        for spelling in semconv.family(name):
            if (spelling == name) is current:
                roles[spelling] = roles.get(spelling, 0) | role
    asked = {
        _DETAIL: profiler.detail_keys.all if demand.traces else frozenset(),
        _ROW: _row_keys(demand),
        _SYSTEM: frozenset(semconv.family("db.system.name")),
    }
    for role, keys in asked.items():
        for key in keys:
            roles[key] = roles.get(key, 0) | role
    return roles


def _systems() -> dict[bytes, int]:
    """What is known of systems of databases, as `statements.pxd` numbers it."""
    known = dict.fromkeys(STANDARD, 1) | dict.fromkeys(CACHES, 3)
    return {name.encode(): number for name, number in known.items()}


def _row_keys(demand: Demand) -> frozenset[str]:
    """Attributes of items, not of their events, by which rows are selected."""
    own = [selection for selection in demand.rows if not selection.events]
    return frozenset(key for one in own for match in one.where for key in match.keys)


def _row_use(demand: Demand, signal: Signal) -> int:
    """When an item may match a selection: never, with one of the keys or events, always."""
    mine = [selection for selection in demand.rows if selection.signal is signal]
    if not mine:
        return _NEVER
    return _WITH_KEY if all(one.where or one.events for one in mine) else _ALWAYS


def setup_of(demand: Demand, limits: Limits, seed: bytes) -> Setup:
    """The setup of a scanner.

    Args:
        demand: what it hands over.
        limits: bounds.
        seed: of its secrets; at most 64 bytes.
    """
    low, high = _numbers_of_rank(seed)
    profiler = Profiler(demand)
    events = {name.encode() for selection in demand.rows for name in selection.events}
    return Setup(
        secret=_numbers(seed, b"hash", 4),
        rank=(low, high),
        roles=_roles(demand, profiler),
        details=_uses(profiler.detail_keys) if demand.traces else {},
        events=tuple(sorted(events)),
        systems=_systems(),
        shapes=tuple(signal in demand.shapes for signal in SIGNALS),
        rows=tuple(_row_use(demand, signal) for signal in SIGNALS),
        places=tuple(place in demand.places for place in Place),
        marks=demand.marks,
        orphans=demand.orphans,
        tallies=demand.tallies,
        notes=demand.notes,
        bounds=tuple(min(max(0, bound), _LARGEST) for bound in astuple(demand.bounds)),
        want_traces=demand.traces,
        want_series=demand.series,
        mask_servers=all(classify.mask_path(route) == route for route in demand.probe_routes),
        most_keys=limits.max_keys,
        most_shapes=limits.max_shapes,
        slice_items=limits.slice_items,
        remembered_values=limits.remembered_values,
        max_value_length=limits.max_value_length,
        remembered_series=limits.remembered_series,
        series_refresh=limits.series_refresh,
        trace_wait=limits.trace_wait,
        max_spans=limits.max_spans,
        max_spans_per_trace=limits.max_spans_per_trace,
        max_spans_shown=limits.max_spans_shown,
        max_producers=limits.max_producers,
        max_watched=limits.max_watched,
        max_new_profiles=limits.max_new_profiles,
        max_values_at_once=limits.max_values_at_once,
    )


def _numbers_of_rank(seed: bytes) -> tuple[int, int]:
    """As the table of traces of the reference: both keep the same sample."""
    digest = hashlib.blake2b(seed, digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")
