"""Builds the detectors that a policy file brings."""

from __future__ import annotations

from collector.evaluate.detectors import custom
from collector.evaluate.detectors.base import Detector
from collector.policymodel import DetectorEntry
from collector.problem import quoted
from collector.validation import Fault
from collector.violation import Severity


def taken_name(entry: DetectorEntry) -> Fault:
    """What is wrong with an entry whose name another one has."""
    return Fault(("name",), f"{quoted(entry.name)} is taken by another detector")


def detector(entry: DetectorEntry) -> Detector | Fault:
    """A detector, or what is wrong with its entry.

    Args:
        entry: as the file has it, every key by itself right.
    """
    try:
        found_by = custom.expression(entry.expression)
    except ValueError as error:
        return Fault(("expression",), str(error))
    try:
        return custom.detector(
            entry.name,
            Severity.parse(entry.severity),
            found_by,
            literals=entry.literals,
            keys=entry.keys,
            min_entropy=entry.min_entropy,
            public=entry.public,
        )
    except ValueError as error:
        return Fault((), str(error))
