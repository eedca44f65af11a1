"""HTTP requests that are sent again for another reason than a failure.

``http.request.resend_count`` counts redirects and auth challenges too, and a redirect mostly leads
to another URL, so what a request followed is looked for among all calls of the same parent.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from typing import TypeAlias

from collector import semconv
from collector.classify import SpanKind
from collector.views import Span
from collector.violation import Service

_REDIRECTS = range(300, 400)
_CHALLENGES = frozenset({401, 407})
_Caller: TypeAlias = tuple[bytes, Service]


def asks_again(span: Span) -> bool:
    """Whether an answer asks for one more request: elsewhere, or with credentials."""
    status = semconv.integer(span.attributes, "http.response.status_code")
    return status is not None and (status in _REDIRECTS or status in _CHALLENGES)


def caller(span: Span) -> _Caller:
    """What calls are siblings by; a root is its own."""
    return (span.parent_id or span.span_id, span.resource.service)


class Resends:
    """Which requests of a trace were sent again because an answer asked for it.

    Args:
        spans: of one trace, in any order.
    """

    def __init__(self, spans: Sequence[Span]) -> None:
        asked: dict[_Caller, dict[int, int]] = defaultdict(dict)
        if any(span.attempts.resent for span in spans):
            for span in spans:
                if span.kind is SpanKind.CLIENT and asks_again(span):
                    counts = asked[caller(span)]
                    resent = span.attempts.resent
                    counts[resent] = min(span.start, counts.get(resent, span.start))
        self._asked = dict(asked)
        self._sorted = {key: sorted(counts) for key, counts in asked.items()}

    def excused(self, span: Span, before: Span | None) -> bool:
        """Whether the request before a resent one asked for it.

        Args:
            span: the resent request.
            before: the last request of the same URL.
        """
        wanted = span.attempts.resent - 1
        if before is not None and before.attempts.resent == wanted:
            return asks_again(before)
        earliest = self._asked.get(caller(span), {}).get(wanted)
        return earliest is not None and earliest <= span.start

    def number(self, span: Span) -> int:
        """Which attempt a resent request is, without those that were asked for."""
        resent = span.attempts.resent
        return 1 + resent - bisect_left(self._sorted.get(caller(span), ()), resent)
