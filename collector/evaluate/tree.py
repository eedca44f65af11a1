"""A trace as a tree: who called whom, and on whose behalf."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from collector import semconv
from collector.classify import SpanKind, mask_name
from collector.views import Span

ENTRIES = frozenset({SpanKind.SERVER, SpanKind.CONSUMER})
OUTGOING = frozenset({SpanKind.CLIENT, SpanKind.PRODUCER})
#: What `serves_request` reads beside what a decoder keeps anyway.
FUNCTION_KEYS = frozenset({"faas.trigger", "faas.invocation_id", "faas.execution"})

_METHOD = "http.request.method"
_HIGHEST = 64  # ancestors that are looked at


def ended(span: Span) -> int:
    """The end of a span in nanoseconds, never before its start, whatever its clock did."""
    return max(span.start, span.end)


def took(span: Span) -> int:
    """How long a span lasted, in nanoseconds."""
    return ended(span) - span.start


def same_service(one: Span, other: Span) -> bool:
    """Whether two spans are of one service, by its name, namespace and environment."""
    return one.resource.service == other.resource.service


def serves_request(span: Span) -> bool:
    """Whether somebody waits for a SERVER span; it can be a function that a timer or queue calls.

    Libraries for functions make it SERVER whatever called it, and few tell the trigger; a function
    that answers a request says something of that.
    """
    if span.kind is not SpanKind.SERVER:
        return False
    if FUNCTION_KEYS.isdisjoint(span.attributes):
        return True
    told = semconv.text(span.attributes, "faas.trigger").lower()
    return told == "http" or bool(not told and semconv.text(span.attributes, _METHOD))


def operation_of(span: Span) -> str:
    """What a span does; of those in between, which have no operation, the name without ids."""
    return span.operation or mask_name(span.name)


class Tree:
    """The spans of a trace by id and by parent.

    Made by ``trace.derived(Tree)``, once for all policies that ask for it.

    Args:
        spans: each span id once, in any order.
    """

    def __init__(self, spans: Sequence[Span]) -> None:
        self.spans = spans
        self.by_id = {span.span_id: span for span in spans}
        children: dict[bytes, list[Span]] = defaultdict(list)
        for span in sorted(spans, key=lambda one: (one.start, one.end, one.span_id)):
            if span.parent_id != span.span_id:
                children[span.parent_id].append(span)
        self._children = dict(children)

    def parent(self, span: Span) -> Span | None:
        """The span above a span; None when it was not seen."""
        parent = self.by_id.get(span.parent_id)
        return None if parent is span else parent

    def children(self, span: Span) -> Sequence[Span]:
        """The spans below a span, those that started first first."""
        return self._children.get(span.span_id, ())

    def families(self) -> Iterator[tuple[bytes, Sequence[Span]]]:
        """Each parent's id, seen or not, with the spans below it; an empty id for roots."""
        yield from self._children.items()

    def above(self, span: Span) -> Iterator[Span]:
        """The spans above a span, the nearest first; a circle ends where it closes.

        Higher ones than decoders look at for marks are left out: a trace can be one long chain.
        """
        seen = {span.span_id}
        parent = self.parent(span)
        while parent is not None and parent.span_id not in seen and len(seen) <= _HIGHEST:
            yield parent
            seen.add(parent.span_id)
            parent = self.parent(parent)

    def below(self, span: Span) -> Iterator[Span]:
        """All spans below a span, in no order that matters."""
        seen = {span.span_id}
        waiting = list(self.children(span))
        while waiting:
            one = waiting.pop()
            if one.span_id not in seen:
                seen.add(one.span_id)
                yield one
                waiting += self.children(one)

    def entry(self, span: Span) -> Span | None:
        """The SERVER or CONSUMER span of its own service on whose behalf a span worked."""
        for above in self.above(span):
            if not same_service(above, span):
                return None
            if above.kind in ENTRIES:
                return above
        return None
