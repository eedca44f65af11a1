"""What becomes of requests once they are read: policies, pipeline and reports, wired.

They can be loaded again while requests come, and what they have seen survives a restart.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from collector import snapshot
from collector.clock import Clock
from collector.config import Config
from collector.decode import best
from collector.decode.limits import Limits
from collector.evaluate.detectors.scan import Detectors
from collector.evaluate.engine import Engine
from collector.evaluate.exempt import Exemptions
from collector.evaluate.policy import opted
from collector.evaluate.scrub import Scrubber
from collector.filecache import FileCache
from collector.ledger import Ledger
from collector.pipeline import Decoder, Pipeline
from collector.policyfile import Loaded
from collector.problem import ProblemsError
from collector.reload import Attempts, kept
from collector.report import jsonlog
from collector.report.collapse import Findings
from collector.report.feedback import Feedback
from collector.report.jsonlog import JsonLines
from collector.report.reporter import Reporter
from collector.report.store import MetricStore
from collector.snapshot import Snapshot, SnapshotFile

_LOG = logging.getLogger("telemetry_auditor")


def fingerprint_key(path: Path | None) -> bytes:
    """The key of fingerprints: from a file, else made now.

    Args:
        path: a file of which at most 64 bytes are used.

    Raises:
        OSError: if the file cannot be read, or is empty.
    """
    if path is None:
        return secrets.token_bytes(32)
    key = path.read_bytes().strip()[:64]
    if not key:
        raise OSError(f"the key of fingerprints is empty: {path}")
    return key


class Inspection:
    """The policies at work.

    Args:
        config: what is in force.
        loaded: the policies.
        again: loads them again; raises `ProblemsError`.

    Raises:
        OSError: if a file that the configuration names cannot be read.
    """

    def __init__(
        self, config: Config, loaded: Loaded, again: Callable[[], Loaded] | None = None
    ) -> None:
        self._config = config
        self._clock = Clock()
        self._again = again
        self._failed: Counter[str] = Counter({"snapshots_failed": 0})
        self._key = fingerprint_key(config.secrets.fingerprint_key_file)
        self._snapshot = _snapshot_file(config, self._snapshot_failed)
        kept_state = self._snapshot.load(self._clock.now()) if self._snapshot else None
        self._seed = kept_state.seed if kept_state else secrets.token_bytes(16)
        self._loaded = loaded
        self._detectors = self._make_detectors(loaded)
        self.engine = self._make_engine(loaded)
        decoder = self._make_decoder()
        _warn_of_what_is_slow(self._detectors)
        self.ledger = Ledger()
        self.attempts = Attempts("policies", self._clock.now)
        self.feedback = _feedback(config)
        self.reporter = _reporter(config, loaded, self.feedback)
        self.pipeline = Pipeline(
            decoder, self.engine, self.reporter, self._clock.now, _decoder_failed
        )
        self._decoder_name = decoder.name
        self._saves = time.monotonic() + config.snapshot.interval_seconds
        if kept_state is not None:
            self._restore(kept_state)

    def watched(self, bounds_met: Callable[[], Mapping[str, int]], certificates: Attempts) -> None:
        """Let the reporter show what all this counts.

        Args:
            bounds_met: how often bounds outside of it were met, by name.
            certificates: what came of loading them again.
        """
        self.reporter.watch_reloads(self.attempts, certificates)
        self.reporter.watch(
            self.ledger,
            lambda: self.engine,
            self.pipeline,
            self._decoder_name,
            lambda: {
                "values_truncated": self._detectors.truncated,
                "hits_capped": self._detectors.capped,
                **self._failed,
                **bounds_met(),
            },
        )

    def tick(self) -> None:
        """Let time pass: close windows, write findings, and the snapshot when it is due."""
        self.pipeline.tick()
        self.reporter.tick(self._clock.now())
        if time.monotonic() >= self._saves:
            self._saves = time.monotonic() + self._config.snapshot.interval_seconds
            self._save()

    def drain(self) -> None:
        """Judge what is proven, and write it; nothing may come after."""
        self.pipeline.drain()
        self._save()
        self.reporter.close()

    def reload(self) -> None:
        """Load the policies again; where anything is wrong with them, the last good ones stay."""
        if self._again is None:
            return
        try:
            loaded = self._again()
        except ProblemsError as error:
            self.attempts.failed_for(error.problems[0].render().splitlines()[0])
            _LOG.error("policies stay as they were:\n%s", error)
            return
        if (loaded.detectors, opted(loaded.policies)) != (
            self._loaded.detectors,
            opted(self._loaded.policies),
        ):
            self._detectors = self._make_detectors(loaded)
        before = self.engine
        self.engine = self._make_engine(loaded, before)
        self._loaded = loaded
        decoder = None
        if self.engine.demand != before.demand:
            decoder = self._make_decoder()
            decoder.settle(self._clock.now() + self._config.traces.wait_seconds)
        self.reporter.store.add(self.engine.policies)
        self.pipeline.replace(self.engine, decoder)
        self.attempts.succeeded()
        for warning in loaded.warnings:
            _LOG.warning("%s", warning.render())
        same = len(set(map(id, before.policies)) & set(map(id, self.engine.policies)))
        _LOG.info(
            "policies were loaded again: %d, of which %d are unchanged and keep their state",
            len(self.engine.policies),
            same,
        )

    def _restore(self, kept_state: Snapshot) -> None:
        now = self._clock.now()
        policies = snapshot.restore(kept_state, self.engine.policies, now)
        try:
            self.reporter.restore(kept_state.findings)
        except ValueError:
            _LOG.warning("findings of the snapshot are not used: they are not in its form")
        age = now - kept_state.written
        _LOG.info("state of %d policies goes on from %.0f s ago", policies, age)

    def _snapshot_failed(self) -> None:
        self._failed["snapshots_failed"] += 1

    def _save(self) -> None:
        """Write the snapshot; what is open in windows of seconds is not in it."""
        if self._snapshot is None:
            return
        states = self.pipeline.saved(self._config.snapshot.max_bytes)
        self._snapshot.store(
            snapshot.make(states, self.reporter.saved(), self._seed, self._clock.now())
        )

    def _make_detectors(self, loaded: Loaded) -> Detectors:
        folder = self._config.secrets.cache_directory
        return Detectors(
            self._key,
            own=loaded.detectors,
            opted=opted(loaded.policies),
            cache=FileCache(folder) if folder is not None else None,
        )

    def _make_engine(self, loaded: Loaded, before: Engine | None = None) -> Engine:
        return Engine(
            kept(before.policies, loaded.policies) if before else loaded.policies,
            detectors=self._detectors,
            scrubber=Scrubber(self._detectors),
            exemptions=Exemptions(loaded.exemptions),
            timer=time.perf_counter,
            failed=_policy_failed,
            before=before,
        )

    def _make_decoder(self) -> Decoder:
        decoder: Decoder = best.decoder(self.engine.demand, _limits(self._config), self._seed)
        return decoder


def _warn_of_what_is_slow(detectors: Detectors) -> None:
    if detectors.backend != "hyperscan":
        _LOG.warning(
            "hyperscan is not installed (it has no wheel for this platform): detectors run "
            "on a slower engine, and find the same"
        )
    if not best.IS_NATIVE:
        _LOG.warning(
            "the compiled decoder is not built: the reference decoder is used, which costs "
            "several times as much; install again with a C compiler"
        )


def _limits(config: Config) -> Limits:
    decode, traces = config.decode, config.traces
    return Limits(
        slice_items=decode.slice_items,
        max_keys=decode.max_keys,
        max_shapes=decode.max_shapes,
        max_new_profiles=decode.max_new_profiles,
        max_values_at_once=decode.max_values_at_once,
        remembered_values=decode.remembered_values,
        max_value_length=decode.max_value_length,
        remembered_series=decode.max_series,
        series_refresh=decode.series_refresh_seconds,
        trace_wait=traces.wait_seconds,
        max_spans=traces.max_spans,
        max_spans_per_trace=traces.max_spans_per_trace,
        max_spans_shown=traces.max_spans_shown,
        max_producers=traces.max_producers,
        max_watched=traces.max_watched,
    )


def _snapshot_file(config: Config, failed: Callable[[], None]) -> SnapshotFile | None:
    section = config.snapshot
    return SnapshotFile(section.file, section.max_age_seconds, failed) if section.file else None


def _feedback(config: Config) -> Feedback | None:
    feedback = config.feedback
    if not feedback.enabled:
        return None
    return Feedback(feedback.max_services, feedback.max_findings, feedback.max_characters)


def _reporter(config: Config, loaded: Loaded, feedback: Feedback | None) -> Reporter:
    findings = config.findings
    lines = None
    if findings.file:
        jsonlog.check(findings.file)
        lines = JsonLines(findings.file, findings.rotate_bytes, findings.keep)
    return Reporter(
        MetricStore(loaded.policies, config.labels.max_services),
        Findings(findings.fold_seconds, findings.max_open),
        lines,
        config.labels.top,
        feedback,
    )


def _policy_failed(policy: str, exception: str, place: str) -> None:
    _LOG.error(
        "policy %s failed with %s at %s; its other judgements go on", policy, exception, place
    )


def _decoder_failed(exception: str) -> None:
    _LOG.error("the decoder failed with %s; the request was accepted", exception)
