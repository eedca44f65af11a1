"""Calls each in a span of its own, as methods that are run again and loops make them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import TypeAlias

from collector.classify import SpanKind
from collector.evaluate.tree import OUTGOING, same_service
from collector.views import Span

#: What calls are siblings by: the id of a parent, and the name of the spans in between, if any.
Siblings: TypeAlias = tuple[bytes, str]

_NUMBERS = re.compile(r"[0-9]+", re.ASCII)
_ATTEMPT = re.compile(r"attempt|retr(?:y|ies)\b|\btry\b", re.IGNORECASE | re.ASCII)
_LONGEST = 256  # characters of a name that are looked at


def unnumbered(name: str) -> str:
    """A name without what numbers the spans of a loop."""
    return _NUMBERS.sub("", name[:_LONGEST])


class Wrappers:
    """The INTERNAL spans of a trace that hold one call each.

    Args:
        by_id: the spans of the trace, by their id.
    """

    def __init__(self, by_id: Mapping[bytes, Span]) -> None:
        self._by_id = by_id
        self._calls = Counter(span.parent_id for span in by_id.values() if span.kind in OUTGOING)

    def siblings(self, call: Span, *, specific: bool) -> Siblings:
        """What a call is a sibling of others by.

        A loop over items has such spans too. They are attempts where what the calls share tells
        items apart, or where their name says so.

        Args:
            call: a CLIENT span.
            specific: whether what it shares with others like it tells items apart.
        """
        direct = (call.parent_id or call.span_id, "")
        around = self._by_id.get(call.parent_id)
        if around is None or around.kind is not SpanKind.INTERNAL or not around.parent_id:
            return direct
        if self._calls[call.parent_id] > 1 or not same_service(around, call):
            return direct
        name = unnumbered(around.name)
        return (around.parent_id, name or "_") if specific or _ATTEMPT.search(name) else direct
