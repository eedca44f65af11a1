"""Names for what a person would go and change: the code that calls, and what it calls."""

from __future__ import annotations

from collector.classify import mask_name
from collector.evaluate.tree import Tree
from collector.views import Span

_SHORT = 160  # characters of a name or a query within a subject


def short(text: str) -> str:
    """A text that leaves room for others beside it."""
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…"


def doing(span: Span) -> str:
    """What a span does; of one without an operation its name, with ids masked."""
    return short(span.operation or mask_name(span.name))


def called(span: Span) -> str:
    """Peer and operation of a call."""
    return f"{short(span.peer)} {doing(span)}".strip()


def working(tree: Tree, span: Span) -> str:
    """On behalf of what a span ran: its service's entry, else its parent; empty when unseen."""
    above = tree.entry(span) or tree.parent(span)
    return doing(above) if above is not None else ""


def joined(where: str, what: str) -> str:
    """A place, and what is done there, as one subject."""
    return f"{where}: {what}" if where else what
