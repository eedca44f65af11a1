"""What a span is, told from its attributes alone."""

from __future__ import annotations

import pytest

from collector import classify
from collector.semconv import Attributes


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"server.address": "pay.example", "server.port": 8443}, "pay.example:8443"),
        ({"server.address": "pay.example"}, "pay.example"),
        ({"net.peer.name": "pay.example", "net.peer.port": 443}, "pay.example:443"),
        ({"peer.service": "payments"}, "payments"),
        ({"db.name": "orders"}, "orders"),
        ({"messaging.destination.name": "mail", "network.peer.address": "10.0.0.1"}, "mail"),
        ({"net.peer.ip": "10.0.0.1"}, "10.0.0.1"),
        ({}, ""),
    ],
)
def test_the_peer_is_the_first_name_that_is_present(attributes: Attributes, expected: str) -> None:
    assert classify.peer(attributes) == expected


@pytest.mark.parametrize(
    ("name", "attributes", "expected"),
    [
        ("x", {"http.request.method": "GET", "http.route": "/a/{b}"}, "GET /a/{b}"),
        ("x", {"http.method": "GET", "http.target": "/orders/17?x=1"}, "GET /orders/{id}"),
        ("x", {"http.method": "GET", "http.url": "https://h/o/17/items#f"}, "GET /o/{id}/items"),
        ("x", {"http.request.method": "GET"}, "GET"),
        ("x", {"db.system": "mysql", "db.operation": "SELECT", "db.sql.table": "t"}, "SELECT t"),
        ("x", {"db.system.name": "redis", "db.query.summary": "GET k"}, "GET k"),
        ("query 12345", {"db.system.name": "redis"}, "query {id}"),
        ("x", {"rpc.service": "shop.Pay", "rpc.method": "Charge"}, "shop.Pay/Charge"),
        ("x", {"rpc.method": "shop.Pay/Charge"}, "shop.Pay/Charge"),
        ("publish orders", {}, "publish orders"),
    ],
)
def test_the_operation_repeats_although_ids_differ(
    name: str, attributes: Attributes, expected: str
) -> None:
    assert classify.operation(name, attributes) == expected


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"http.response.status_code": 503}, True),
        ({"http.status_code": 429}, True),
        ({"http.response.status_code": 408}, True),
        ({"http.response.status_code": 404, "error.type": "404"}, False),
        ({"http.response.status_code": 401}, False),
        ({"http.response.status_code": 200}, False),
        ({"error.type": "ConnectTimeout"}, True),
        ({"error.type": "java.net.SocketTimeoutException"}, True),
        ({"error.type": "ECONNRESET"}, True),
        ({"error.type": "ValueError"}, False),
        ({"error.type": "pymongo.errors.WriteError"}, False),
        ({"error.type": "SpreadError"}, False),
        ({"error.type": "java.net.SocketException"}, True),
        ({"error.type": "System.Net.Sockets.SocketException"}, True),
        ({"error.type": "org.apache.http.NoHttpResponseException"}, True),
        ({"error.type": "reactor.netty.http.client.PrematureCloseException"}, True),
        ({"error.type": "ClientConnectorError"}, True),
        ({"error.type": "httpx.RemoteProtocolError"}, True),
        ({"error.type": "ReadError"}, True),
        ({"error.type": "ChunkedEncodingError"}, True),
        ({"error.type": "*net.OpError"}, True),
        ({"error.type": "UND_ERR_SOCKET"}, True),
        ({"error.type": "EAI_AGAIN"}, True),
        ({"error.type": "name_resolution_error"}, True),
        ({"error.type": "response_ended"}, True),
        ({"error.type": "SocketError"}, True),
        ({"rpc.connect_rpc.error_code": "unavailable"}, True),
        ({"rpc.connect_rpc.error_code": "not_found"}, False),
        ({"rpc.grpc.status_code": 14}, True),
        ({"rpc.response.status_code": "UNAVAILABLE"}, True),
        ({"rpc.grpc.status_code": 5}, False),
        ({"rpc.grpc.status_code": 0}, False),
        ({}, False),
    ],
)
def test_only_what_a_caller_may_retry_has_failed(attributes: Attributes, expected: bool) -> None:
    assert classify.failed(attributes) is expected


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"previous-rpc-attempts": 2}, 2),
        ({"previous-rpc-attempts": 2, "transparent-retry": True}, 0),
        ({"previous-rpc-attempts": "2", "transparent-retry": "1"}, 0),
        ({"previous-rpc-attempts": "2", "transparent-retry": "0"}, 2),
        ({"previous-rpc-attempts": "2"}, 2),
        ({"previous-rpc-attempts": -1}, 0),
        ({}, 0),
    ],
)
def test_transparent_retries_are_not_attempts(attributes: Attributes, expected: int) -> None:
    assert classify.attempts(attributes).previous == expected


@pytest.mark.parametrize(
    "key",
    [
        "messaging.gcp_pubsub.message.delivery_attempt",
        "messaging.servicebus.message.delivery_count",
        "ApproximateReceiveCount",
    ],
)
def test_every_broker_tells_its_delivery_count(key: str) -> None:
    assert classify.attempts({key: 3}).delivered == 3
    assert classify.attempts({}).delivered == 0


def test_an_unknown_span_kind_is_unspecified() -> None:
    assert classify.SpanKind.of(99) is classify.SpanKind.UNSPECIFIED
    assert classify.SpanKind.of(2) is classify.SpanKind.SERVER


@pytest.mark.parametrize("value", [True, float("nan"), float("inf"), "9" * 30, "", "x", ("1",)])
def test_what_is_no_integer_is_none(value: object) -> None:
    assert classify.attempts({"http.request.resend_count": value}).resent == 0  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT a FROM b WHERE c = 5", classify.TargetKind.LITERAL_QUERY),
        ("SELECT a FROM b WHERE c = 'x'", classify.TargetKind.LITERAL_QUERY),
        ("SELECT a FROM b WHERE c > '12:30:00'::time", classify.TargetKind.LITERAL_QUERY),
        ("SELECT a FROM b WHERE c = 'ann@shop.example'", classify.TargetKind.LITERAL_QUERY),
        ('{"find":"b","skip":5}', classify.TargetKind.LITERAL_QUERY),
        ("SELECT a FROM b WHERE c = ? LIMIT 5", classify.TargetKind.QUERY),
        ("SELECT a FROM b WHERE c = $1", classify.TargetKind.QUERY),
        ("SELECT a FROM b WHERE c=$1 LIMIT 5", classify.TargetKind.QUERY),
        ("SELECT a FROM b WHERE c = :1", classify.TargetKind.QUERY),
        ("SELECT a FROM b WHERE c=:name LIMIT 5", classify.TargetKind.QUERY),
        ("SELECT a FROM b WHERE c = @p1 AND d = 5", classify.TargetKind.QUERY),
        ("SELECT a FROM b WHERE c = %s LIMIT 5", classify.TargetKind.QUERY),
        ("SELECT a FROM b WHERE c = %(c)s LIMIT 5", classify.TargetKind.QUERY),
        ("SELECT a FROM b", classify.TargetKind.QUERY),
        ("", classify.TargetKind.NONE),
    ],
)
def test_a_query_names_an_item_when_it_holds_values_and_no_placeholder(
    query: str, expected: classify.TargetKind
) -> None:
    assert classify.target({"db.query.text": query}).kind is expected


def test_a_query_whose_parameters_are_told_names_an_item() -> None:
    told = {"db.query.text": "SELECT a FROM b WHERE c = $1", "db.query.parameter.0": "7"}
    assert classify.target(told).kind is classify.TargetKind.LITERAL_QUERY


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("https://h/a/b?c=/d#e", "/a/b"), ("https://u:p@h:1/a", "/a"), ("https://h", "/"),
        ("https://h?next=/a/b", "/"), ("https://h#/a/b", "/"), ("/a?next=https://h/b", "/a"),
        ("/a#https://h/b", "/a"), ("/fetch/https://h/b", "/fetch/https://h/b"), ("*", "*"),
        ("//h/a", "//h/a"), ("", ""), ("?a=/b", ""), ("x" * 62 + "://h/a", "x" * 62 + "://h/a"),
    ],
)  # fmt: skip
def test_a_path_ends_before_query_and_fragment_whatever_url_stands_in_them(
    target: str, path: str
) -> None:
    assert classify.path_of(target) == path


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://u:p@h.example:1/a", "h.example"), ("https://[::1]:80", "::1"), ("https://[", ""),
        (f"https://h/{'a' * 3000}", "h"), (f"https://{'a' * 3000}@h/", ""), ("/a?b=https://h", ""),
        (f"https://{'a' * 3000}", ""),
    ],
)  # fmt: skip
def test_a_host_is_no_user_however_long_the_name_is(url: str, host: str) -> None:
    assert classify.host_of(url) == host
