"""Findings as JSON lines, written by a thread of their own so that nobody waits for a disk."""

from __future__ import annotations

import logging
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from queue import Full, Queue
from threading import Thread
from typing import Any, TextIO

from collector.report.collapse import Finding
from collector.report.printable import as_json

_LOG = logging.getLogger("telemetry_auditor")
_STANDARD_OUTPUT = "-"


def as_object(finding: Finding) -> dict[str, Any]:
    """A finding as its line shows it; times in RFC 3339, UTC."""
    shown: dict[str, Any] = {
        "policy": finding.policy,
        "kind": finding.kind,
        "severity": finding.severity.label,
        "signal": str(finding.signal),
        "service": finding.service.name,
        "subject": finding.subject,
        "basis": str(finding.basis),
        "count": finding.count,
        "first_seen": _time(finding.first_seen),
        "last_seen": _time(finding.last_seen),
        "trace_id": finding.trace_id,
        "summary": finding.summary,
        "evidence": dict(finding.evidence),
        "remedy": finding.remedy,
        "state": str(finding.state),
    }
    named = {"namespace": finding.service.namespace, "environment": finding.service.environment}
    return shown | {key: value for key, value in named.items() if value}


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


class JsonLines:
    """Writes findings to a file, or to standard output.

    A line that finds the queue full is dropped and counted, and so is one that cannot be
    written; the next one is tried again.

    Args:
        target: path of the file, or ``-`` for standard output.
        rotate_bytes: a file that has grown to this size is renamed to FILE.1.
        keep: renamed files kept.
        queue_size: lines that may wait.
    """

    def __init__(
        self,
        target: str,
        rotate_bytes: int = 64 * 1024 * 1024,
        keep: int = 3,
        queue_size: int = 10_000,
    ) -> None:
        self._path = None if target == _STANDARD_OUTPUT else Path(target)
        self._rotate_bytes = rotate_bytes
        self._keep = keep
        self._queue: Queue[str | None] = Queue(queue_size)
        self._file: TextIO | None = None
        self._told = False
        self.dropped = 0
        self._thread = Thread(target=self._run, name="findings", daemon=True)
        self._thread.start()

    def write(self, finding: Finding) -> None:
        """Queue a finding as it stands."""
        line = as_json(as_object(finding))
        try:
            self._queue.put_nowait(line)
        except Full:
            self.dropped += 1

    def close(self, timeout_seconds: float = 10.0) -> None:
        """Write what is queued, and end.

        Args:
            timeout_seconds: after which the rest is lost.
        """
        try:
            self._queue.put(None, timeout=timeout_seconds)
        except Full:
            return
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while (line := self._queue.get()) is not None:
            self._put(line)
            if self._queue.empty():
                self._flush()
        self._flush()
        if self._path is not None and self._file is not None:
            self._file.close()

    def _put(self, line: str) -> None:
        try:
            file = self._opened()
            file.write(line + "\n")
        except (OSError, ValueError) as error:
            self._failed(error)

    def _flush(self) -> None:
        try:
            if self._file is not None:
                self._file.flush()
        except (OSError, ValueError) as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        self.dropped += 1
        if self._path is not None:
            self._file = None
        if not self._told:
            self._told = True
            reason = getattr(error, "strerror", None) or type(error).__name__
            _LOG.error("findings.file %s cannot be written: %s", self._path or "-", reason)

    def _opened(self) -> TextIO:
        if self._path is None:
            self._file = sys.stdout
        elif self._file is None:
            self._file = _append(self._path)
        elif self._file.tell() >= self._rotate_bytes:
            self._file.close()
            self._rotate(self._path)
            self._file = _append(self._path)
        return self._file

    def _rotate(self, path: Path) -> None:
        for number in range(self._keep, 0, -1):
            older = path.with_name(f"{path.name}.{number}")
            newer = path.with_name(f"{path.name}.{number - 1}") if number > 1 else path
            if newer.exists():
                newer.replace(older)
        if self._keep == 0:
            path.unlink(missing_ok=True)


def check(target: str) -> None:
    """See to it that findings can be written, before anything is received.

    Args:
        target: as `JsonLines` takes it.

    Raises:
        OSError: if the file cannot be opened; the text names the key of the configuration.
    """
    if target == _STANDARD_OUTPUT:
        return
    try:
        _append(Path(target)).close()
    except OSError as error:
        raise OSError(f"findings.file {target} cannot be written: {error.strerror}") from None


def _append(path: Path) -> TextIO:
    """Open for appending; only the owner may read, for findings name internal things."""

    def private(name: str, flags: int) -> int:
        return os.open(name, flags, 0o600)

    return open(path, "a", encoding="utf-8", opener=private)
