"""Spans, logs or metrics that lack an attribute which their owners say they must carry.

Why:
    Telemetry answers only questions about what it carries. A log without request id, a
    server span without route or an operator's action without actor is noticed when it is
    needed, months after it was written.

Bad:
    options: {signal: logs, require: [request.id, [tenant.id, tenant.class]]}
    telemetry:
      - service: shop
        logs: [{body: order stored, attributes: {request.id: r1}}]

Good:
    options: {signal: logs, require: [request.id, [tenant.id, tenant.class]]}
    telemetry:
      - service: shop
        logs: [{body: order stored, attributes: {request_id: r1, tenantClass: gold}}]

Mend:
    Set the attribute where the work begins (middleware, consumer loop) and let the logger and
    the span processor copy it, so that no call site has to remember it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import Field

from collector.classify import SpanKind
from collector.demand import Demand, RowSelection
from collector.evaluate.names import spelled
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.views import Flag, Resource, Row, Shape, ShapeCount
from collector.violation import Signal, Violation

_SEVERITY = {"any": 0, "trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17, "fatal": 21}
_SIGNALS = {"spans": Signal.TRACES, "logs": Signal.LOGS, "metrics": Signal.METRICS}

Name = Annotated[str, Field(min_length=1, max_length=256)]


class RequiredOptions(Options):
    """What must be there."""

    signal: Literal["spans", "logs", "metrics"] = Field(
        default="spans", description="which items are judged"
    )
    require: tuple[Name | tuple[Name, ...], ...] = Field(
        default=("service.name",),
        min_length=1,
        description="attributes that must be present; a list within the list means any of these. "
        "Separators and case do not matter; trace_id and span_id mean the item's own ids",
    )
    when: tuple[Name, ...] = Field(
        default=(),
        description="judge only items that carry one of these attributes themselves, spelled in "
        "any way; empty for all",
    )
    resource_counts: bool = Field(
        default=True, description="an attribute of the resource satisfies the requirement"
    )
    min_severity: Literal["any", "trace", "debug", "info", "warn", "error", "fatal"] = Field(
        default="any", description="log records below are not judged"
    )


class Kind(Policy[RequiredOptions]):
    """Judges each distinct set of keys once, and counts the items that have it."""

    options_type = RequiredOptions
    meta = Meta(
        signals=(Signal.TRACES, Signal.LOGS, Signal.METRICS),
        severities=(),
        since="0.1.0",
        selectors=frozenset({"metrics", "span_kinds", "names", "attributes"}),
    )

    def __init__(self, terms: Terms, options: RequiredOptions) -> None:
        super().__init__(terms, options)
        self._signal = _SIGNALS[options.signal]
        self._lowest = _SEVERITY[options.min_severity]
        self._groups = tuple(
            (" or ".join(names), frozenset(map(spelled, names)))
            for names in ((one,) if isinstance(one, str) else one for one in options.require)
        )
        self._when = frozenset(map(spelled, options.when))
        self._lacking = lru_cache(maxsize=4096)(self._compare)
        self._lacking_of = lru_cache(maxsize=1024)(self._judge)
        self._by_row = bool(terms.select.attributes or terms.select.names)

    def demand(self) -> Demand:
        """Shapes; rows when the selector reads values or names."""
        if not self._by_row:
            return Demand(shapes=frozenset({self._signal}))
        selection = RowSelection(
            self._signal,
            self.match.where,
            kinds=self.match.kinds,
            min_severity=self._lowest,
        )
        return Demand(rows=(selection,))

    def interest(self, shape: Shape) -> bool:
        """Shapes that lack something, which are few."""
        return bool(self._lacking_of(shape))

    def on_shape(self, count: ShapeCount, now: float) -> Iterable[Violation]:
        """Judge a set of keys."""
        del now
        shape = count.shape
        return [
            self._report(missing, shape.resource, shape.kind, count.items, count.trace_id)
            for missing in self._lacking_of(shape)
        ]

    def on_row(self, row: Row, now: float) -> Iterator[Violation]:
        """Judge an item that the selector picked by a value or its name."""
        del now
        if not self.match.span(row.kind, row.name):
            return
        ids = frozenset({"traceid"}) if row.trace_id else frozenset()
        for missing in self._lacking(row.keys, ids, row.resource.keys):
            yield self._report(missing, row.resource, row.kind, 1, row.trace_id)

    def _judge(self, shape: Shape) -> tuple[str, ...]:
        """The requirements that a shape does not meet; none where they do not apply."""
        if self._by_row or shape.signal is not self._signal or shape.severity < self._lowest:
            return ()
        if not self.match.span(shape.kind, "") or not self.match.metric(shape.name):
            return ()
        return self._lacking(shape.keys, _present_ids(shape.flags), shape.resource.keys)

    def _compare(
        self, keys: frozenset[str], ids: frozenset[str], of_resource: frozenset[str]
    ) -> tuple[str, ...]:
        """The requirements that are not met; none where the item is not meant."""
        present = {spelled(key) for key in keys} | ids
        if self._when and self._when.isdisjoint(present):
            return ()
        if self.options.resource_counts:
            present |= {spelled(key) for key in of_resource}
        return tuple(text for text, names in self._groups if names.isdisjoint(present))

    def _report(
        self, missing: str, resource: Resource, kind: SpanKind, items: int, trace_id: str
    ) -> Violation:
        what = f"{kind.name.lower()} spans" if kind else self.options.signal
        return self.violation(
            severity=self.terms.severity,
            signal=self._signal,
            service=resource.service,
            subject=f"{what}: {missing}",
            summary=f"{what} lack {missing}",
            count=items,
            trace_id=trace_id,
            evidence={"missing": missing, "judged": what},
        )


def _present_ids(flags: Flag) -> frozenset[str]:
    pairs: Iterable[tuple[Flag, str]] = ((Flag.TRACE_ID, "traceid"), (Flag.SPAN_ID, "spanid"))
    return frozenset(name for flag, name in pairs if flags & flag)
