"""All parts of the auditor, wired, started and drained."""

from __future__ import annotations

import gc
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from collector import policyfile, snapshot
from collector.accept import guard
from collector.accept.addresses import unix_path
from collector.accept.admission import Admission
from collector.accept.grpc import GrpcBounds, GrpcListener
from collector.accept.hints import NO_HINTS
from collector.accept.http import HttpListener
from collector.accept.memory import MemoryBudget, container_limit
from collector.clock import Clock
from collector.config import OFF, Config
from collector.connections import ConnectionBounds
from collector.decode import best
from collector.decode.limits import Limits
from collector.evaluate.detectors.scan import Detectors
from collector.evaluate.engine import Engine
from collector.evaluate.exempt import Exemptions
from collector.evaluate.policy import opted
from collector.evaluate.scrub import Scrubber
from collector.filecache import FileCache
from collector.forward.hops import forwarder_of
from collector.ledger import Ledger
from collector.pipeline import Decoder, Pipeline
from collector.policyfile import Loaded
from collector.problem import ProblemsError
from collector.reload import Attempts, Files, kept
from collector.report import jsonlog
from collector.report.admin import AdminServer
from collector.report.collapse import Findings
from collector.report.feedback import Feedback
from collector.report.jsonlog import JsonLines
from collector.report.otlp import OtlpPush
from collector.report.prometheus import exposition
from collector.report.reporter import Reporter
from collector.report.store import MetricStore
from collector.snapshot import Snapshot, SnapshotFile

_LOG = logging.getLogger("telemetry_auditor")
_TICK_SECONDS = 1.0


class Bound(NamedTuple):
    """Addresses on which the listeners are; empty for one that is off."""

    grpc: str
    http: str
    admin: str


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


class Auditor:
    """The running program.

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
        self._key = fingerprint_key(config.secrets.fingerprint_key_file)
        self._snapshot = _snapshot_file(config, self._snapshot_failed)
        kept_state = self._snapshot.load(self._clock.now()) if self._snapshot else None
        self._seed = kept_state.seed if kept_state else secrets.token_bytes(16)
        self._loaded = loaded
        self._detectors = self._make_detectors(loaded)
        if self._detectors.backend != "hyperscan":
            _LOG.warning(
                "hyperscan is not installed (it has no wheel for this platform): detectors run "
                "on a slower engine, and find the same"
            )
        self.engine = self._make_engine(loaded)
        decoder = self._make_decoder()
        if not best.IS_NATIVE:
            _LOG.warning(
                "the compiled decoder is not built: the reference decoder is used, which costs "
                "several times as much; install again with a C compiler"
            )
        self._attempts = Attempts(self._clock.now)
        self._files = Files(policyfile.paths_of(config.policies.shipped, config.policies.paths))
        self._asked = threading.Event()
        self._snapshot_next = time.monotonic() + config.snapshot.interval_seconds
        self.ledger = Ledger()
        self._feedback = _feedback(config)
        self.reporter = _reporter(config, loaded, self._feedback)
        self.pipeline = Pipeline(
            decoder, self.engine, self.reporter, self._clock.now, _decoder_failed
        )
        self._memory = MemoryBudget(config.admission.max_memory_bytes or container_limit())
        self._admission = Admission(
            max_requests=config.admission.max_requests,
            max_bytes=config.admission.max_bytes_in_flight,
            retry_after_seconds=config.admission.retry_after_seconds,
            memory=self._memory,
        )
        self.reporter.watch(
            self.ledger,
            lambda: self.engine,
            self.pipeline,
            decoder.name,
            lambda: {
                "values_truncated": self._detectors.truncated,
                "hits_capped": self._detectors.capped,
                **self._admission.met,
                **(self._admin.met if self._admin is not None else {}),
            },
        )
        if kept_state is not None:
            self._restore(kept_state)
        self._push: OtlpPush | None = None
        self.reporter.watch_reloads(self._attempts)
        self._forwarder = forwarder_of(
            config.forward, frozenset({config.grpc.address, config.http.address})
        )
        if self._forwarder is not None:
            self.reporter.watch_forwarder(self._forwarder)
        self._guard = guard.load(config.tls, config.auth)
        self._guarded = guard.Watch(self._guard, config.tls, config.auth)
        self._guarded_next = self._policies_next = 0.0
        self._stopping = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="tick", daemon=True)
        self._listeners: list[GrpcListener | HttpListener] = []
        self._admin: AdminServer | None = None
        self._accepting = False

    def _snapshot_failed(self) -> None:
        self._admission.met["snapshots_failed"] += 1

    def _restore(self, kept_state: Snapshot) -> None:
        now = self._clock.now()
        policies = snapshot.restore(kept_state, self.engine.policies, now)
        try:
            self.reporter.restore(kept_state.findings)
        except ValueError:
            _LOG.warning("findings of the snapshot are not used: they are not in its form")
        age = now - kept_state.written
        _LOG.info("state of %d policies goes on from %.0f s ago", policies, age)

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

    def ask_to_reload(self) -> None:
        """Load policies, certificates and tokens again soon; safe in a signal handler."""
        self._asked.set()

    def reload(self) -> None:
        """Load the policies again; where anything is wrong with them, the last good ones stay."""
        if self._again is None:
            return
        try:
            loaded = self._again()
        except ProblemsError as error:
            self._attempts.failed_for(error.problems[0].render().splitlines()[0])
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
        self._attempts.succeeded()
        same = len(set(map(id, before.policies)) & set(map(id, self.engine.policies)))
        _LOG.info(
            "policies were loaded again: %d, of which %d are unchanged and keep their state",
            len(self.engine.policies),
            same,
        )

    def start(self) -> Bound:
        """Open the listeners.

        Raises:
            OSError: if an address cannot be bound; what was opened is closed again.
        """
        if self._forwarder is not None:
            self._forwarder.start()
        try:
            admin = self._start_admin()
            grpc = self._start_listener(self._config.grpc.address, self._grpc)
            http = self._start_listener(self._config.http.address, self._http)
        except OSError:
            self.stop()
            raise
        if self._config.otlp.endpoint:
            self._push = _push(self._config, self.reporter)
        settle_memory()
        self._ticker.start()
        self._accepting = True
        return Bound(grpc, http, admin)

    def stop(self) -> None:
        """Answer what is in flight, judge what is proven, write it, and close everything.

        Before that, for as long as the configuration asks for, requests are still taken while
        `/readyz` fails, so that nothing new is sent here when the listeners close.
        """
        grace_seconds = self._config.admission.grace_seconds
        was_accepting, self._accepting = self._accepting, False
        if was_accepting:
            time.sleep(self._config.admission.drain_seconds)
        self._admission.drain()
        stops = [
            threading.Thread(target=listener.stop, args=(grace_seconds,))
            for listener in self._listeners
        ]
        with self._waiting_for_answers(grace_seconds):
            for one in stops:
                one.start()
            for one in stops:
                one.join()
        self._stopping.set()
        if self._ticker.is_alive():
            self._ticker.join()
        self.pipeline.drain()
        self._save()
        self.reporter.close()
        if self._push is not None:
            self._push.close()
        if self._admin is not None:
            self._admin.stop()

    @contextmanager
    def _waiting_for_answers(self, seconds: float) -> Iterator[None]:
        """Let the next hop answer what is in flight, but not for longer than the grace."""
        if self._forwarder is None:
            yield
            return
        last = threading.Timer(seconds, self._forwarder.close)
        last.start()
        yield
        last.cancel()
        last.join()
        self._forwarder.close()

    def not_ready(self) -> list[str]:
        """Why no telemetry is taken at present; empty when it is."""
        if not self._accepting:
            return ["starting or draining"]
        if self._config.admission.overload_unready and self._admission.overloaded:
            return ["overloaded"]
        return []

    def _start_admin(self) -> str:
        if self._config.admin.address == OFF:
            return OFF
        self._admin = AdminServer(
            self._config.admin.address,
            exposition(self.reporter.store.families),
            self.not_ready,
            self.reporter.findings if self._config.admin.findings else None,
            self._config.admin.max_connections,
            self._attempts.notes,
        )
        return self._admin.start()

    def _start_listener(
        self, address: str, make: Callable[[str], GrpcListener | HttpListener]
    ) -> str:
        if address == OFF:
            return OFF
        if self._guard.is_open and not _is_loopback(address):
            _LOG.warning(
                "whoever reaches %s may send telemetry: neither auth.tokens_file nor "
                "tls.client_ca_file is set",
                address,
            )
        listener = make(address)
        bound = listener.start()
        self._listeners.append(listener)
        return bound

    def _grpc(self, address: str) -> GrpcListener:
        return GrpcListener(
            address,
            self.pipeline.inspect,
            self.ledger,
            self._admission,
            guard=self._guard,
            max_bytes=self._config.grpc.max_bytes,
            body_timeout_seconds=self._config.grpc.body_timeout_seconds,
            threads=self._config.admission.max_requests,
            bounds=GrpcBounds(
                self._config.grpc.max_connections,
                self._config.grpc.max_connection_age_seconds,
                self._config.grpc.max_connection_idle_seconds,
            ),
            forwarder=self._forwarder,
            hints=self._feedback or NO_HINTS,
            socket_mode=self._config.grpc.socket_mode,
        )

    def _http(self, address: str) -> HttpListener:
        return HttpListener(
            address,
            self.pipeline.inspect,
            self.ledger,
            self._admission,
            guard=self._guard,
            max_bytes=self._config.http.max_bytes,
            body_timeout_seconds=self._config.http.body_timeout_seconds,
            bounds=ConnectionBounds(
                self._config.http.max_connections,
                self._config.http.header_timeout_seconds,
                self._config.http.idle_timeout_seconds,
            ),
            forwarder=self._forwarder,
            hints=self._feedback or NO_HINTS,
            socket_mode=self._config.http.socket_mode,
        )

    def reload_guard(self) -> None:
        """Take certificates and tokens from their files again; what is wrong changes nothing."""
        try:
            self._guarded.reload()
        except OSError as error:
            self._admission.met["reloads_failed"] += 1
            _LOG.error("certificates and tokens stay as they were: %s", error)
        else:
            _LOG.info("certificates and tokens were loaded again")

    def _watch_files(self) -> None:
        """Load again what has changed, or everything when asked to."""
        asked = self._asked.is_set()
        self._asked.clear()
        now = time.monotonic()
        if asked or now >= self._guarded_next:
            self._guarded_next = now + self._config.tls.reload_seconds
            if asked or self._guarded.changed():
                self.reload_guard()
        if asked or now >= self._policies_next:
            self._policies_next = now + self._config.policies.reload_seconds
            if self._files.changed() or asked:
                self.reload()

    def _tick(self) -> None:
        often = min(
            _TICK_SECONDS, self._config.tls.reload_seconds, self._config.policies.reload_seconds
        )
        while not self._stopping.wait(often):
            try:
                self._watch_files()
                if self._memory.relieve():
                    _LOG.warning(
                        "the process holds more than %d bytes: requests are refused until it "
                        "holds less",
                        self._memory.limit,
                    )
                self.pipeline.tick()
                self.reporter.tick(self._clock.now())
                if time.monotonic() >= self._snapshot_next:
                    self._snapshot_next = time.monotonic() + self._config.snapshot.interval_seconds
                    self._save()
            except Exception as error:  # noqa: BLE001 (time must go on)
                _LOG.error("a tick failed: %s", type(error).__name__)


def _is_loopback(address: str) -> bool:
    """Whether only this machine can reach an address."""
    if unix_path(address) is not None:
        return True
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def settle_memory() -> None:
    """Keep the garbage collector from what was made at start, which is never garbage.

    A full collection over it stops every request for 20 to 50 ms.
    """
    gc.collect()
    gc.freeze()


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


def _push(config: Config, reporter: Reporter) -> OtlpPush:
    return OtlpPush(
        reporter.store.families,
        config.otlp.endpoint,
        config.otlp.protocol,
        config.otlp.interval_seconds,
        config.otlp.timeout_seconds,
    )


def _policy_failed(policy: str, exception: str, place: str) -> None:
    _LOG.error(
        "policy %s failed with %s at %s; its other judgements go on", policy, exception, place
    )


def _decoder_failed(exception: str) -> None:
    _LOG.error("the decoder failed with %s; the request was accepted", exception)
