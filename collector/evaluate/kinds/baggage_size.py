"""Baggage that is larger than propagators must pass on: too many members, or too many bytes.

Why:
    W3C Baggage obliges nobody to pass on more than 64 members or 8192 bytes. Beyond that a
    propagator may drop members, whichever it likes, and a proxy or server may refuse the request
    for the size of its headers. All of it is sent again with every call that is made from there on.

Bad:
    options: {max_members: 2}
    telemetry:
      - service: shop
        spans:
          - {kind: server, attributes: {http.request.header.baggage: ["tier=gold,region=eu,a=b"]}}

Good:
    options: {max_members: 2}
    telemetry:
      - service: shop
        spans:
          - {kind: server, attributes: {http.request.header.baggage: ["tier=gold,region=eu;ttl=1"]}}

Mend:
    Keep in baggage only what services further down read, as short as they can read it. Look for
    a library that adds members at every hop, and remove them before calls that need none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from pydantic import Field

from collector.demand import Demand, KeyMatch, RowSelection
from collector.evaluate.detectors.names import read
from collector.evaluate.names import short
from collector.evaluate.picked import size_of
from collector.evaluate.policy import Judged, Meta, Options, Pick, Policy, Terms
from collector.semconv import BAGGAGE_HEADERS, AttributeValue
from collector.views import Place, Row, Shape, ShapeCount
from collector.violation import Basis, Service, Severity, Signal, Violation

_PREFIX = "baggage."
_PLACES = frozenset({Place.SPAN_ATTRIBUTE, Place.LOG_ATTRIBUTE})


class BaggageSizeOptions(Options):
    """How large baggage may be."""

    max_members: int = Field(
        default=64, ge=1, description="members that every propagator passes on (W3C Baggage)"
    )
    max_bytes: int = Field(
        default=8192, ge=1, description="bytes that every propagator passes on (W3C Baggage)"
    )
    add_up_headers: bool = Field(
        default=False,
        description="also add up several baggage headers of one request, which are several items "
        "of one array; costs about 20 us for each span that captures the header",
    )


class Kind(Policy[BaggageSizeOptions]):
    """Judges each captured header when it is new, and `baggage.*` attributes by their names."""

    options_type = BaggageSizeOptions
    meta = Meta(signals=(Signal.TRACES, Signal.LOGS), severities=(Severity.WARNING,), since="0.1.0")

    def __init__(self, terms: Terms, options: BaggageSizeOptions) -> None:
        super().__init__(terms, options)
        self._attributes = lru_cache(maxsize=1024)(self._by_names)

    def demand(self) -> Demand:
        """New headers, names of span attributes; rows only to add up several headers."""
        header = KeyMatch(BAGGAGE_HEADERS, ("*",))
        rows = (RowSelection(Signal.TRACES, (header,)),) if self.options.add_up_headers else ()
        return Demand(places=_PLACES, shapes=frozenset({Signal.TRACES}), rows=rows)

    @property
    def picks(self) -> Pick:
        """Captured headers alone."""
        return Pick(_is_header)

    def suspects(self, judged: Judged) -> bool:
        """Whether it is a header that is too large."""
        return _is_header(judged.value.key) and bool(self._excess([judged.value.text]))

    def on_value(self, judged: Judged, now: float) -> Iterator[Violation]:
        """Judge a header by itself; it is one item of an array."""
        del now
        value = judged.value
        excess = self._excess([value.text])
        if not excess:
            return
        counts: Counter[tuple[Service, Signal]] = Counter()
        traces: dict[tuple[Service, Signal], str] = {}
        for sighting in value.sightings:
            who = sighting.resource.service, sighting.signal
            if sighting.place in _PLACES and self.match.service(who[0]):
                counts[who] += sighting.items
                traces.setdefault(who, sighting.trace_id)
        for (service, signal), count in counts.items():
            yield self._report(
                service, signal, value.key, excess, count=count, trace_id=traces[service, signal]
            )

    def on_row(self, row: Row, now: float) -> Iterator[Violation]:
        """Judge several headers of one request together, unless one of them is too large alone."""
        del now
        for key in BAGGAGE_HEADERS:
            headers = _several(row.attributes.get(key))
            alone = any(self._excess([header]) for header in headers)
            excess = {} if alone or not headers else self._excess(headers)
            if excess:
                yield self._report(
                    row.resource.service, row.signal, key, excess, trace_id=row.trace_id
                )

    def interest(self, shape: Shape) -> bool:
        """Spans whose `baggage.*` attributes are too many."""
        return bool(self._attributes(shape.keys))

    def on_shape(self, count: ShapeCount, now: float) -> Iterator[Violation]:
        """Report `baggage.*` attributes: their number, and the least that they would take."""
        del now
        excess = self._attributes(count.shape.keys)
        if excess:
            yield self._report(
                count.shape.resource.service,
                Signal.TRACES,
                "",
                excess,
                count=count.items,
                trace_id=count.trace_id,
            )

    def _by_names(self, keys: frozenset[str]) -> dict[str, int]:
        """What is too much of `baggage.*` attributes, of whose values nothing is known."""
        names = [key[len(_PREFIX) :] for key in keys if key.startswith(_PREFIX)]
        least = sum(size_of(name) + len("=,") for name in names) - 1
        return self._over(len(names), least)

    def _excess(self, headers: list[str]) -> dict[str, int]:
        """What is too much of headers, which count as one when they are joined by commas."""
        size = sum(map(size_of, headers)) + len(headers) - 1
        commas = sum(header.count(",") for header in headers) + len(headers) - 1
        if size <= self.options.max_bytes and commas < self.options.max_members:
            return {}
        members = sum(1 for header in headers for one in header.split(",") if one.strip())
        return self._over(members, size)

    def _over(self, members: int, size: int) -> dict[str, int]:
        over = members > self.options.max_members or size > self.options.max_bytes
        return {"members": members, "bytes": size} if over else {}

    def _report(
        self,
        service: Service,
        signal: Signal,
        key: str,
        excess: dict[str, int],
        *,
        count: int = 1,
        trace_id: str = "",
    ) -> Violation:
        where = f"baggage in {short(key)}" if key else "baggage in baggage.* attributes"
        least = "" if key else "at least "
        return self.violation(
            severity=Severity.WARNING,
            signal=signal,
            service=service,
            subject=where,
            basis=Basis.OBSERVED if key else Basis.INFERRED,
            summary=f"{where} has {excess['members']} members in {least}{excess['bytes']} bytes, "
            f"more than {self.options.max_members} members or {self.options.max_bytes} bytes",
            count=count,
            trace_id=trace_id,
            evidence={
                **excess,
                "max_members": self.options.max_members,
                "max_bytes": self.options.max_bytes,
            },
        )


def _is_header(key: str) -> bool:
    return read(key).members


def _several(value: AttributeValue) -> list[str]:
    """The headers in an array of more than one; a single one is judged by itself."""
    if not isinstance(value, tuple) or len(value) == 1:
        return []
    return [one for one in value if isinstance(one, str)]
