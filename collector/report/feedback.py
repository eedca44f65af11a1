"""What exporters are told with their answer: the worst new findings of the services that sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from threading import Lock
from typing import NamedTuple

from collector.decode.messages import Encoding
from collector.decode.senders import senders
from collector.report.collapse import Finding, Key
from collector.report.printable import one_line
from collector.violation import Service, Severity, Signal

_HEAD = "telemetry-auditor: "
_JOINT = "; "
_CUT = "…"


class _Hint(NamedTuple):
    """A finding as it stood when it was new, or escalated; its texts are scrubbed."""

    severity: Severity
    key: Key
    summary: str

    @property
    def rank(self) -> tuple[int, Key]:
        """The worst first, and always in the same order."""
        return -self.severity, self.key

    @property
    def text(self) -> str:
        where = f"{self.key.policy} in {self.key.service.name}"
        return one_line(f"{self.severity.label} {where}: {self.summary} ({self.key.subject})")


class Feedback:
    """Keeps what is still to be told to each service: every finding once, and once more when worse.

    Args:
        max_services: services with something to be told.
        max_findings: to be told to each; of more, the worst.
        max_characters: of what is told at once; the rest follows with the next answer.
    """

    def __init__(
        self, max_services: int = 1_000, max_findings: int = 20, max_characters: int = 500
    ) -> None:
        self._max_services = max_services
        self._max_findings = max_findings
        self._max_characters = max_characters
        self._lock = Lock()
        self._pending: dict[Service, dict[Key, _Hint]] = {}
        self.dropped = 0

    def add(self, finding: Finding) -> None:
        """A finding is new, or has escalated."""
        hint = _Hint(
            finding.severity,
            Key(finding.policy, finding.service, finding.subject),
            finding.summary,
        )
        with self._lock:
            hints = self._pending.get(finding.service)
            if hints is None:
                if len(self._pending) >= self._max_services:
                    self.dropped += 1
                    return
                hints = self._pending[finding.service] = {}
            hints[hint.key] = hint
            if len(hints) > self._max_findings:
                self.dropped += 1
                del hints[max(hints.values(), key=lambda one: one.rank).key]

    def forget(self, finding: Finding) -> None:
        """A finding has closed; nobody needs to hear of it any more."""
        with self._lock:
            self._told([Key(finding.policy, finding.service, finding.subject)])

    def senders(self, signal: Signal, body: bytes, encoding: Encoding) -> Sequence[Service]:
        """The services that a request comes from, where anything is to be told to them.

        Args:
            signal: which request it is.
            body: uncompressed, and found to be good.
            encoding: protobuf or JSON.
        """
        if not self._pending:
            return ()
        return [one for one in senders(signal, body, encoding) if one in self._pending]

    def take(self, services: Iterable[Service]) -> str:
        """What is to be told to services, which thereby counts as told; empty if nothing is."""
        with self._lock:
            waiting = [hint for one in services for hint in self._pending.get(one, {}).values()]
            waiting.sort(key=lambda one: one.rank)
            text, told = self._written(waiting)
            self._told(hint.key for hint in waiting[:told])
        return text

    def _written(self, waiting: Sequence[_Hint]) -> tuple[str, int]:
        """A message of the worst, and how many of them it names."""
        if not waiting:
            return "", 0
        room = self._max_characters - len(_HEAD) - len(_more(len(waiting)))
        text, told = waiting[0].text, 1
        if len(text) > room:
            text = text[: max(0, room - len(_CUT))] + _CUT
        for hint in waiting[1:]:
            longer = text + _JOINT + hint.text
            if len(longer) > room:
                break
            text, told = longer, told + 1
        return (_HEAD + text + _more(len(waiting) - told))[: self._max_characters], told

    def _told(self, keys: Iterable[Key]) -> None:
        for key in keys:
            hints = self._pending.get(key.service)
            if hints is not None:
                hints.pop(key, None)
                if not hints:
                    del self._pending[key.service]


def _more(count: int) -> str:
    return f" ({count} more)" if count else ""
