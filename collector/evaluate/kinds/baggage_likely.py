"""A secret or personal datum that several services of one trace show alike: likely baggage.

Why:
    A BaggageSpanProcessor copies the members of baggage to the attributes of every span, without
    a prefix. When two services of a trace show the same sensitive value under the same key, it
    most likely came with the request: in a header that also goes to every other service and third
    party that is called.

Bad:
    telemetry:
      - service: shop
        spans: [{trace: a, id: "1", attributes: {user.email: ann@shop.example}}]
      - service: cart
        spans: [{trace: a, id: "2", parent: "1", attributes: {user.email: ann@shop.example}}]

Good:
    telemetry:
      - service: shop
        spans: [{trace: a, id: "1", attributes: {user.email: ann@shop.example}}]
      - service: cart
        spans: [{trace: a, id: "2", parent: "1", attributes: {user.tier: gold}}]

Mend:
    Take the member out of baggage where it is set, and let the span processor copy named members
    only. Where each service sets the attribute itself, it is no baggage; the datum stands in
    telemetry all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pydantic import Field

from collector.demand import Demand, any_of
from collector.evaluate.detectors.chosen import DetectorNames
from collector.evaluate.match import Pattern
from collector.evaluate.names import short
from collector.evaluate.policy import Hit, Judged, Meta, Options, Policy, Terms
from collector.generations import Generations
from collector.views import Place, Sighting
from collector.violation import Basis, Service, Severity, Signal, Violation

#: Services of one trace that are told apart; further ones are reported no more.
_MOST_SERVICES = 16


class LikelyOptions(Options):
    """What counts as the same, and for how long it is remembered."""

    exclude_keys: tuple[Pattern, ...] = Field(
        default=(
            "http.*", "url.*", "rpc.*", "grpc.*", "graphql.*", "db.*", "messaging.*", "net.*",
            "network.*", "server.*", "client.*", "peer.*", "source.*", "destination.*", "aws.*",
            "azure.*", "gcp.*", "cloud.*", "faas.*", "gen_ai.*", "llm.*", "exception.*", "error.*",
            "code.*", "thread.*", "process.*", "otel.*", "tls.*", "user_agent.*",
        ),
        description="attributes that describe a call, which both its ends see, shell-style "
        "(namespaces of the semantic conventions)",
    )  # fmt: skip
    exclude_detectors: DetectorNames = Field(
        default=(), description="names of detectors that do not count"
    )
    wait_seconds: float = Field(
        default=30,
        gt=0,
        description="how long the services of a trace are waited for (the decision wait of the "
        "Collector's tail sampling)",
    )
    max_remembered: int = Field(
        default=50_000, ge=2, description="values of traces remembered at most, 200 bytes each"
    )


class _Shown(NamedTuple):
    """Which services showed a value in a trace, the first of them first, and since when."""

    since: float
    services: tuple[Service, ...]


class Kind(Policy[LikelyOptions]):
    """Remembers who showed a sensitive value in a trace, and reports whoever shows it next."""

    options_type = LikelyOptions
    meta = Meta(
        signals=(Signal.TRACES,),
        severities=tuple(Severity),
        since="0.1.0",
        exempts=frozenset({"detector", "key", "fingerprint"}),
    )

    def __init__(self, terms: Terms, options: LikelyOptions) -> None:
        super().__init__(terms, options)
        self._excluded = any_of(options.exclude_keys)
        self._ignored = frozenset(options.exclude_detectors)
        # Hashes alone, so that no value outlives its request; keyed per process by Python.
        self._shown: Generations[int, _Shown] = Generations(options.max_remembered)
        self._turned = 0
        self._turn_at = float("-inf")

    def demand(self) -> Demand:
        """Attributes of spans."""
        return Demand(places=frozenset({Place.SPAN_ATTRIBUTE}))

    @property
    def detects(self) -> bool:
        """Nothing but what the detectors find."""
        return True

    def overflow(self) -> int:
        """How often the bound made it forget traces that were still waited for."""
        return self._shown.turns - self._turned

    def suspects(self, judged: Judged) -> bool:
        """Whether another service may yet show it."""
        places = (sighting.place for sighting in judged.value.sightings)
        return Place.SPAN_ATTRIBUTE in places and bool(self._finds(judged))

    def on_value(self, judged: Judged, now: float) -> Iterator[Violation]:
        """Compare with what was shown of its trace before."""
        finds = self._finds(judged)
        if not finds:
            return
        value = judged.value
        for sighting in value.sightings:
            if sighting.place is not Place.SPAN_ATTRIBUTE or not sighting.trace_id:
                continue
            if not self.match.service(sighting.resource.service):
                continue
            first = self._before(hash((sighting.trace_id, value.key, value.text)), sighting, now)
            if first is not None:
                for hit in finds:
                    yield self._report(value.key, hit.aged(now), sighting, first)

    def close(self, now: float, watermark: float, *, final: bool) -> Iterator[Violation]:
        """Forget what nobody waits for any more."""
        del watermark, final
        if now >= self._turn_at:
            self._turn_at = now + self.options.wait_seconds
            if len(self._shown):
                self._shown.turn()
                self._turned += 1
        return iter(())

    def _finds(self, judged: Judged) -> list[Hit]:
        """What counts, once for each detector."""
        if self._excluded is not None and self._excluded.match(judged.value.key):
            return []
        hits = {hit.detector: hit for hit in judged.hits if not (hit.baggage or hit.opt_in)}
        return [hit for name, hit in hits.items() if name not in self._ignored]

    def _before(self, key: int, sighting: Sighting, now: float) -> Service | None:
        """Who showed the value before this service did, if it is the first time that it does."""
        service = sighting.resource.service
        shown = self._shown.get(key)
        if shown is None or now - shown.since > self.options.wait_seconds:
            self._shown[key] = _Shown(now, (service,))
            return None
        if service in shown.services or len(shown.services) >= _MOST_SERVICES:
            return None
        self._shown[key] = shown._replace(services=(*shown.services, service))
        return shown.services[0]

    def _report(self, key: str, hit: Hit, sighting: Sighting, first: Service) -> Violation:
        name = short(key)
        return self.violation(
            severity=hit.severity,
            signal=Signal.TRACES,
            service=sighting.resource.service,
            subject=f"likely baggage member {name} ({hit.detector})",
            basis=Basis.INFERRED,
            summary=f"{hit.detector} found in {name}, and the same value in {short(first.name)} "
            "within one trace: likely baggage",
            trace_id=sighting.trace_id,
            evidence={
                "detector": hit.detector,
                "key": name,
                "also_in": short(first.name),
                "preview": hit.preview,
                "fingerprint": hit.fingerprint,
            },
        )
