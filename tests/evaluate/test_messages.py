"""What a span does with a message, and which queue it is about, under every name in use."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from collector.classify import SpanKind
from collector.evaluate.messages import Role, any_case, queue, role
from collector.views import NO_FLAG, Resource, Span
from collector.violation import Service

WORKER = Resource(Service("worker"), 1, frozenset(), {})


def span(name="", kind=SpanKind.CONSUMER, peer="", **attributes) -> Span:
    told = {f"messaging.{key.replace('__', '.')}": value for key, value in attributes.items()}
    return Span(b"1", b"", WORKER, name, kind, 0, 0, 0, NO_FLAG, told, peer=peer, operation=name)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (span(operation__type="process"), Role.PROCESS),
        (span(operation="deliver"), Role.PROCESS),
        (span("process orders", operation__type="receive"), Role.RECEIVE),
        (span("process orders", operation__type="ack"), Role.SETTLE),
        (span("process orders", operation__type="frobnicate"), Role.OTHER),
        (span("x", operation__name="poll"), Role.RECEIVE),
        (span("orders receive"), Role.RECEIVE),
        (span("Receive orders"), Role.RECEIVE),
        (span("receive-mails process"), Role.PROCESS),
        (span("publish process"), Role.PROCESS),
        (span("run/tasks.add"), Role.PROCESS),
        (span(), Role.PROCESS),
        (span("orders process", SpanKind.PRODUCER), Role.SEND),
        (span("create orders", SpanKind.PRODUCER), Role.CREATE),
        (span("orders publish", SpanKind.CLIENT), Role.SEND),
        (span("orders", SpanKind.CLIENT), Role.OTHER),
        (span("send", SpanKind.INTERNAL), Role.OTHER),
    ],
)
def test_what_a_span_does(one: Span, expected: Role) -> None:
    assert role(one) is expected


@pytest.mark.parametrize(
    ("one", "subject"),
    [
        (span(destination__name="orders"), "orders"),
        (span(destination="orders", kafka__consumer_group="a"), "orders (a)"),
        (span(destination__name="orders", consumer__group__name="a"), "orders (a)"),
        (span(destination__name="c/4711", destination__template="c/{id}"), "c/{id}"),
        (span(destination__name="c/4711"), "c/{id}"),
        (span(destination__name="x", destination__temporary=True), "(temporary)"),
        (span(destination__name="x", destination__anonymous="true"), "(temporary)"),
        (span(destination__name="x", destination__anonymous=False), "x"),
        (span("process", peer="broker:9092"), "broker:9092"),
        (span("process"), "process"),
    ],
)
def test_which_queue_a_span_is_about(one: Span, subject: str) -> None:
    assert queue(one).subject == subject
    assert queue(one).service == Service("worker")


@pytest.mark.parametrize("name", ["x-dlq", "X-DLQ", "x-Dlq"])
def test_a_pattern_in_any_case(name: str) -> None:
    assert fnmatchcase(name, any_case("*-dlq"))
    assert not fnmatchcase("dlq", any_case("*-dlq"))
    assert any_case("[a-z]dlq") == "[a-z]dlq"
