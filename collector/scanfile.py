"""Runs the detectors over a text or a file of OTLP/JSON, for people who want to try one."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from collector.decode import best
from collector.decode.limits import Limits
from collector.decode.otlp_json import to_protobuf
from collector.evaluate.detectors.finds import Find, preview
from collector.evaluate.detectors.scan import Detectors
from collector.evaluate.engine import Engine
from collector.evaluate.kinds.sensitive_value import Kind, SensitiveOptions
from collector.evaluate.policy import Terms
from collector.evaluate.scrub import Scrubber
from collector.violation import Severity, Signal, Violation

#: Characters that are looked at once; `OVERLAP` of them again with the next.
CHUNK = 49_152
#: The longest secret that is found wherever it begins: an RSA key of 8192 bits has 6.4 thousand.
OVERLAP = 16_384

_ROOTS = {
    "resourceSpans": Signal.TRACES,
    "resourceLogs": Signal.LOGS,
    "resourceMetrics": Signal.METRICS,
}


class Scanned(NamedTuple):
    """A secret or personal datum in what was scanned.

    Attributes:
        place: LINE:COLUMN of a text; service, place and key of OTLP.
        detector: what found it.
        severity: of the find.
        preview: masked; safe to show.
        fingerprint: keyed hash, by which equal secrets are seen to be equal.
    """

    place: str
    detector: str
    severity: Severity
    preview: str
    fingerprint: str


def scan_text(text: str, detectors: Detectors, now: float, key: str = "") -> Iterator[Scanned]:
    """What stands in a text, in its order.

    Args:
        text: of any length.
        detectors: ready.
        now: seconds since 1970; a token that has expired is for information.
        key: the attribute under which it would stand.
    """
    starts = [0, *(at + 1 for at, char in enumerate(text) if char == "\n")]
    done = 0
    for base in range(0, max(len(text) - OVERLAP, 1), CHUNK - OVERLAP):
        piece = text[base : base + CHUNK]
        for find in sorted(detectors.find(piece, key), key=lambda one: one.start):
            start, end = base + find.start, base + find.end
            cut = end == base + CHUNK and end < len(text)
            if start < done or (cut and start >= base + CHUNK - OVERLAP):
                continue  # the last piece has shown it, or the next one shows all of it
            done = end
            line = bisect_right(starts, start)
            place = f"{line}:{start - starts[line - 1] + 1}"
            yield _scanned(place, find, detectors, now)


def _scanned(place: str, find: Find, detectors: Detectors, now: float) -> Scanned:
    expired = find.expires is not None and find.expires < now
    severity = Severity.INFO if expired else find.detector.rank.severity
    return Scanned(
        place, find.detector.name, severity, preview(find), detectors.fingerprint(find.secret)
    )


def otlp_requests(data: bytes) -> list[tuple[Signal, bytes]] | None:
    """The requests in a file of OTLP/JSON: one object, or one a line; None for any other file.

    Args:
        data: the file.

    Raises:
        DecodeError: if it is OTLP/JSON with a mistake; its text names the place.
    """
    found = []
    for line in _objects(data):
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            return None
        roots = [root for root in _ROOTS if isinstance(said, dict) and root in said]
        if not roots:
            return None
        for root in roots:
            message = to_protobuf(_ROOTS[root], json.dumps({root: said[root]}).encode())
            found.append((_ROOTS[root], message.SerializeToString()))
    return found or None


def _objects(data: bytes) -> Sequence[bytes]:
    stripped = data.strip()
    if not stripped.startswith(b"{"):
        return [b""] if stripped else []
    try:
        json.loads(stripped)
    except (ValueError, RecursionError):
        return [line for line in stripped.splitlines() if line.strip()]
    return [stripped]


def scan_otlp(
    requests: Sequence[tuple[Signal, bytes]], detectors: Detectors, now: float
) -> Iterator[Scanned]:
    """What stands in OTLP requests, wherever policies look.

    Args:
        requests: from `otlp_requests`.
        detectors: ready.
        now: seconds since 1970.

    Raises:
        DecodeError: if a request cannot be read.
    """
    options = SensitiveOptions(also=tuple(sorted(detectors.opted)))
    policy = Kind(Terms("scan", "sensitive_value"), options)
    engine = Engine([policy], detectors=detectors, scrubber=Scrubber(detectors))
    decoder: Any = best.decoder(engine.demand, Limits(), b"scan of one file")
    for signal, data in requests:
        for batch in decoder.slices(signal, decoder.parse(signal, data), now):
            verdict = engine.evaluate(batch, now)
            for value in verdict.bad:
                decoder.remember_bad(value)
            yield from map(_reported, verdict.violations)


def _reported(violation: Violation) -> Scanned:
    evidence = {name: str(text) for name, text in violation.evidence.items()}
    where = [violation.service.name, evidence["place"].replace("_", " ")]
    where += [evidence[name] for name in ("key", "member", "name") if name in evidence]
    return Scanned(
        " / ".join(part for part in where if part),
        evidence["detector"],
        violation.severity,
        evidence["preview"],
        evidence["fingerprint"],
    )
