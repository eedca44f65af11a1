"""A secret or a personal datum stands in telemetry.

Why:
    Telemetry is copied to many systems, kept for long and read by many people. A token in an
    attribute can be used by all of them; baggage is worse, because it is also sent on to every
    service that is called, the outside ones included.
Bad:
    telemetry:
      - service: shop
        spans:
          - trace: a
            id: "1"
            name: GET /cart
            attributes:
              http.request.header.baggage: ["user.email=ann%40shop.example,region=eu"]
Good:
    telemetry:
      - service: shop
        spans:
          - trace: a
            id: "1"
            name: GET /cart
            attributes:
              http.request.header.baggage: ["user.tier=gold,region=eu"]
              http.request.header.authorization: ["REDACTED"]
Mend:
    Take the value out where it is recorded: do not capture the header, do not put it into
    baggage, redact the parameter. Then replace the secret, for it has been seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from pydantic import Field

from collector.demand import Demand, any_of
from collector.evaluate.detectors.chosen import DetectorNames, OptInNames
from collector.evaluate.detectors.table import OPT_IN_NAMES
from collector.evaluate.match import Pattern
from collector.evaluate.names import short
from collector.evaluate.policy import Hit, Judged, Meta, Options, Policy, Terms
from collector.views import Place, Sighting
from collector.violation import Service, Severity, Signal, Violation

Where = Literal[
    "baggage",
    "span_attribute",
    "span_name",
    "span_status",
    "trace_state",
    "event",
    "link",
    "log_body",
    "log_attribute",
    "metric_label",
    "metric_text",
    "resource_attribute",
    "scope_attribute",
    "messaging_header",
]

_CARRIERS = frozenset(
    {Place.SPAN_ATTRIBUTE, Place.EVENT_ATTRIBUTE, Place.LINK_ATTRIBUTE, Place.LOG_ATTRIBUTE}
)
_PLACES: dict[str, frozenset[Place]] = {
    "baggage": _CARRIERS,
    "messaging_header": _CARRIERS,
    "span_attribute": frozenset({Place.SPAN_ATTRIBUTE}),
    "span_name": frozenset({Place.SPAN_NAME}),
    "span_status": frozenset({Place.SPAN_STATUS}),
    "trace_state": frozenset({Place.TRACE_STATE}),
    "event": frozenset({Place.EVENT_NAME, Place.EVENT_ATTRIBUTE}),
    "link": frozenset({Place.LINK_ATTRIBUTE}),
    "log_body": frozenset({Place.LOG_BODY}),
    "log_attribute": frozenset({Place.LOG_ATTRIBUTE}),
    "metric_label": frozenset({Place.METRIC_LABEL}),
    "metric_text": frozenset({Place.METRIC_TEXT}),
    "resource_attribute": frozenset({Place.RESOURCE_ATTRIBUTE}),
    "scope_attribute": frozenset({Place.SCOPE_ATTRIBUTE}),
}
_BY_PLACE = {
    place: where
    for where, places in _PLACES.items()
    if where not in {"baggage", "messaging_header"}
    for place in places
}
_ALL: tuple[Where, ...] = tuple(_PLACES)  # type: ignore[arg-type] # the same names, see the tests


class SensitiveOptions(Options):
    """Where to look and for what."""

    where: tuple[Where, ...] = Field(
        default=_ALL, min_length=1, description="places that are looked at; default all"
    )
    detectors: DetectorNames = Field(
        default=(),
        description="names of the detectors that count; empty for all that are always on",
    )
    also: OptInNames = Field(default=(), description="names of opt-in detectors that count as well")
    exclude_detectors: DetectorNames = Field(
        default=(), description="names of detectors that do not count"
    )
    exclude_keys: tuple[Pattern, ...] = Field(
        default=(), description="attribute keys or baggage members that are left out, shell-style"
    )
    min_severity: Literal["info", "warning", "critical"] = Field(
        default="info", description="lowest severity of a detector that counts"
    )


class _Group(NamedTuple):
    """Sightings that one violation stands for."""

    service: Service
    signal: Signal
    where: str
    detector: str
    subject: str
    fingerprint: str


class Kind(Policy[SensitiveOptions]):
    """Reports what the detectors find, by service, place, key and detector."""

    options_type = SensitiveOptions
    meta = Meta(
        signals=tuple(Signal),
        severities=tuple(Severity),
        since="0.1.0",
        exempts=frozenset({"detector", "key", "member", "fingerprint"}),
    )

    def __init__(self, terms: Terms, options: SensitiveOptions) -> None:
        super().__init__(terms, options)
        self._wanted = frozenset(options.detectors)
        named = self._wanted.intersection(OPT_IN_NAMES).union(options.also)
        self._opted = named.difference(options.exclude_detectors)
        self._unwanted = frozenset(options.exclude_detectors)
        self._where = frozenset(options.where)
        self._excluded = any_of(options.exclude_keys)
        self._least = Severity.parse(options.min_severity)

    def demand(self) -> Demand:
        """Strings in all places that are looked at."""
        return Demand(places=frozenset().union(*(_PLACES[where] for where in self._where)))

    @property
    def detects(self) -> bool:
        """Nothing else does the judging here."""
        return True

    @property
    def opted(self) -> frozenset[str]:
        """Those that its options name."""
        return self._opted

    def suspects(self, judged: Judged) -> bool:
        """Whether a find counts, wherever the value may stand."""
        return any(self._counts(judged.value.key, hit) for hit in judged.hits)

    def on_value(self, judged: Judged, now: float) -> Iterator[Violation]:
        """One violation for each service, place, key, detector and secret."""
        key = judged.value.key
        groups: dict[_Group, tuple[Hit, Sighting, int]] = {}
        for one in judged.hits:
            hit = one.aged(now)
            if not self._counts(key, hit):
                continue
            for group, sighting in self._seen(key, hit, judged.value.sightings):
                first, example, count = groups.get(group, (hit, sighting, 0))
                items = sighting.items if hit is first else 0
                groups[group] = (first, example, count + items)
        for group, (hit, sighting, count) in groups.items():
            yield self._report(group, key, hit, sighting, count)

    def _counts(self, key: str, hit: Hit) -> bool:
        excluded = self._excluded is not None and (
            self._excluded.match(key) or (hit.baggage and self._excluded.match(hit.within))
        )
        if hit.opt_in:
            wanted = hit.detector in self._opted
        else:
            named = not self._wanted or hit.detector in self._wanted
            wanted = named and hit.detector not in self._unwanted
        return wanted and not excluded and hit.severity >= self._least

    def _seen(
        self, key: str, hit: Hit, sightings: Sequence[Sighting]
    ) -> Iterator[tuple[_Group, Sighting]]:
        for sighting in sightings:
            where = _where(key, hit, sighting.place)
            service = sighting.resource.service
            if where in self._where and self.match.service(service):
                subject = _subject(where, key, hit, sighting)
                group = _Group(
                    service, sighting.signal, where, hit.detector, subject, hit.fingerprint
                )
                yield group, sighting

    def _report(
        self, group: _Group, key: str, hit: Hit, sighting: Sighting, count: int
    ) -> Violation:
        place = group.where.replace("_", " ")
        expired = hit.expires is not None and hit.severity is Severity.INFO
        evidence = {
            "detector": hit.detector,
            "place": group.where,
            "key": short(key),
            "member": short(hit.within),
            "preview": hit.preview,
            "fingerprint": hit.fingerprint,
            "expired": "yes" if expired else "",
            "name": short(sighting.name),
        }
        return self.violation(
            severity=hit.severity,
            signal=group.signal,
            service=group.service,
            subject=group.subject,
            summary=f"{hit.detector} found in {place}{', expired' if expired else ''}",
            count=count,
            trace_id=sighting.trace_id,
            evidence={name: value for name, value in evidence.items() if value},
        )


def _where(key: str, hit: Hit, place: Place) -> str:
    if hit.baggage and place in _CARRIERS:
        return "baggage"
    if place in _CARRIERS and key.startswith("messaging.") and "header" in key:
        return "messaging_header"
    return _BY_PLACE[place]


def _subject(where: str, key: str, hit: Hit, sighting: Sighting) -> str:
    """What a person would change: the place, its key, and what must not stand there."""
    place = where.replace("_", " ")
    shown = short(key)
    if where == "baggage":
        member = f" member {short(hit.within)}" if hit.within else ""
        return f"{place}{member} in {shown} ({hit.detector})"
    name = f"{place} {shown}".rstrip()
    if where in {"metric_label", "metric_text"} and sighting.name:
        return f"{name} of {short(sighting.name)} ({hit.detector})"
    return f"{name} ({hit.detector})"
