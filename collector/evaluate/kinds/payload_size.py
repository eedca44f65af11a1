"""Attributes and log bodies that hold a whole payload: raw bodies by name, or too many bytes.

Why:
    A body in an attribute is stored, indexed and paid for with every span, and it brings along
    whatever the user typed: names, addresses, passwords. Backends cut or drop what is too long,
    so that the span is lost together with what nobody can read anyway.

Bad:
    telemetry:
      - service: shop
        spans: [{attributes: {http.request.body: '{"name": "Ann", "card": "4111"}'}}]

Good:
    telemetry:
      - service: shop
        spans:
          - attributes:
              http.request.body.size: 512
              http.response.body: REDACTED
              db.query.text: SELECT name FROM users WHERE id = ?

Mend:
    Record the size, the type and a few chosen fields. What must be kept for a case at hand
    belongs into storage of its own, with a link to it on the span. Limit the length of
    attributes in the SDK (OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from pydantic import Field

from collector.demand import Demand, any_of
from collector.evaluate.detectors.placeholders import is_placeholder
from collector.evaluate.match import Pattern
from collector.evaluate.names import segments, short
from collector.evaluate.picked import size_of
from collector.evaluate.policy import Judged, Meta, Options, Pick, Policy, Terms
from collector.views import Place, Sighting, Value
from collector.violation import Service, Severity, Signal, Violation

_PLACES = frozenset(
    {
        Place.SPAN_ATTRIBUTE,
        Place.EVENT_ATTRIBUTE,
        Place.LINK_ATTRIBUTE,
        Place.LOG_ATTRIBUTE,
        Place.LOG_BODY,
    }
)

_LONGEST_STAND_IN = 32  # characters; in a longer text something was masked, but not all of it


class PayloadOptions(Options):
    """How long values may be, and which names give a body away."""

    attribute_bytes: int = Field(
        default=4096, ge=1, description="bytes of an attribute's value (ours)"
    )
    log_body_bytes: int = Field(
        default=32_768, ge=1, description="bytes of a log body, or of one text inside it (ours)"
    )
    query_bytes: int = Field(
        default=32_768, ge=1, description="bytes under one of `query_keys` (ours)"
    )
    query_keys: tuple[Pattern, ...] = Field(
        default=("db.query.text", "db.statement", "graphql.document"),
        description="texts of queries, which may be longer, shell-style",
    )
    stacktrace_bytes: int = Field(
        default=65_536, ge=1, description="bytes under one of `stacktrace_keys` (ours)"
    )
    stacktrace_keys: tuple[Pattern, ...] = Field(
        default=("*stacktrace", "*stack_trace", "*.stack", "*thread.dump"),
        description="stack traces, which may be longer, shell-style",
    )
    model_bytes: int = Field(
        default=262_144, ge=1, description="bytes under one of `model_keys` (ours)"
    )
    model_keys: tuple[Pattern, ...] = Field(
        default=("gen_ai.*", "llm.*", "traceloop.*", "input.value", "output.value", "*.prompt"),
        description="what was said to and by a language model, which may be longer, shell-style "
        "(semantic conventions, OpenLLMetry, OpenInference)",
    )
    warn_times: float = Field(
        default=8, ge=1, description="so many times over its bound a value is a warning (ours)"
    )
    body_names: tuple[Pattern, ...] = Field(
        default=(
            "request.body", "response.body", "request.payload", "response.payload",
            "request.body.content", "response.body.content", "request.content",
            "response.content", "message.body", "message.payload", "event.payload", "http.body",
            "http.payload", "raw.body", "raw.payload", "body.raw", "post.data",
            "rpc.request.message", "rpc.response.message",
            "rpc.*.request.message", "rpc.*.response.message",
        ),
        description="last segments of names that hold a raw body, shell-style, with dots between "
        "segments however the name separates them; gen_ai and size, type or the like are none",
    )  # fmt: skip


class _Bound(NamedTuple):
    """Bytes that a value may have, and whether its name says that it is a body."""

    size: int
    body: bool


class _Group(NamedTuple):
    """Sightings that one violation stands for."""

    service: Service
    signal: Signal
    place: Place


class Kind(Policy[PayloadOptions]):
    """Judges each value that is long, or has the name of a body, when it is new."""

    options_type = PayloadOptions
    meta = Meta(
        signals=(Signal.TRACES, Signal.LOGS),
        severities=(Severity.INFO, Severity.WARNING),
        since="0.1.0",
        exempts=frozenset({"key"}),
    )

    def __init__(self, terms: Terms, options: PayloadOptions) -> None:
        super().__init__(terms, options)
        self._bodies = any_of(f"*.{name.lower()}" for name in options.body_names)
        self._longer = tuple(
            (any_of(patterns), size)
            for patterns, size in (
                (options.query_keys, options.query_bytes),
                (options.stacktrace_keys, options.stacktrace_bytes),
                (options.model_keys, options.model_bytes),
            )
        )
        self._shortest = min(
            options.attribute_bytes,
            options.log_body_bytes,
            *(size for expression, size in self._longer if expression is not None),
        )
        self._special = lru_cache(maxsize=16_384)(self._read)
        self._is_body = lru_cache(maxsize=16_384)(lambda key: self._special(key).body)

    def demand(self) -> Demand:
        """Strings of spans, events, links and logs."""
        return Demand(places=_PLACES)

    @property
    def picks(self) -> Pick:
        """Values longer than the least bound, and those with the name of a body."""
        return Pick(self._is_body, self._shortest)

    def suspects(self, judged: Judged) -> bool:
        """Whether it is too much wherever it was seen first."""
        return any(self._fault(judged.value, one.place) for one in judged.value.sightings)

    def on_value(self, judged: Judged, now: float) -> Iterator[Violation]:
        """One violation for each service and place."""
        del now
        value = judged.value
        counts: Counter[_Group] = Counter()
        first: dict[_Group, Sighting] = {}
        for sighting in value.sightings:
            service = sighting.resource.service
            if sighting.place in _PLACES and self.match.service(service):
                group = _Group(service, sighting.signal, sighting.place)
                counts[group] += sighting.items
                first.setdefault(group, sighting)
        for group, count in counts.items():
            fault = self._fault(value, group.place)
            if fault is not None:
                yield self._report(group, value.key, fault, first[group], count)

    def _read(self, key: str) -> _Bound:
        """The bound under a key, 0 for that of the place, and whether it names a body."""
        lower = key.lower()
        size = next((size for one, size in self._longer if one and one.match(lower)), 0)
        parts = segments(key)
        body = self._bodies is not None and self._bodies.match("." + ".".join(parts)) is not None
        return _Bound(size, body and not size)

    def _fault(self, value: Value, place: Place) -> tuple[int, int] | None:
        """Bytes of a value and the bound that it exceeds, 0 for a body; None for neither."""
        if place not in _PLACES:
            return None
        size, (special, body) = size_of(value.text), self._special(value.key)
        if body and not _is_stand_in(value.text):
            return size, 0
        usual = (
            self.options.log_body_bytes if place is Place.LOG_BODY else self.options.attribute_bytes
        )
        bound = special or usual
        return (size, bound) if size > bound else None

    def _report(
        self, group: _Group, key: str, fault: tuple[int, int], seen: Sighting, count: int
    ) -> Violation:
        size, bound = fault
        name = f"{group.place.replace('_', ' ')} {short(key)}".rstrip()
        grave = not bound or size > bound * self.options.warn_times
        text = f"{size} bytes, more than {bound}" if bound else f"a raw body, {size} bytes of it"
        evidence: dict[str, str | int] = {"key": short(key), "place": group.place, "bytes": size}
        if bound:
            evidence["bound"] = bound
        if seen.name:
            evidence["name"] = short(seen.name)
        return self.violation(
            severity=Severity.WARNING if grave else Severity.INFO,
            signal=group.signal,
            service=group.service,
            subject=name,
            summary=f"{name} holds {text}",
            count=count,
            trace_id=seen.trace_id,
            evidence=evidence,
        )


def _is_stand_in(text: str) -> bool:
    """Whether a text says that a body was left out."""
    return len(text) <= _LONGEST_STAND_IN and is_placeholder(text)
