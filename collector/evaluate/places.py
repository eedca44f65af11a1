"""Names for what a person would go and change: the code that calls, and what it calls."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address

from collector.classify import mask_name
from collector.evaluate.tree import Tree
from collector.views import Span
from collector.wholes import cut, cut_query

#: Stands for the address of an instance, which is another tomorrow; the evidence tells it.
_ADDRESS = "{address}"

_PORT = re.compile(r":[0-9]{1,5}\Z", re.ASCII)
_SHORT = 160  # characters of a name or a query within a subject


def short(text: str) -> str:
    """A text that leaves room for others beside it."""
    return cut(text, _SHORT)


def short_query(query: str) -> str:
    """The same of a query without its values."""
    return cut_query(query, _SHORT)


@lru_cache(maxsize=4096)
def peer_name(peer: str) -> str:
    """A peer as a subject names it: without the addresses and ids of its instances."""
    if _is_address(peer):
        return _address(peer)
    port = _PORT.search(peer)
    host, after = (peer[: port.start()], port[0]) if port else (peer, "")
    return f"{_address(host) if _is_address(host) else mask_name(host)}{after}"


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _address(host: str) -> str:
    """An address that every host has, or what stands for one that is of one instance alone."""
    told = ip_address(host.strip("[]"))
    return host if told.is_loopback or told.is_link_local else _ADDRESS


def doing(span: Span) -> str:
    """What a span does, with ids masked; of one without an operation its name."""
    if span.operation and not span.statement.system:
        return short(span.operation)
    return short(mask_name(span.operation or span.name))


def called(span: Span) -> str:
    """Peer and operation of a call."""
    return f"{short(peer_name(span.peer))} {doing(span)}".strip()


def working(tree: Tree, span: Span) -> str:
    """On behalf of what a span ran: its service's entry, else its parent; empty when unseen."""
    above = tree.entry(span) or tree.parent(span)
    return doing(above) if above is not None else ""


def joined(where: str, what: str) -> str:
    """A place, and what is done there, as one subject."""
    return f"{where}: {what}" if where else what
