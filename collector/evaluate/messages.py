"""Spans about messages: what they did with one, and from which queue it came."""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from collector import semconv
from collector.classify import SpanKind, mask_name, publishes
from collector.demand import any_of
from collector.evaluate.places import peer_name
from collector.evaluate.tree import operation_of
from collector.semconv import Attributes
from collector.views import Span
from collector.violation import Service
from collector.wholes import cut

_GROUPS = (
    "messaging.consumer.group.name",
    "messaging.destination.subscription.name",
    "messaging.kafka.consumer.group",
    "messaging.kafka.consumer_group",
    "messaging.eventhubs.consumer.group",
    "messaging.rocketmq.client_group",
    "messaging.servicebus.destination.subscription_name",
)
_TEMPLATE = "messaging.destination.template"
_UNNAMED = ("messaging.destination.temporary", "messaging.destination.anonymous")
_OPERATION = "messaging.operation.name"

#: Where SDKs for the cloud name a topic or queue that has no other name.
ADDRESSES = ("aws.sns.topic.arn", "aws.sqs.queue.url")

_STATE = "celery.state"
_AGAIN = "RETRY"

_ERROR = 2

#: The destination of messages for queues that are made for one client and then deleted.
TEMPORARY = "(temporary)"

#: What is read here beside what a decoder keeps anyway.
MESSAGE_KEYS = frozenset({*_GROUPS, _TEMPLATE, *_UNNAMED, *ADDRESSES, _OPERATION, _STATE})

#: Patterns of destinations that take what could not be processed (ours).
DEAD_LETTERS = (
    "*dlq*",
    "*dead-letter*",
    "*dead_letter*",
    "*dead.letter*",
    "*deadletter*",
    "*.dlt",
    "*-dlt",
    "*_dlt",
    "*.dlx",
    "*-dlx",
    "*_dlx",
    "*.dlx:*",
    "*-dlx:*",
    "*_dlx:*",
)

#: Patterns of destinations that are about those, and take none of their messages (ours). Where the
#: word stands before, they are those of a queue for replays.
ABOUT_DEAD_LETTERS = (
    "*redriv*",
    "*dlq*replay*",
    "*dead*letter*replay*",
    "*dlq*reprocess*",
    "*dead*letter*reprocess*",
    "*dlq*resubmit*",
    "*dead*letter*resubmit*",
    "*dlq*requeue*",
    "*dead*letter*requeue*",
    "?*dlq*alert*",
    "?*dead*letter*alert*",
    "?*dlq*alarm*",
    "?*dead*letter*alarm*",
    "*dlq*monitor*",
    "*dead*letter*monitor*",
    "*no-dlq*",
    "*no_dlq*",
    "*nodlq*",
)


_LETTER = re.compile("[A-Za-z]")


def any_case(pattern: str) -> str:
    """A shell-style pattern that matches in any case; brackets say themselves what they mean."""
    if "[" in pattern:
        return pattern
    return _LETTER.sub(lambda one: f"[{one[0].lower()}{one[0].upper()}]", pattern)


@lru_cache(maxsize=1)
def _dead_letters() -> re.Pattern[str] | None:
    return any_of(tuple(any_case(pattern) for pattern in DEAD_LETTERS))


def from_dead_letters(span: Span) -> bool:
    """Whether a message comes from a dead-letter queue, with the deliveries of its life before."""
    known = _dead_letters()
    return known is not None and known.match(destination(span)) is not None


class Role(Enum):
    """What a span does with a message; the words are those that libraries use for it."""

    PROCESS = "process deliver consume handle"
    RECEIVE = "receive poll fetch pull subscribe recv"
    SEND = "send publish produce enqueue"
    CREATE = "create"
    SETTLE = "settle ack nack commit complete abandon reject"
    OTHER = ""


_BY_WORD = {word: role for role in Role for word in role.value.split()}
_FITTING = {
    SpanKind.CONSUMER: (Role.PROCESS, Role.RECEIVE, Role.SETTLE),
    SpanKind.PRODUCER: (Role.SEND, Role.CREATE),
    SpanKind.CLIENT: tuple(Role),
}
_BY_KIND = {SpanKind.CONSUMER: Role.PROCESS, SpanKind.PRODUCER: Role.SEND}


def role(span: Span) -> Role:
    """What a span does with a message, as far as it tells.

    The type of the operation decides, else its name, else the first or last word of the span's
    name, as the conventions put it, where that fits the span's kind, else the kind alone.
    """
    told = semconv.text(span.attributes, "messaging.operation.type").lower()
    if span.kind is SpanKind.CLIENT and publishes(span.kind, span.attributes):
        return Role.SEND
    if told:
        return _BY_WORD.get(told, Role.OTHER)
    words = span.name[:256].lower().split()
    named = str(span.attributes.get(_OPERATION) or "").lower()
    fitting = _FITTING.get(span.kind, ())
    for word in (named, *words[:1], *words[-1:]):
        known = _BY_WORD.get(word)
        if known in fitting:
            return known
    return _BY_KIND.get(span.kind, Role.OTHER)


class Queue(NamedTuple):
    """Where messages come from, for one group of consumers of a service."""

    service: Service
    destination: str
    group: str = ""

    @property
    def subject(self) -> str:
        """The destination, and the group where it is told."""
        return f"{self.destination} ({self.group})" if self.group else self.destination


def queue(span: Span) -> Queue:
    """The queue that a span sends to or takes from."""
    attributes = span.attributes
    group = next((str(attributes[key]) for key in _GROUPS if attributes.get(key)), "")
    return Queue(span.resource.service, destination(span), mask_name(group))


def destination(span: Span) -> str:
    """Where a message goes or comes from; the peer or the operation where it is not told."""
    attributes = span.attributes
    template = semconv.text(attributes, _TEMPLATE)
    if template:
        return mask_name(template)
    if any(_is_true(attributes, key) for key in _UNNAMED):
        return TEMPORARY
    name = semconv.text(attributes, "messaging.destination.name") or _last_part(attributes)
    return mask_name(name) or peer_name(span.peer) or operation_of(span)


def _last_part(attributes: Attributes) -> str:
    """The name in the address of a queue or topic, after region and account."""
    told = next((str(attributes[key]) for key in ADDRESSES if attributes.get(key)), "")
    return re.split("[:/]", cut(told, 512))[-1]


def succeeded(span: Span) -> bool:
    """Whether a CONSUMER span tells of no failure."""
    return not span.failed and span.status != _ERROR


def put_off(span: Span) -> bool:
    """Whether a task asked to be run again, as those do that wait for something to be done.

    It neither failed nor is it done.
    """
    return span.attributes.get(_STATE) == _AGAIN


def _is_true(attributes: Attributes, key: str) -> bool:
    return attributes.get(key) in (True, "true", "True")
