"""Makes text safe to show: every secret in it is replaced by the name of its detector."""

from __future__ import annotations

from functools import lru_cache

from collector.evaluate.detectors.scan import Detectors
from collector.violation import Evidence

_MARGIN = 4096  # characters after the cut that are looked at, for a secret that begins before it
_PASSES = 4  # removing one secret can bring the halves of another together
_REPEATED = 5  # a secret at least so long is removed wherever else it stands in the text
CUT = "…"
NOT_SHOWN = "[not shown]"


class Scrubber:
    """Removes what the detectors find from text that leaves the auditor.

    Opt-in detectors have no say in it: a service that is named by a UUID keeps its name.

    Args:
        detectors: what to look for.
        max_length: longer texts are cut, so that nothing leaves that was not looked at
            (ours: 8 KiB).
        remembered: texts whose result is remembered (ours: 4096).
    """

    def __init__(
        self, detectors: Detectors, *, max_length: int = 8192, remembered: int = 4096
    ) -> None:
        self._detectors = detectors
        self._max_length = max_length
        self._known = lru_cache(maxsize=remembered)(self._scrubbed)

    def text(self, text: str, also: str = "") -> str:
        """The text with each secret replaced by the name of its detector in brackets.

        Args:
            text: a subject, a service, a span's name, a label value, a sentence.
            also: an opt-in detector whose finds are removed too.
        """
        return self._known(text, also if also in self._detectors.opted else "")

    def mapping(self, evidence: Evidence) -> Evidence:
        """Evidence of which every text has been scrubbed.

        Args:
            evidence: numbers, texts and tuples of them, by name.
        """
        return {name: self._any(value) for name, value in evidence.items()}  # type: ignore[misc]

    def _any(self, value: object) -> object:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, tuple):
            return tuple(self._any(item) for item in value)
        return value

    def _scrubbed(self, text: str, also: str) -> str:
        limit = self._max_length
        seen, rest = text[: limit + _MARGIN], len(text) > limit
        for _ in range(_PASSES):
            cleaned, limit = self._once(seen, limit, also)
            if cleaned == seen:
                return cleaned[:limit] + CUT if rest else cleaned
            seen = cleaned
        return NOT_SHOWN  # whatever is built so that each pass brings out another secret

    def _once(self, text: str, limit: int, also: str) -> tuple[str, int]:
        """The text without what is found in it, and where the cut now lies."""
        found = self._detectors.find(text)
        removed = [one for one in found if not one.detector.opt_in or one.detector.name == also]
        finds = sorted(removed, key=lambda find: find.start)
        parts: list[str] = []
        done, cut = 0, limit
        for find in finds:
            start = max(find.start, done)
            if find.end <= start:
                continue
            mark = f"[{find.detector.name}]"
            parts += [text[done:start], mark]
            done = find.end
            if start < limit:
                cut += len(mark) - (find.end - start)
                cut = max(cut, sum(map(len, parts)))
        cleaned = "".join([*parts, text[done:]])
        for find in finds:
            for secret in {find.secret, text[find.start : find.end]}:
                if len(secret) >= _REPEATED and not any(
                    secret in name for name in self._detectors.names
                ):
                    cleaned = cleaned.replace(secret, f"[{find.detector.name}]")
        return cleaned, cut
