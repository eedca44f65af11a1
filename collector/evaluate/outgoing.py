"""What leaves the engine: violations and readings of which every text is safe to show."""

from __future__ import annotations

from collections.abc import Callable

from collector.evaluate.policy import Reading
from collector.violation import Service, Violation

#: Characters of a text that leaves; a finding is kept for long, and there are many.
_LONGEST = 512


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _service(service: Service, scrub: Callable[[str], str]) -> Service:
    return Service(scrub(service.name), scrub(service.namespace), scrub(service.environment))


def scrubbed_violation(violation: Violation, scrub: Callable[[str, str], str]) -> Violation:
    """A violation of which every text has passed the scrubber.

    What an opt-in detector looks for may stand in names that a user needs to see; only where it
    is what is reported must it not be seen beside its own mask.

    Args:
        violation: as a policy made it.
        scrub: makes a text safe to show, given what is removed beyond what always is.
    """
    detector = str(violation.evidence.get("detector", ""))

    def own(text: str) -> str:
        return _cut(scrub(text, detector))

    def usual(text: str) -> str:
        return scrub(text, "")

    def clean(value: object) -> object:
        if isinstance(value, str):
            return own(value)
        if isinstance(value, tuple):
            return tuple(clean(item) for item in value)
        return value

    return Violation(
        policy=violation.policy,
        kind=violation.kind,
        severity=violation.severity,
        signal=violation.signal,
        service=_service(violation.service, usual),
        subject=own(violation.subject),
        basis=violation.basis,
        summary=own(violation.summary),
        remedy=violation.remedy,
        count=violation.count,
        trace_id=violation.trace_id,
        evidence={key: clean(value) for key, value in violation.evidence.items()},  # type: ignore[misc]
    )


def scrubbed_reading(reading: Reading, scrub: Callable[[str], str]) -> Reading:
    """A reading of which every text has passed the scrubber.

    Args:
        reading: as a policy made it.
        scrub: makes a text safe to show.
    """
    return reading._replace(
        service=None if reading.service is None else _service(reading.service, scrub),
        labels=tuple((key, scrub(value)) for key, value in reading.labels),
    )
