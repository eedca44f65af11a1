"""An auditor under a fault, and the books that must balance afterwards."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from conformance.rows import Target
from conformance.samples import as_protobuf
from conformance.servers import Program, Servers

MIB = 1024 * 1024
_SETTLE_SECONDS = 30.0
_SAMPLE = re.compile(r"^(telemetry_auditor_\w+)(?:\{(.*)\})? (\S+)$")


class Unbalanced(AssertionError):  # noqa: N818 (an outcome, not an error)
    """The books do not balance."""


class Untried(Exception):  # noqa: N818 (an outcome; its text says why)
    """The fault cannot be made on this machine."""


def until(holds: Callable[[], bool], said: str, seconds: float = _SETTLE_SECONDS) -> None:
    """Wait for what must become true.

    Raises:
        Unbalanced: if it does not.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise Unbalanced(said)
        time.sleep(0.02)


@dataclass
class Books:
    """What the senders know.

    Attributes:
        sent: requests that the auditor must have counted as received.
        acknowledged: those that were answered with success.
        refused: those that were answered with anything else.
        unanswered: those of which the sender went away, or was cut off.
    """

    sent: int = 0
    acknowledged: int = 0
    refused: int = 0
    unanswered: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def note(self, status: int) -> None:
        """A request was answered with an HTTP status; 0 for no answer."""
        with self._lock:
            self.sent += 1
            self.acknowledged += status == 200
            self.refused += status not in (0, 200)
            self.unanswered += status == 0


@dataclass(frozen=True)
class Entry:
    """The ledger of an auditor, over all signals and protocols."""

    received: int
    inspected: int
    refused: int
    uninspected: int
    items: int

    @property
    def balanced(self) -> bool:
        """Whether every request is accounted for."""
        return self.received == self.inspected + self.refused + self.uninspected


class Scene:
    """One auditor with its senders.

    Args:
        servers: start it.
        config: sections of its configuration.
        scale: from 0 to 1: how much of the fault is tried.
        env: beside the environment.
    """

    def __init__(
        self,
        servers: Servers,
        config: Mapping[str, Any] | None = None,
        *,
        scale: float = 1.0,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.servers = servers
        self.expects_errors = False
        self.scale = scale
        self.books = Books()
        self._start(config, env)

    def _start(self, config: Mapping[str, Any] | None, env: Mapping[str, str] | None) -> None:
        self.passes_on = "forward" in (config or {})
        self.program: Program = self.servers.start(config, env)
        self.target = Target(self.program.http, self.program.grpc)
        self.before = self.peak = self.program.memory()

    def replace(
        self, config: Mapping[str, Any] | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        """Another auditor in the place of the one that is there, or has ended.

        Args:
            config: sections of its configuration.
            env: beside the environment.
        """
        self.program.stop()
        self._start(config, env)

    def folder(self) -> Path:
        """A new empty folder."""
        return self.servers.folder()

    def many(self, most: int, least: int = 1) -> int:
        """So many at full scale, fewer in the short form."""
        return max(least, round(most * self.scale))

    def post(self, signal: str, body: bytes, *arguments: Any, **options: Any) -> int:
        """Send a request over HTTP, and note what became of it."""
        status = self.target.post(signal, body, *arguments, **options).status
        self.books.note(status)
        return status

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels."""
        total = 0.0
        for line in self.program.page("/metrics")[1].splitlines():
            found = _SAMPLE.match(line)
            if found is None or found[1] != f"telemetry_auditor_{name}":
                continue
            said = dict(re.findall(r'(\w+)="([^"]*)"', found[2] or ""))
            if labels.items() <= said.items():
                total += float(found[3])
        return total

    def entry(self) -> Entry:
        """The ledger at present."""
        return Entry(
            *(
                int(self.metric(f"{name}_total"))
                for name in (
                    "requests_received",
                    "requests_inspected",
                    "requests_refused",
                    "requests_uninspected",
                    "items_inspected",
                )
            )
        )

    def settle(self, grown_mib: int = 192) -> Entry:
        """Wait until the books balance, and return the ledger.

        Args:
            grown_mib: that memory may have grown by.

        Raises:
            Unbalanced: if they never do, or memory grew by more.
        """
        books = self.books
        until(
            lambda: (
                self.entry().balanced and self.entry().received >= books.sent - books.unanswered
            ),
            f"never balanced: {self.entry()} against {books}",
        )
        entry = self.entry()
        if not books.acknowledged <= entry.inspected + entry.uninspected:
            raise Unbalanced(f"acknowledged more than was inspected: {entry} against {books}")
        taken = books.acknowledged + books.unanswered + (books.refused if self.passes_on else 0)
        if entry.inspected + entry.uninspected > taken:
            raise Unbalanced(f"inspected, but refused to its sender: {entry} against {books}")
        if entry.refused < books.refused and not self.passes_on:
            raise Unbalanced(f"refused without a count: {entry} against {books}")
        if self.metric("policy_errors_total") and not self.expects_errors:
            raise Unbalanced(f"policies failed:\n{self.program.said}")
        self.peak = self.program.memory()
        grown = (self.peak - self.before) // MIB
        if grown > grown_mib:
            raise Unbalanced(f"memory grew by {grown} MiB, more than {grown_mib}")
        return entry

    def lives(self) -> None:
        """The auditor still answers, on every port.

        Raises:
            Unbalanced: if it does not.
        """
        if self.post("traces", as_protobuf("traces")) != 200:
            raise Unbalanced("OTLP/HTTP does not answer any more")
        self.target.call("logs", as_protobuf("logs"))
        self.books.note(200)
        status, _ = self.program.page("/livez")
        if status != 200:
            raise Unbalanced("/livez fails")

    def end(self) -> None:
        """SIGTERM must end it with 0.

        Raises:
            Unbalanced: if it does not.
        """
        code = self.program.stop()
        if code != 0:
            raise Unbalanced(f"exit code {code}:\n{self.program.said[-2000:]}")
