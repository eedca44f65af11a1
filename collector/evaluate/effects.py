"""What a request brought about: whether it worked, and what was written or published below it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from collector import classify, semconv
from collector.classify import SpanKind
from collector.evaluate.tree import ENTRIES, Tree
from collector.statements import removes
from collector.views import Span

#: What an effect is that does nothing the second time.
DELETE = "delete"

_MOST = 16  # effects remembered below one span
_ERROR = 2
_WORKED = range(200, 400)
_GRPC_OK = frozenset({"", "0", "OK"})


class Effect(NamedTuple):
    """A change that others can see.

    Attributes:
        what: publish, or the verb of a write to a database.
        where: the destination, the table, or else the system or peer.
    """

    what: str
    where: str

    def __str__(self) -> str:
        return f"{self.what} {self.where}".strip()


class Effects:
    """The effects below each span of a trace.

    Made by ``trace.derived(Effects)``, once for all policies that ask for it.

    Args:
        spans: each span id once, in any order.
    """

    def __init__(self, spans: Sequence[Span]) -> None:
        tree = Tree(spans)
        self._below: dict[bytes, set[Effect]] = defaultdict(set)
        found = [(effect, span) for span in spans if (effect := _effect(span)) is not None]
        for effect, span in sorted(found, key=lambda one: (one[0], one[1].span_id)):
            for above in tree.above(span):
                known = self._below[above.span_id]
                if effect in known or len(known) >= _MOST:
                    break  # so do all that are above this one: each span is met a few times only
                known.add(effect)

    def below(self, span: Span) -> frozenset[Effect]:
        """What was written or published on a span's behalf, itself left out."""
        return frozenset(self._below.get(span.span_id, ()))


def _effect(span: Span) -> Effect | None:
    if classify.publishes(span.kind, span.attributes):
        return Effect("publish", span.peer)
    said = span.statement
    if not said.effect:
        return None
    return Effect(DELETE if _deletes(span) else said.verb.value, said.table or said.system)


def _deletes(span: Span) -> bool:
    """Whether a write removes what it can remove once only."""
    told = span.statement.text or semconv.text(span.attributes, "db.operation.name") or span.name
    return removes(told)


def succeeded(span: Span) -> bool:
    """Whether a span says that its request worked; one without a told answer does not."""
    attributes = span.attributes
    if span.failed or span.status == _ERROR or semconv.first(attributes, "error.type"):
        return False
    status = semconv.integer(attributes, "http.response.status_code")
    if status or semconv.first(attributes, "http.request.method"):
        return status in _WORKED
    return classify.grpc_status(attributes) in _GRPC_OK


def served(call: Span, tree: Tree) -> Iterator[Span]:
    """The SERVER spans in which a call was served, past what its own client or a proxy adds."""
    seen = {call.span_id}
    waiting = list(tree.children(call))
    while waiting:
        span = waiting.pop()
        if span.span_id in seen:
            continue
        seen.add(span.span_id)
        if span.kind is SpanKind.SERVER:
            yield span
        elif span.kind not in ENTRIES:
            waiting += tree.children(span)
