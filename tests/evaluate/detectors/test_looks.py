"""Where a part of a decoded text stands in the text that was received."""

from __future__ import annotations

import re

import pytest

from collector.evaluate.detectors.looks import Look, decoded

_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")


@pytest.mark.parametrize(
    ("received", "part", "stands"),
    [
        ("a%41b", "b", "b"),
        ("a%41b", "A", "%41"),
        ("a%41b", "aAb", "a%41b"),
        ("%41%42c", "B", "%41%42"),  # a run belongs to the part as a whole
        ("x%5Cnyz", "\nyz", "%5Cnyz"),
        ("%2541b", "A", "%2541"),
        ("%C3%A9-%41", "A", "%41"),
        ("plain%20x", "plain", "plain"),
    ],
)
def test_a_part_is_found_again(received: str, part: str, stands: str) -> None:
    look = next(one for one in reversed(decoded(Look(received))) if part in one.text)
    start = look.text.index(part)
    begin, end = look.origin(start, start + len(part))
    assert received[begin:end] == stands


def test_each_encoded_part_is_resolved_once_however_many_finds_there_are() -> None:
    """Whoever sends many finds after many encoded parts must not be paid with their product."""
    resolved = []

    def resolve(match: re.Match[str]) -> str:
        resolved.append(match.start())
        return "A"

    source = Look("%41x" * 100)
    look = Look("Ax" * 100, source, _PERCENT, resolve)
    for start in range(0, 200, 2):
        look.origin(start, start + 1)
    assert resolved == list(range(0, 400, 4))
