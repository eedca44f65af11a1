import base64
import binascii
import json
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import grpc
import pytest
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_pb2
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from shop.credentials import BASE62, github_token, json_web_token
from shop.launch import GRPC, HTTP, LEASH, Shop

COLLECT = "/opentelemetry.proto.collector."
SIGNALS = {
    "traces": (
        f"{COLLECT}trace.v1.TraceService/Export",
        trace_pb2.ExportTraceServiceRequest,
        trace_pb2.ExportTraceServiceResponse,
    ),
    "metrics": (
        f"{COLLECT}metrics.v1.MetricsService/Export",
        metrics_pb2.ExportMetricsServiceRequest,
        metrics_pb2.ExportMetricsServiceResponse,
    ),
    "logs": (
        f"{COLLECT}logs.v1.LogsService/Export",
        logs_pb2.ExportLogsServiceRequest,
        logs_pb2.ExportLogsServiceResponse,
    ),
}
DEADLINE = 60.0  # a bound for broken code, not an expectation


def _value(value: AnyValue) -> Any:
    if value.HasField("array_value"):
        return [_value(each) for each in value.array_value.values]
    return getattr(value, value.WhichOneof("value") or "string_value")


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


class Received:
    """What came in, by service, and a condition that tells of more."""

    def __init__(self) -> None:
        self.spans: dict[str, list[Span]] = defaultdict(list)
        self.logs: dict[str, list[Any]] = defaultdict(list)
        self.points: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
        self.protocols: dict[str, set[str]] = defaultdict(set)
        self.more = threading.Condition()

    def take(self, signal_name: str, body: bytes, protocol: str) -> bytes:
        _, request, response = SIGNALS[signal_name]
        with self.more:
            getattr(self, f"_{signal_name}")(request.FromString(body), protocol)
            self.more.notify_all()
        return response().SerializeToString()

    def _name(self, resource: Any, protocol: str) -> str:
        name = _attributes(resource.attributes)["service.name"]
        self.protocols[name].add(protocol)
        return name

    def _traces(self, request: Any, protocol: str) -> None:
        for group in request.resource_spans:
            name = self._name(group.resource, protocol)
            self.spans[name].extend(span for scope in group.scope_spans for span in scope.spans)

    def _logs(self, request: Any, protocol: str) -> None:
        for group in request.resource_logs:
            name = self._name(group.resource, protocol)
            self.logs[name].extend(log for scope in group.scope_logs for log in scope.log_records)

    def _metrics(self, request: Any, protocol: str) -> None:
        for group in request.resource_metrics:
            name = self._name(group.resource, protocol)
            for metric in (each for scope in group.scope_metrics for each in scope.metrics):
                data = getattr(metric, metric.WhichOneof("data"))
                self.points[name].extend(
                    (metric.name, _attributes(point.attributes)) for point in data.data_points
                )


@contextmanager
def _grpc_receiver(received: Received) -> Iterator[str]:
    def handler(name: str) -> grpc.RpcMethodHandler:
        return grpc.unary_unary_rpc_method_handler(
            lambda body, _context: received.take(name, body, GRPC)
        )

    paths = {path: handler(name) for name, (path, _, _) in SIGNALS.items()}

    class Handlers(grpc.GenericRpcHandler):
        def service(self, handler_call_details: Any) -> grpc.RpcMethodHandler | None:
            return paths.get(handler_call_details.method)

    with ThreadPoolExecutor(2) as threads:
        server = grpc.server(threads, [Handlers()])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.stop(grace=None).wait()


@contextmanager
def _http_receiver(received: Received) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = received.take(self.path.removeprefix("/v1/"), body, HTTP)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _kind(received: Received, service: str, kind: int) -> list[Span]:
    return [span for span in received.spans[service] if span.kind == kind]


def checkout_labels_orders_with_ever_new_values(received: Received) -> bool:
    labels = [labels for name, labels in received.points["checkout"] if name == "shop.orders"]
    return all(
        len({each[key] for each in labels if key in each}) > 500 for key in ("order.id", "user.id")
    )


def checkout_overflows_the_limit_of_its_sdk(received: Received) -> bool:
    return any(
        labels.get("otel.metric.overflow") is True for _, labels in received.points["checkout"]
    )


def frontend_captures_baggage_with_a_token(received: Received) -> bool:
    for span in _kind(received, "frontend", Span.SPAN_KIND_CLIENT):
        for header in _attributes(span.attributes).get("http.request.header.baggage", []):
            members = dict(member.split("=", 1) for member in unquote(header).split(","))
            if members["deploy.token"].startswith("ghp_") and "session.jwt" in members:
                return True
    return False


def inventory_logs_without_trace_ids_beside_its_spans(received: Received) -> bool:
    logs = received.logs["inventory"]
    return (
        len(received.spans["inventory"]) > 0
        and len(logs) >= 20
        and not any(log.trace_id or log.span_id for log in logs)
    )


def orders_tries_the_same_url_again_after_a_failure(received: Received) -> bool:
    calls: dict[tuple[bytes, str], list[Span]] = defaultdict(list)
    for span in _kind(received, "orders", Span.SPAN_KIND_CLIENT):
        called = _attributes(span.attributes)
        if called["url.template"] == "/payments/{id}":
            calls[span.parent_span_id, called["url.full"]].append(span)
    retried = [spans for spans in calls.values() if len(spans) > 1]
    for spans in retried:
        spans.sort(key=lambda span: span.start_time_unix_nano)
        # The last attempts of a call may not have been sent yet; what lies before a later
        # attempt is complete, because a batch keeps the order in which spans ended.
        for before, after in pairwise(spans):
            attributes = _attributes(before.attributes)
            assert attributes["http.response.status_code"] == 503
            assert attributes["error.type"] == "503"
            assert before.end_time_unix_nano <= after.start_time_unix_nano
    return len(calls) >= 50 and any(len(spans) >= 3 for spans in retried)


def payments_continues_the_trace_of_orders(received: Received) -> bool:
    attempts = {span.span_id for span in _kind(received, "orders", Span.SPAN_KIND_CLIENT)}
    return any(
        span.parent_span_id in attempts
        for span in _kind(received, "payments", Span.SPAN_KIND_SERVER)
    )


def _probes(received: Received, service: str, route: str) -> dict[bytes, Span]:
    return {
        span.span_id: span
        for span in _kind(received, service, Span.SPAN_KIND_SERVER)
        if _attributes(span.attributes)["http.route"] == route
    }


def catalog_asks_its_database_to_say_that_it_lives(received: Received) -> bool:
    probes = _probes(received, "catalog", "/livez")
    for span in _kind(received, "catalog", Span.SPAN_KIND_CLIENT):
        if span.parent_span_id in probes:
            probe = _attributes(probes[span.parent_span_id].attributes)
            call = _attributes(span.attributes)
            assert probe["user_agent.original"] == "kube-probe/1.31"
            assert call["db.system.name"] == "postgresql"
            assert call["server.address"] == "db.shop.local"
            return True
    return False


def cart_is_called_by_frontend_and_probed(received: Received) -> bool:
    callers = {span.span_id for span in _kind(received, "frontend", Span.SPAN_KIND_CLIENT)}
    called = _probes(received, "cart", "/carts/{id}").values()
    return (
        any(span.parent_span_id in callers for span in called)
        and len(_probes(received, "cart", "/livez")) > 0
        and len(_probes(received, "cart", "/readyz")) > 0
        and len(received.logs["cart"]) > 0
    )


PROMISES: tuple[Callable[[Received], bool], ...] = (
    checkout_labels_orders_with_ever_new_values,
    checkout_overflows_the_limit_of_its_sdk,
    frontend_captures_baggage_with_a_token,
    inventory_logs_without_trace_ids_beside_its_spans,
    orders_tries_the_same_url_again_after_a_failure,
    payments_continues_the_trace_of_orders,
    catalog_asks_its_database_to_say_that_it_lives,
    cart_is_called_by_frontend_and_probed,
)


def _assert_cart_is_clean(received: Received) -> None:
    spans = {span.span_id: span for span in received.spans["cart"]}
    probes = _probes(received, "cart", "/livez")
    local = [span for span in spans.values() if span.kind != Span.SPAN_KIND_SERVER]
    assert local
    assert all(span.parent_span_id in spans for span in local)
    assert all(span.parent_span_id not in probes for span in local)
    assert all(log.span_id in spans for log in received.logs["cart"])
    assert len({json.dumps(labels) for _, labels in received.points["cart"]}) < 20
    assert "ghp_" not in str(spans)
    assert "baggage" not in str(spans)


@pytest.mark.slow
def test_each_service_emits_what_it_promises_and_all_end_when_told(tmp_path: Path) -> None:
    received = Received()
    with _grpc_receiver(received) as to_grpc, _http_receiver(received) as to_http:
        shop = Shop({GRPC: to_grpc, HTTP: to_http}, tmp_path)
        deadline = time.monotonic() + DEADLINE
        try:
            shop.start()
            with received.more:
                waiting = list(PROMISES)
                while waiting and time.monotonic() < deadline:
                    received.more.wait(1)
                    waiting = [promise for promise in waiting if not promise(received)]
            assert [promise.__name__ for promise in waiting] == []
            assert shop.ended() == []
        finally:
            shop.stop()
    _assert_cart_is_clean(received)
    assert received.protocols["inventory"] == {HTTP}
    assert received.protocols["cart"] == {GRPC}
    assert {name: process.poll() for name, process in shop.processes.items()} == dict.fromkeys(
        shop.processes, 0
    )
    assert {log.name: log.read_text() for log in tmp_path.glob("*.log")} == {
        f"{name}.log": "" for name in shop.processes
    }


def test_a_leashed_process_ends_when_its_starter_is_killed() -> None:
    code = (
        "import os, subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, {str(LEASH)!r}, str(os.getpid()),"
        " sys.executable, '-c', 'print(1, flush=True); import time; time.sleep(600)'])\n"
        "print(child.pid, file=sys.stderr, flush=True)\n"
        "child.wait()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as starter:
        assert starter.stdout is not None
        assert starter.stderr is not None
        child = os.pidfd_open(int(starter.stderr.readline()))
        try:
            assert starter.stdout.readline() == b"1\n"
            starter.kill()
            ended, _, _ = select.select([child], [], [], DEADLINE)
            if not ended:
                signal.pidfd_send_signal(child, signal.SIGKILL)
            assert ended
        finally:
            os.close(child)


def test_a_made_up_github_token_carries_the_checksum_of_a_real_one() -> None:
    for _ in range(200):
        token = github_token()
        assert re.fullmatch(r"ghp_[0-9A-Za-z]{36}", token)
        checksum = 0
        for digit in token[-6:]:
            checksum = checksum * 62 + BASE62.index(digit)
        assert checksum == binascii.crc32(token[4:34].encode())


def test_a_made_up_jwt_has_a_header_and_claims_that_can_be_read() -> None:
    header, claims, signature = json_web_token().split(".")
    decoded = [json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, claims)]
    assert decoded[0]["alg"] == "HS256"
    assert decoded[1]["exp"] > time.time()
    assert len(base64.urlsafe_b64decode(signature + "==")) == 32
