"""What the attributes of a span say: what it shares with many others, and what it does not."""

from __future__ import annotations

from typing import Any, NamedTuple

from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from collector import classify, outcomes, semconv
from collector.classify import (
    CALL_KEYS,
    NO_TARGET,
    PEER_KEYS,
    TARGET_KEYS,
    Attempts,
    SpanKind,
    Target,
    is_parameter,
)
from collector.decode.anyvalue import bounded, plain
from collector.demand import Demand
from collector.details import DetailKeys, Details, detail_keys, details
from collector.routes import probe_route
from collector.selection import Selected
from collector.semconv import Attributes
from collector.statements import CACHES, NO_STATEMENT, Statement, Verb, removes, statement
from collector.views import Span

_OUTGOING = frozenset({SpanKind.CLIENT, SpanKind.PRODUCER})
_OPERATIONS = frozenset({SpanKind.SERVER, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER})


class Facts(NamedTuple):
    """What a profile says that no policy sees.

    Attributes:
        selected: whether it matches one of `Demand.selected`.
        cache_read: whether it is a read of a cache.
        cache_answer: whether it tells if the cache had what was asked for.
        effect: whether it changes data or publishes a message.
        removes: whether the change is a removal, which does nothing the second time.
        publish: whether it publishes a message.
        outbox: whether it writes to an outbox, from which messages are sent later.
        gave_up: whether it timed out, or was cancelled.
    """

    selected: bool = False
    cache_read: bool = False
    cache_answer: bool = False
    effect: bool = False
    removes: bool = False
    publish: bool = False
    outbox: bool = False
    gave_up: bool = False


NO_FACTS = Facts()


class Record(NamedTuple):
    """A span that waits for its trace.

    Attributes:
        span: as it may be shown.
        facts: of its profile.
    """

    span: Span
    facts: Facts


class Profile(NamedTuple):
    """What a span shares with many others; the fields are those of `collector.views.Span`."""

    name: str
    kind: SpanKind
    status: int
    attributes: Attributes
    peer: str
    operation: str
    failed: bool
    route: str
    attempts: Attempts
    statement: Statement
    facts: Facts

    def shown(self) -> dict[str, Any]:
        """The fields that a `Span` shows."""
        fields = self._asdict()
        del fields["facts"]
        return fields


class Profiler:
    """Reads the attributes of spans.

    Args:
        demand: what is kept, and what spans are selected by.
    """

    def __init__(self, demand: Demand) -> None:
        self._selected = Selected(demand.selected)
        self._cache_keys = demand.cache_keys
        self._routes = demand.probe_routes
        self._kept = CALL_KEYS | demand.trace_keys | demand.cache_keys | self._selected.keys
        self._details = detail_keys(
            demand.identity_keys, demand.tenant_keys, demand.fingerprint_keys
        )
        self._read = self._kept | TARGET_KEYS | self._details.all

    @property
    def kept(self) -> frozenset[str]:
        """Attributes that a profile holds."""
        return self._kept

    @property
    def detail_keys(self) -> DetailKeys:
        """Attributes of which details are made."""
        return self._details

    def read(self, span: SpanMessage) -> tuple[Profile, Target, Details]:
        """What a span shares with others, what tells its call from theirs, and its details."""
        kind = SpanKind.of(span.kind)
        attributes = {
            pair.key: plain(pair.value)
            for pair in span.attributes
            if pair.key in self._read or is_parameter(pair.key)
        }
        target = classify.target(attributes) if kind in _OUTGOING else NO_TARGET
        told = details(kind, attributes, self._details)
        return self.profile(span, kind, attributes), target, told

    def profile(self, span: SpanMessage, kind: SpanKind, attributes: Attributes) -> Profile:
        """What a span shares with others, by its attributes."""
        name = span.name
        operation = bounded(classify.operation(name, attributes)) if kind in _OPERATIONS else ""
        route = probe_route(kind, attributes, operation)
        server = kind is SpanKind.SERVER
        # A SERVER span tells of its clients under these names.
        wanted = self._kept - PEER_KEYS if server else self._kept
        kept = {key: value for key, value in attributes.items() if key in wanted}
        failed = classify.failed(attributes)
        said = NO_STATEMENT if server else statement(name, attributes)
        publish = classify.publishes(kind, attributes)
        done = said.text or semconv.text(attributes, "db.operation.name") or name
        return Profile(
            name=bounded(name),
            kind=kind,
            status=span.status.code,
            attributes=kept,
            peer="" if server else bounded(classify.peer(attributes)),
            operation=operation,
            failed=failed,
            route=route if route in self._routes else "",
            attempts=classify.attempts(attributes),
            statement=said,
            facts=Facts(
                selected=self._selected.takes(kind, span.status.code, kept, failed=failed),
                cache_read=said.verb is Verb.READ and said.system in CACHES,
                cache_answer=not self._cache_keys.isdisjoint(kept),
                effect=publish or said.effect,
                removes=not publish and said.effect and removes(done),
                publish=publish,
                outbox="outbox" in said.table.lower(),
                gave_up=outcomes.gave_up(kept),
            ),
        )
