"""Requests received = inspected + refused, exactly, each from a counter of its own."""

import gzip
import http.client
import json
from contextlib import suppress

import grpc
import pytest

from collector import testing
from collector.violation import Signal

METHODS = {
    Signal.TRACES: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    Signal.LOGS: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    Signal.METRICS: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
}
ITEMS = 7
LIMIT = 100_000
GOOD = dict(
    testing.requests(
        {
            "service": "shop",
            "repeat": ITEMS,
            "spans": [{"trace": "t{i}", "id": "{i}"}],
            "logs": [{"body": "line {i}", "trace": "t{i}", "span": "{i}"}],
            "metrics": [{"name": "m", "labels": {"l": "{i}"}}],
        }
    )
)


def post(address, path, body, content_type="application/x-protobuf", **headers):
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        with suppress(BrokenPipeError, ConnectionResetError):  # refused before all was sent
            connection.request("POST", path, body, {"Content-Type": content_type, **headers})
        return connection.getresponse().status
    finally:
        connection.close()


def call(channel, signal, body):
    try:
        channel.unary_unary(METHODS[signal])(body, timeout=10)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def test_every_request_is_in_the_ledger_once(start_auditor):
    auditor = start_auditor(
        env={
            "TELEMETRY_AUDITOR_GRPC_MAX_BYTES": str(LIMIT),
            "TELEMETRY_AUDITOR_HTTP_MAX_BYTES": str(LIMIT),
        }
    )
    large = b"\x0a" * (LIMIT + 1)
    over_http = 0
    for signal, body in GOOD.items():
        path = f"/v1/{signal}"
        for status, arguments in (
            (200, (body,)),
            (200, (body,)),  # resent
            (200, (gzip.compress(body), "application/x-protobuf", "gzip")),
            (200, (b"{}", "application/json")),
            (400, (b"\xff\xff\xff",)),
            (400, (b"{", "application/json")),
            (400, (body, "application/x-protobuf", "gzip")),
            (413, (large,)),
            (413, (gzip.compress(large), "application/x-protobuf", "gzip")),
            (415, (body, "text/plain")),
        ):
            headers = {"Content-Encoding": arguments[2]} if len(arguments) > 2 else {}
            assert post(auditor.http, path, *arguments[:2], **headers) == status
            over_http += 1
    assert post(auditor.http, "/v2/none", b"") == 404
    over_http += 1

    over_grpc = 0
    with grpc.insecure_channel(auditor.grpc) as channel:
        for signal, body in GOOD.items():
            for code, sent in (
                (grpc.StatusCode.OK, body),
                (grpc.StatusCode.OK, body),
                (grpc.StatusCode.OK, b""),
                (grpc.StatusCode.INVALID_ARGUMENT, b"\xff\xff\xff"),
                (grpc.StatusCode.RESOURCE_EXHAUSTED, large),
            ):
                assert call(channel, signal, sent) == code
                over_grpc += 1

    for protocol, sent in (("http", over_http), ("grpc", over_grpc)):
        received = auditor.total("requests_received_total", protocol=protocol)
        inspected = auditor.total("requests_inspected_total", protocol=protocol)
        refused = auditor.total("requests_refused_total", protocol=protocol)
        assert (received, inspected + refused) == (sent, sent)
    for signal in Signal:
        http_items = auditor.total("items_inspected_total", protocol="http", signal=str(signal))
        grpc_items = auditor.total("items_inspected_total", protocol="grpc", signal=str(signal))
        assert (http_items, grpc_items) == (3 * ITEMS, 2 * ITEMS)
        for protocol, undecodable in (("http", 2), ("grpc", 1)):
            labels = {"signal": str(signal), "protocol": protocol}
            counted = auditor.total("requests_refused_total", reason="undecodable", **labels)
            assert counted >= undecodable
    assert auditor.stop() == 0


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs", "/v1/metrics"])
def test_what_is_refused_says_why_without_repeating_the_request(start_auditor, path):
    auditor = start_auditor()
    planted = "hunter2-planted-secret"
    connection = http.client.HTTPConnection(auditor.http, timeout=10)

    connection.request(
        "POST", path, json.dumps({planted: 1})[:-1], {"Content-Type": "application/json"}
    )
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()

    assert answer.status == 400
    assert json.loads(body)["message"]
    assert planted not in body
