"""Transactions of databases, as far as their BEGIN and COMMIT are spans of one parent."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple, TypeAlias

from collector.classify import SpanKind
from collector.evaluate.tree import OUTGOING, ended
from collector.statements import Verb
from collector.views import Span

_ENDS = frozenset({Verb.COMMIT, Verb.ROLLBACK})
_Family: TypeAlias = tuple[bytes, int]


class Transaction(NamedTuple):
    """What ran between BEGIN and COMMIT or ROLLBACK.

    Attributes:
        begin: the span of BEGIN.
        end: the span of COMMIT or ROLLBACK.
        statements: how many stand between them.
        calls: other calls of the same parent, or of an INTERNAL span of it, that began and ended
            between two of its statements, so that it waited for them.
    """

    begin: Span
    end: Span
    statements: int
    calls: tuple[Span, ...]

    @property
    def lasted(self) -> int:
        """From the start of BEGIN to the end of the last statement, in nanoseconds."""
        return ended(self.end) - self.begin.start


class Transactions:
    """The transactions of a trace.

    Where two of one database overlap under one parent, nothing tells which statement is whose:
    they are left out.

    Args:
        spans: each span id once, in any order.
    """

    def __init__(self, spans: Sequence[Span]) -> None:
        self.complete: list[Transaction] = []
        self._inside: set[bytes] = set()
        self._begun: dict[_Family, int] = {}
        databases: dict[tuple[_Family, str, str], list[Span]] = defaultdict(list)
        calls: dict[_Family, list[Span]] = defaultdict(list)
        self._by_id = by_id = {span.span_id: span for span in spans}
        for span in sorted(spans, key=lambda one: (one.start, ended(one), one.span_id)):
            family = (span.parent_id, span.resource.identity)
            if not span.parent_id:
                continue
            if span.statement.verb is Verb.BEGIN:
                self._begun.setdefault(family, span.start)
            if span.statement.system:
                databases[family, span.statement.system, span.peer].append(span)
            elif span.kind in OUTGOING:
                calls[family].append(span)
                above = by_id.get(span.parent_id)
                if above is not None and above.kind is SpanKind.INTERNAL:
                    calls[above.parent_id, above.resource.identity].append(span)
        for (family, _, _), statements in databases.items():
            for block in self._blocks(statements):
                self.complete.append(_transaction(block, calls.get(family, ())))

    def holds(self, span: Span) -> bool:
        """Whether a statement stands after a BEGIN whose transaction had not ended.

        Of one in a span of its own that began after a BEGIN beside that span, it is assumed.
        """
        if span.span_id in self._inside:
            return True
        above = self._by_id.get(span.parent_id)
        if above is None or above.kind is not SpanKind.INTERNAL:
            return False
        begun = self._begun.get((above.parent_id, above.resource.identity))
        return begun is not None and begun <= span.start

    def _blocks(self, statements: Sequence[Span]) -> Iterator[Sequence[Span]]:
        """From each BEGIN to its end, where no other began in between."""
        depth = 0
        block: list[Span] = []
        alone = True
        for span in statements:
            verb = span.statement.verb
            if verb is Verb.BEGIN:
                block, alone = ([], True) if not depth else (block, False)
                depth += 1
            if depth:
                block.append(span)
                self._inside.add(span.span_id)
            if depth and verb in _ENDS:
                depth -= 1
                if not depth and alone and span.start > block[0].start:
                    yield block


def _transaction(block: Sequence[Span], calls: Sequence[Span]) -> Transaction:
    starts = [one.start for one in block]
    ends = list(accumulate((ended(one) for one in block), max))
    within = []
    first, last = (bisect_left(calls, at, key=_start) for at in (ends[0], starts[-1]))
    for call in calls[first:last]:
        before = bisect_left(starts, ended(call))
        if before < len(block) and ends[before - 1] <= call.start < ended(call):
            within.append(call)
    return Transaction(block[0], block[-1], len(block) - 2, tuple(within))


def _start(span: Span) -> int:
    return span.start
