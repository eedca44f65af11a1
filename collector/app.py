"""The running program: its parts, started, watched and drained."""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from collector import policyfile
from collector.accept import guard
from collector.accept.admission import Admission
from collector.accept.memory import MemoryBudget, container_limit
from collector.config import OFF, Config
from collector.entrances import Entrances
from collector.forward.hops import files_of, forwarder_of, hop_of
from collector.inspection import Inspection
from collector.policyfile import Loaded
from collector.reload import Attempts, Files
from collector.report.admin import AdminServer
from collector.report.otlp import OtlpPush
from collector.report.prometheus import exposition
from collector.report.reporter import Reporter

_LOG = logging.getLogger("telemetry_auditor")
_TICK_SECONDS = 1.0


class Bound(NamedTuple):
    """Addresses on which the listeners are; empty for one that is off."""

    grpc: str
    http: str
    admin: str


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
        self.inspection = Inspection(config, loaded, again)
        self._memory = MemoryBudget(config.admission.max_memory_bytes or container_limit())
        self._admission = Admission(
            max_requests=config.admission.max_requests,
            max_bytes=config.admission.max_bytes_in_flight,
            retry_after_seconds=config.admission.retry_after_seconds,
            memory=self._memory,
        )
        self._admin: AdminServer | None = None
        self._reloads = Attempts("certificates and tokens", time.time)
        self.inspection.watched(self._bounds_met, self._reloads)
        own = frozenset({config.grpc.address, config.http.address})
        self._forwarder = forwarder_of(config.forward, own)
        if self._forwarder is not None:
            self.inspection.reporter.watch_forwarder(self._forwarder)
        guarded = guard.load(config.tls, config.auth)
        self._entrances = Entrances(
            config, self.inspection, self._admission, guarded, self._forwarder
        )
        self._guarded = guard.Watch(guarded, config.tls, config.auth)
        self._files = Files(policyfile.paths_of(config.policies.shipped, config.policies.paths))
        self._hop_files = Files(files_of(config.forward))
        self._guarded_next = self._policies_next = 0.0
        self._asked = threading.Event()
        self._push: OtlpPush | None = None
        self._stopping = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="tick", daemon=True)
        self._accepting = False

    def ask_to_reload(self) -> None:
        """Load policies, certificates and tokens again soon; safe in a signal handler."""
        self._asked.set()

    def start(self) -> Bound:
        """Open the listeners.

        Raises:
            OSError: if an address cannot be bound; what was opened is closed again.
        """
        if self._forwarder is not None:
            self._forwarder.start()
        try:
            admin = self._start_admin()
            grpc, http = self._entrances.start()
        except OSError:
            self.stop()
            raise
        if self._config.otlp.endpoint:
            self._push = _push(self._config, self.inspection.reporter)
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
        with self._waiting_for_answers(grace_seconds):
            self._entrances.stop(grace_seconds)
        self._stopping.set()
        if self._ticker.is_alive():
            self._ticker.join()
        self.inspection.drain()
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
            exposition(self.inspection.reporter.store.families),
            self.not_ready,
            self.inspection.reporter.findings if self._config.admin.findings else None,
            self._config.admin.max_connections,
            lambda: [*self.inspection.attempts.notes(), *self._reloads.notes()],
        )
        return self._admin.start()

    def _bounds_met(self) -> Mapping[str, int]:
        return {**self._admission.met, **(self._admin.met if self._admin is not None else {})}

    def _reload_certificates(self) -> None:
        """Take certificates, tokens and headers from their files; what is wrong changes nothing."""
        try:
            self._guarded.reload()
            if self._forwarder is not None and files_of(self._config.forward):
                self._forwarder.replace(hop_of(self._config.forward))
        except OSError as error:
            self._reloads.failed_for(str(error))
            _LOG.error("certificates and tokens stay as they were: %s", error)
        else:
            self._reloads.succeeded()
            _LOG.info("certificates and tokens were loaded again")

    def _watch_files(self) -> None:
        """Load again what has changed, or everything when asked to."""
        asked = self._asked.is_set()
        self._asked.clear()
        now = time.monotonic()
        if asked or now >= self._guarded_next:
            self._guarded_next = now + self._config.tls.reload_seconds
            of_hop, of_listeners = self._hop_files.changed(), self._guarded.changed()
            if asked or of_hop or of_listeners:
                self._reload_certificates()
        if asked or now >= self._policies_next:
            self._policies_next = now + self._config.policies.reload_seconds
            if self._files.changed() or asked:
                self.inspection.reload()

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
                self.inspection.tick()
            except Exception as error:  # noqa: BLE001 (time must go on)
                _LOG.error("a tick failed: %s", type(error).__name__)


def settle_memory() -> None:
    """Keep the garbage collector from what was made at start, which is never garbage.

    A full collection over it stops every request for 20 to 50 ms.
    """
    gc.collect()
    gc.freeze()


def _push(config: Config, reporter: Reporter) -> OtlpPush:
    return OtlpPush(
        reporter.store.families,
        config.otlp.endpoint,
        config.otlp.protocol,
        config.otlp.interval_seconds,
        config.otlp.timeout_seconds,
    )
