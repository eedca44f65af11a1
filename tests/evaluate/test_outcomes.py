"""How spans say that they ended: in the words of many languages, by HTTP and by gRPC."""

import pytest

from collector import classify
from collector.classify import SpanKind
from collector.evaluate.outcomes import answered, cancellation, erred, server_fault, timeout
from collector.views import Flag, Resource, Span
from collector.violation import Service

RESOURCE = Resource(Service("shop"), 1, frozenset(), {})


def span(attributes, status=0):
    return Span(
        span_id=b"s" * 8, parent_id=b"", resource=RESOURCE, name="n", kind=SpanKind.SERVER,
        status=status, start=0, end=1, flags=Flag(0), attributes=attributes,
        failed=classify.failed(attributes),
    )  # fmt: skip


TIMEOUTS = [
    {"error.type": "timeout"},
    {"error.type": "java.net.SocketTimeoutException"},
    {"error.type": "System.TimeoutException"},
    {"error.type": "asyncio.exceptions.TimeoutError"},
    {"error.type": "context.deadlineExceededError"},
    {"error.type": "context deadline exceeded"},
    {"error.type": "ETIMEDOUT"},
    {"error.type": "Net::ReadTimeout"},
    {"error.type": "timed out"},
    {"error.type": "500", "rpc.response.status_code": "DEADLINE_EXCEEDED"},
    {"rpc.grpc.status_code": 4},
    {"http.response.status_code": 504},
    {"http.status_code": 504, "error.type": "504"},
    {"http.response.status_code": 500, "error.type": "TimeoutError"},
]
CANCELLATIONS = [
    {"error.type": "asyncio.CancelledError"},
    {"error.type": "java.util.concurrent.CancellationException"},
    {"error.type": "System.OperationCanceledException"},
    {"error.type": "context canceled"},
    {"error.type": "AbortError"},
    {"error.type": "org.apache.catalina.connector.ClientAbortException"},
    {"error.type": "client disconnected"},
    {"rpc.response.status_code": "CANCELLED"},
    {"rpc.grpc.status_code": 1},
    {"http.response.status_code": 499},
]
OTHERS = [
    {},
    {"error.type": "ValueError"},
    {"error.type": "connection_reset"},
    {"error.type": 7},
    {"http.response.status_code": 200},
    {"http.response.status_code": 500},
    {"http.response.status_code": "many"},
    {"rpc.grpc.status_code": 0},
    {"rpc.response.status_code": "ABORTED"},
    {"rpc.response.status_code": True},
]


@pytest.mark.parametrize("attributes", TIMEOUTS)
def test_what_says_that_the_time_was_up(attributes):
    assert timeout(span(attributes))
    assert not cancellation(span(attributes))


@pytest.mark.parametrize("attributes", CANCELLATIONS)
def test_what_says_that_nobody_waited_any_more(attributes):
    assert cancellation(span(attributes))
    assert not timeout(span(attributes))


@pytest.mark.parametrize("attributes", OTHERS)
def test_what_says_neither(attributes):
    assert not timeout(span(attributes))
    assert not cancellation(span(attributes))


ANSWERS = [
    # attributes, whether there was an answer, whose fault it was
    ({"http.response.status_code": 200}, True, ""),
    ({"http.response.status_code": 404}, True, ""),
    ({"http.status_code": 499}, False, ""),
    ({"http.response.status_code": 500}, False, "HTTP 500"),
    ({"http.response.status_code": 599}, False, "HTTP 599"),
    ({"http.response.status_code": 600}, True, ""),
    ({"rpc.response.status_code": "OK"}, True, ""),
    ({"rpc.grpc.status_code": 0}, True, ""),
    ({"rpc.grpc.status_code": 13}, False, "INTERNAL"),
    ({"rpc.response.status_code": "UNKNOWN"}, False, "UNKNOWN"),
    ({"rpc.response.status_code": "NOT_FOUND"}, False, ""),
    ({}, False, ""),
]


@pytest.mark.parametrize(("attributes", "well", "fault"), ANSWERS)
def test_what_a_server_says_of_its_answer(attributes, well, fault):
    assert answered(span(attributes)) is well
    assert server_fault(span(attributes)) == fault


def test_a_call_erred_by_its_status_or_its_answer():
    assert erred(span({}, status=2))
    assert erred(span({"http.response.status_code": 503}))
    assert not erred(span({"http.response.status_code": 404}))
