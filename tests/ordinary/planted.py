"""Faults of which every share is known, to see what a sample of traces makes of them."""

from __future__ import annotations

from typing import NamedTuple

from ordinary.calls import fetch, process_message, publish, serve
from ordinary.tracing import ERROR, INTERNAL, Trace, Where
from ordinary.world import World

RETRIED, REDELIVERED, BEGUN, ORPHANED, UNLINKED = 0.3, 0.25, 0.4, 0.35, 0.3


class Share(NamedTuple):
    """A share that a policy tells of.

    Attributes:
        policy: its id.
        part: name in its evidence of what is counted.
        whole: of what it is a share.
        planted: how large it is.
        clustered: how many of what is counted stand in one trace at most.
    """

    policy: str
    part: str
    whole: str
    planted: float
    clustered: int = 1


SHARES = (
    Share("retry-storm", "retries", "originals", RETRIED),
    Share("message-redelivery", "redeliveries", "deliveries", REDELIVERED),
    Share("root-calls", "calls", "roots", BEGUN),
    Share("orphan-spans", "orphans", "children", ORPHANED, clustered=2),
    Share("messages-without-context", "unlinked", "processed", UNLINKED),
)


def retried(t: Trace, world: World) -> None:
    """A call that fails the first time, in a share of the traces."""
    shop, pricing = world["storefront"], world["pricing"]
    path = f"/prices/{t.random.randrange(10**9)}"
    with serve(t, shop, "GET", "/offers"):
        for failing in (True, False) if t.chance(RETRIED) else (False,):
            with fetch(t, shop, "pricing", "GET", path) as span:
                if failing:
                    span.attributes["http.response.status_code"], span.status = 503, ERROR
                    continue
                with serve(t, pricing, "GET", "/prices/{sku}", path):
                    t.work(1)
            t.work(20)


def redelivered(t: Trace, world: World) -> None:
    """A message that did not come for the first time."""
    billing, email = world["billing"], world["email"]
    count = {"messaging.servicebus.message.delivery_count": 2 if t.chance(REDELIVERED) else 1}
    with t.span(billing, INTERNAL, "task"):
        sent = publish(t, billing, "mails", system="servicebus")
    with t.under(sent), process_message(t, email, "mails", system="servicebus", **count):
        t.work(1)


def begun(t: Trace, world: World) -> None:
    """A trace that begins with a call."""
    hooks, accounts = world["webhooks"], world["accounts"]
    if t.chance(BEGUN):
        with fetch(t, hooks, "accounts", "GET", "/a"), serve(t, accounts, "GET", "/a"):
            t.work(1)
    else:
        with t.span(hooks, INTERNAL, "job"):
            t.work(1)


def orphaned(t: Trace, world: World) -> None:
    """Two calls in a process that lost the span above them."""
    cart = world["cart"]
    if t.chance(ORPHANED):
        with t.under(Where(t.id, t.random.randbytes(8), cart)):
            for name in "ab":
                with t.span(cart, INTERNAL, name):
                    t.work(1)
    else:
        with t.span(cart, INTERNAL, "job"):
            for name in "ab":
                with t.span(cart, INTERNAL, name):
                    t.work(1)


def unlinked(t: Trace, world: World) -> None:
    """A message that is processed for nobody."""
    relay, fraud = world["relay"], world["fraud"]
    if t.chance(UNLINKED):
        with process_message(t, fraud, "payments"):
            t.work(1)
        return
    with t.span(relay, INTERNAL, "outbox.poll"):
        sent = publish(t, relay, "payments")
    with t.under(sent), process_message(t, fraud, "payments"):
        t.work(1)


#: The programs, equally often.
MIX = dict.fromkeys((retried, redelivered, begun, orphaned, unlinked), 1.0)
