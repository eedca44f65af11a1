"""What the scanner is told once: what is demanded, in its own numbers, and the bounds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from collector import classify, semconv
from collector.decode.limits import Limits
from collector.demand import Demand
from collector.views import Flag, Mark, Place, TallyKind
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
_ROW = 2048
_NEVER, _WITH_KEY, _ALWAYS = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Setup:
    """What the scanner is told once."""

    secret: tuple[int, ...]
    rank: tuple[int, int]
    roles: dict[str, int]
    shapes: tuple[bool, ...]
    rows: tuple[int, ...]
    places: tuple[bool, ...]
    marks: Mark
    orphans: Flag
    tallies: frozenset[TallyKind]
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
    max_new_profiles: int
    max_values_at_once: int


def _numbers(seed: bytes, purpose: bytes, count: int) -> tuple[int, ...]:
    digest = hashlib.blake2b(seed, digest_size=8 * count, person=purpose).digest()
    return tuple(int.from_bytes(digest[at : at + 8], "little") for at in range(0, 8 * count, 8))


def _roles(demand: Demand) -> dict[str, int]:
    """What the scanner does with the attributes that someone asks for."""
    roles: dict[str, int] = dict.fromkeys(classify.CALL_KEYS | demand.trace_keys, _CALL)
    for key in classify.PEER_KEYS - demand.trace_keys:
        roles[key] = _PEER
    for name in ("url.template", "http.route"):
        roles[name] |= _ROUTE
    roles["http.route"] |= _SERVER_ROUTE
    for (name, current), role in _TARGETS.items():
        for spelling in semconv.family(name):
            if (spelling == name) is current:
                roles[spelling] = roles.get(spelling, 0) | role
    for selection in demand.rows:
        for match in selection.where:
            for key in match.keys:
                roles[key] = roles.get(key, 0) | _ROW
    return roles


def _row_use(demand: Demand, signal: Signal) -> int:
    """When an item may match a selection: never, with one of the keys, always."""
    mine = [selection for selection in demand.rows if selection.signal is signal]
    if not mine:
        return _NEVER
    return _WITH_KEY if all(selection.where for selection in mine) else _ALWAYS


def setup_of(demand: Demand, limits: Limits, seed: bytes) -> Setup:
    """The setup of a scanner.

    Args:
        demand: what it hands over.
        limits: bounds.
        seed: of its secrets; at most 64 bytes.
    """
    low, high = _numbers_of_rank(seed)
    return Setup(
        secret=_numbers(seed, b"hash", 4),
        rank=(low, high),
        roles=_roles(demand),
        shapes=tuple(signal in demand.shapes for signal in SIGNALS),
        rows=tuple(_row_use(demand, signal) for signal in SIGNALS),
        places=tuple(place in demand.places for place in Place),
        marks=demand.marks,
        orphans=demand.orphans,
        tallies=demand.tallies,
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
        max_new_profiles=limits.max_new_profiles,
        max_values_at_once=limits.max_values_at_once,
    )


def _numbers_of_rank(seed: bytes) -> tuple[int, int]:
    """As the table of traces of the reference: both keep the same sample."""
    digest = hashlib.blake2b(seed, digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")
