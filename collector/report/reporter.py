"""Takes violations from the pipeline, and shows them in every form that was asked for."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from threading import Lock

import msgspec

from collector import __version__, telemetry
from collector.evaluate.engine import Engine
from collector.evaluate.failures import DETECTORS, PICKS, SCRUBBER
from collector.evaluate.policy import Reading
from collector.forward.forwarder import Forwarder
from collector.ledger import Ledger
from collector.pipeline import DECODER, Pipeline
from collector.reload import Attempts
from collector.report.collapse import Finding, Findings, finding_of
from collector.report.feedback import Feedback
from collector.report.jsonlog import JsonLines
from collector.report.store import Family, MetricStore
from collector.telemetry import Metric
from collector.views import Batch
from collector.violation import Violation

#: Gauges that policies give, by the name under which they give them.
_READINGS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (telemetry.RETRY_RATIO, telemetry.LABEL_VALUES, telemetry.LABEL_LIMIT)
}


class Reporter:
    """The pipeline's sink: metrics, findings, and their file.

    Args:
        store: counts violations.
        findings: folds them.
        lines: writes findings; None writes none.
        top: samples shown of each gauge that policies give.
        feedback: tells findings to those who caused them; None tells nobody.
    """

    def __init__(
        self,
        store: MetricStore,
        findings: Findings,
        lines: JsonLines | None,
        top: int = 20,
        feedback: Feedback | None = None,
    ) -> None:
        self._feedback = feedback
        self.store = store
        self._lock = Lock()
        self._findings = findings
        self._lines = lines
        self._top = top
        self._dropped = 0
        store.ask(self._families)

    def violations(self, found: list[Violation], now: float) -> None:
        """Count and fold violations."""
        self.store.violations(found, now)
        with self._lock:
            for one in found:
                finding = self._findings.add(one, now)
                if finding is not None:
                    self._opened(finding, one)

    def _opened(self, finding: Finding, violation: Violation) -> None:
        """A finding is new, or has escalated."""
        if finding.count == violation.count and self._lines:
            self._lines.write(finding)
        if self._feedback is not None:
            self._feedback.add(finding)

    def batch(self, batch: Batch, now: float) -> None:
        """Count what a batch says about itself."""
        self.store.batch(batch, now)

    def tick(self, now: float) -> None:
        """Close findings whose time has passed."""
        with self._lock:
            for finding in self._findings.close(now):
                if self._feedback is not None:
                    self._feedback.forget(finding)
                if self._lines:
                    self._lines.write(finding)

    def findings(self) -> list[Finding]:
        """The findings that are open."""
        with self._lock:
            return self._findings.open()

    def saved(self) -> list[dict[str, object]]:
        """The open findings as values of MessagePack."""
        with self._lock:
            found: list[dict[str, object]] = msgspec.to_builtins(self._findings.open())
            return found

    def restore(self, findings: list[object]) -> None:
        """Go on with what another process saved.

        Raises:
            ValueError: if it is anything else.
        """
        with self._lock:
            self._findings.reopen(map(finding_of, findings))

    def close(self) -> None:
        """Write every finding with its final count."""
        with self._lock:
            for finding in self._findings.open():
                if self._lines:
                    self._lines.write(finding)
        if self._lines:
            self._lines.close()

    def _families(self) -> Iterator[Family]:
        with self._lock:
            counts = self._findings.counts()
            refused = self._findings.refused
        shown: dict[tuple[str, ...], float] = {}
        for (*labels, service), count in counts.items():
            key = (*labels, self.store.service(service))
            shown[key] = shown.get(key, 0) + count
        yield Family(telemetry.FINDINGS_OPEN, shown)
        dropped = self._lines.dropped if self._lines else 0
        untold = self._feedback.dropped if self._feedback else 0
        met = {("findings",): refused, ("findings_lines",): dropped, ("feedback",): untold}
        yield Family(telemetry.BOUNDS, met)

    def watch(
        self,
        ledger: Ledger,
        engine: Callable[[], Engine],
        pipeline: Pipeline,
        decoder: str,
        bounds_met: Callable[[], Mapping[str, int]],
    ) -> None:
        """Show what these parts count, whenever somebody looks.

        Args:
            ledger: of requests.
            engine: the present one, which counts what policies did.
            pipeline: knows the gauges of policies and the bounds of the decoder.
            decoder: name of the one in use.
            bounds_met: further bounds, by name.
        """

        def families() -> Iterator[Family]:
            yield from _ledger(ledger)
            yield from _engine(engine())
            yield from self._readings(pipeline.readings())
            met = {**pipeline.counters(), **bounds_met()}
            bounds = {(name,): count for name, count in met.items()}
            yield Family(telemetry.BOUNDS, bounds)
            yield Family(telemetry.OPEN_SPANS, {(): pipeline.open_spans})
            build = (__version__, platform.python_version(), decoder)
            yield Family(telemetry.BUILD, {build: 1})

        self.store.ask(families)

    def watch_forwarder(self, forwarder: Forwarder) -> None:
        """Show what becomes of requests that are sent on."""

        def families() -> Iterator[Family]:
            yield Family(telemetry.FORWARDED, dict(forwarder.outcomes))
            seconds = {(signal,): spent for signal, spent in forwarder.seconds.items()}
            yield Family(telemetry.FORWARD_SECONDS, seconds)
            yield Family(telemetry.FORWARD_IN_FLIGHT, {(): forwarder.in_flight})

        self.store.ask(families)

    def watch_reloads(self, policies: Attempts, certificates: Attempts) -> None:
        """Show how loading policies again went, and certificates and tokens."""

        def families() -> Iterator[Family]:
            for metric, attempts in (
                (telemetry.RELOADS, policies),
                (telemetry.CERTIFICATE_RELOADS, certificates),
            ):
                outcomes = {("loaded",): attempts.loaded, ("failed",): attempts.failed}
                yield Family(metric, outcomes)
            last = {
                ("policies",): int(not policies.problem),
                ("certificates",): int(not certificates.problem),
            }
            yield Family(telemetry.LAST_RELOAD, last)
            yield Family(telemetry.POLICIES_LOADED, {(): policies.last_loaded})

        self.store.ask(families)

    def _readings(self, readings: list[tuple[str, Reading]]) -> Iterator[Family]:
        for name, metric in _READINGS.items():
            highest = sorted(
                (one for _, one in readings if one.name == name), key=lambda one: -one.value
            )[: self._top]
            samples: dict[tuple[str, ...], float] = {}
            for one in highest:
                values = dict(one.labels)
                if one.service is not None:
                    values["service_name"] = self.store.service(one.service.name)
                labels = tuple(values[label] for label in metric.labels)
                samples[labels] = max(one.value, samples.get(labels, one.value))
            yield Family(metric, samples)


def _ledger(ledger: Ledger) -> Iterator[Family]:
    entries = ledger.snapshot()
    yield Family(telemetry.RECEIVED, dict(entries.received))
    yield Family(telemetry.INSPECTED, dict(entries.inspected))
    yield Family(telemetry.ITEMS, dict(entries.items))
    yield Family(telemetry.REFUSED, dict(entries.refused))
    yield Family(telemetry.UNINSPECTED, dict(entries.uninspected))


def _engine(engine: Engine) -> Iterator[Family]:
    names = (*(policy.terms.id for policy in engine.policies), DETECTORS, PICKS, SCRUBBER, DECODER)
    known = dict.fromkeys(names, 0)
    yield Family(
        telemetry.POLICY_ERRORS, {(k,): v for k, v in {**known, **engine.failures.counts}.items()}
    )
    yield Family(telemetry.POLICY_SECONDS, {(k,): v for k, v in engine.seconds.items()})
    yield Family(telemetry.POLICY_OVERFLOW, {(k,): v for k, v in engine.overflows().items()})
    yield Family(telemetry.EXEMPTED, {(k,): v for k, v in engine.exempted.items()})
