"""The admin listener: read-only, bounded, and silent about what is sent to it."""

import http.client
import json
import logging
import socket
import threading
import time
from contextlib import ExitStack, closing, suppress

import pytest

from collector.report import admin as module
from collector.report.admin import AdminServer
from collector.report.collapse import Finding
from collector.violation import Basis, Service, Severity, Signal, Violation

PAGES = ("/", "/metrics", "/livez", "/readyz", "/findings")


def finding(subject="s", severity=Severity.WARNING, last=10.0, summary="it is so"):
    violation = Violation(
        policy="p", kind="k", severity=severity, signal=Signal.LOGS, service=Service("shop"),
        subject=subject, basis=Basis.OBSERVED, summary=summary, remedy="mend",
    )  # fmt: skip
    made = Finding.of(violation, 1)
    made.last_seen = last
    return made


@pytest.fixture
def serve():
    running = []

    def start(findings=(), reasons=(), metrics=lambda accept: (b"m 1\n", "text/plain"), **options):
        listed = None if findings is None else lambda: list(findings)
        made = AdminServer("127.0.0.1:0", metrics, lambda: list(reasons), listed, **options)
        made.bound = made.start()
        running.append(made)
        return made

    yield start
    for one in running:
        one.stop()


def ask(server, path, method="GET", body=None, headers=None):
    with closing(http.client.HTTPConnection(server.bound, timeout=10)) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def raw(server, data):
    host, _, port = server.bound.rpartition(":")
    connection = socket.create_connection((host, int(port)), timeout=10)
    connection.sendall(data)
    return connection


def listed(server, query=""):
    status, headers, body = ask(server, f"/findings{query}")
    assert status == 200
    assert headers["Content-Type"] == "application/json"
    assert headers["Cache-Control"] == "no-store"
    return json.loads(body)


def test_findings_are_off_until_switched_on(serve):
    server = serve(findings=None)
    assert ask(server, "/findings")[0] == 404
    assert b"findings" not in ask(server, "/")[2]


def test_findings_are_listed_the_worst_first_and_among_equals_the_latest(serve):
    server = serve(
        [
            finding("old", Severity.CRITICAL, 5),
            finding("info", Severity.INFO, 99),
            finding("new", Severity.CRITICAL, 50),
            finding("warning", Severity.WARNING, 70),
        ]
    )

    told = listed(server)

    assert [one["subject"] for one in told["findings"]] == ["new", "old", "warning", "info"]
    assert told["open"] == 4
    assert told["findings"][0] == {
        "policy": "p", "kind": "k", "severity": "critical", "signal": "logs", "service": "shop",
        "subject": "new", "basis": "observed", "count": 1, "trace_id": "", "summary": "it is so",
        "first_seen": "1970-01-01T00:00:01.000+00:00",
        "last_seen": "1970-01-01T00:00:50.000+00:00",
        "evidence": {}, "remedy": "mend", "state": "open",
    }  # fmt: skip


@pytest.mark.parametrize(("query", "shown"), [("", 100), ("?limit=3", 3), ("?limit=1000", 1000)])
def test_no_more_are_shown_than_were_asked_for(serve, query, shown):
    server = serve([finding(str(number)) for number in range(1_200)])
    told = listed(server, query)
    assert (len(told["findings"]), told["open"]) == (shown, 1_200)


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "9" * 400, "x", "", "1e2", "%C2%B2"])
def test_a_limit_that_is_none_is_refused(serve, limit):
    status, _, body = ask(serve(), f"/findings?limit={limit}")
    assert (status, body) == (400, b"limit must be a number from 1 to 1000\n")


def test_no_findings_are_an_empty_list(serve):
    assert listed(serve()) == {"open": 0, "findings": []}


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_read_only(serve, path):
    server = serve()
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        status, headers, _ = ask(server, path, method)
        assert (status, headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", [*PAGES, "/nothing"])
def test_head_says_the_same_without_the_body(serve, path):
    server = serve([finding()])
    status, headers, body = ask(server, path)
    assert len(body) == int(headers["Content-Length"])

    same_status, same_headers, nothing = ask(server, path, "HEAD")

    assert (same_status, nothing) == (status, b"")
    for name in ("Content-Length", "Content-Type"):
        assert same_headers[name] == headers[name]


def test_a_connection_is_kept_for_the_next_question(serve):
    server = serve()
    with closing(http.client.HTTPConnection(server.bound, timeout=10)) as connection:
        for method, path in (("GET", "/livez"), ("HEAD", "/metrics"), ("GET", "/nothing")) * 2:
            connection.request(method, path)
            answer = connection.getresponse()
            answer.read()
            assert not answer.will_close


@pytest.mark.parametrize(
    "path", ["/nothing", "/livez/", "/findings/x", "//metrics", "/%2e%2e/metrics"]
)
def test_there_is_nothing_else(serve, path):
    assert ask(serve(), path)[0] == 404


def test_readiness_says_why_not(serve):
    assert ask(serve(), "/readyz")[::2] == (200, b"ready\n")
    server = serve(reasons=["starting or draining", "overloaded"])
    assert ask(server, "/readyz")[::2] == (503, b"starting or draining\noverloaded\n")
    assert ask(server, "/livez")[0] == 200


@pytest.mark.parametrize(
    "data",
    [
        b"secret-9x!kQ2 nonsense\r\n\r\n",
        b"GET /secret-9x!kQ2 HTTP/9.9\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nsecret-9x!kQ2\r\n\r\n",
        b"\x16\x03\x01\x02\x00secret-9x!kQ2\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: secret-9x!kQ2\r\n\r\n",
        b"GET /" + b"x" * 20_000 + b"secret-9x!kQ2 HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_http_is_answered_and_nothing_of_it_is_told(serve, caplog, data):
    server = serve()
    with caplog.at_level(logging.DEBUG), closing(raw(server, data)) as connection:
        told = b""
        while piece := connection.recv(65_536):
            told += piece
        assert told.split(b" ")[1] == b"400"
        assert b"secret" not in told
    assert ask(server, "/livez")[0] == 200
    assert "secret" not in caplog.text
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []


def test_a_body_is_not_waited_for(serve):
    server = serve()
    head = b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n"
    with closing(raw(server, head)) as connection:
        assert connection.recv(65_536).startswith(b"HTTP/1.1 405")
        connection.settimeout(5)
        while connection.recv(65_536):
            pass


def test_a_page_that_fails_says_so_without_its_reason(serve, caplog):
    def broken(accept):
        raise RuntimeError("secret-9x!kQ2")

    status, _, body = ask(serve(metrics=broken), "/metrics")

    assert (status, body) == (500, b"something failed here\n")
    assert "secret" not in caplog.text
    assert "RuntimeError" in caplog.text


@pytest.mark.parametrize("sent", [b"", b"GET /livez HT", b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_a_probe_is_answered_however_many_connections_are_held(serve, sent):
    server = serve(max_connections=3)
    held = [raw(server, sent) for _ in range(3)]
    if sent.endswith(b"\n"):
        for one in held:
            assert one.recv(65_536).startswith(b"HTTP/1.1 200")
    assert ask(server, "/livez")[0] == 200

    assert server.met["admin_connections"] == 1
    with suppress(ConnectionResetError):  # of what had not been read
        assert held[0].recv(65_536) == b""  # the one that was silent for longest
    for one in held:
        one.close()


def test_whoever_is_being_answered_is_not_sent_away_for_another(serve):
    begun, go = threading.Event(), threading.Event()

    def slow(accept):
        begun.set()
        assert go.wait(10)
        return b"slow", "text/plain"

    server = serve(metrics=slow, max_connections=2)
    with closing(raw(server, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")) as asking:
        assert begun.wait(10)
        with closing(raw(server, b"")) as silent, closing(raw(server, b"")):
            assert silent.recv(1) == b""
            go.set()
            assert asking.recv(65_536).startswith(b"HTTP/1.1 200")


def test_connections_that_come_at_once_are_bounded_like_others(serve):
    held, go = threading.Event(), threading.Event()

    def busy():  # so that the loop finds all of them at one time
        held.set()
        go.wait(10)

    server = serve(max_connections=3)
    server._loop.call_soon_threadsafe(busy)
    assert held.wait(10)
    with ExitStack() as stack:
        came = [stack.enter_context(closing(raw(server, b""))) for _ in range(20)]
        go.set()
        for one in came[:-3]:
            assert one.recv(1) == b""


def test_headers_that_do_not_arrive_are_not_waited_for(serve, monkeypatch):
    monkeypatch.setattr(module, "_HEADER_SECONDS", 0.2)
    server = serve()
    with closing(raw(server, b"GET /livez HT")) as slow:
        assert slow.recv(65_536) == b""
    assert server.met["admin_header_seconds"] == 1


def test_an_answer_that_nobody_reads_is_given_up(serve, monkeypatch):
    monkeypatch.setattr(module, "_READING_SECONDS", 0.3)
    server = serve(metrics=lambda accept: (bytes(64_000_000), "text/plain"))
    with closing(raw(server, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")) as lazy:
        assert lazy.recv(1) == b"H"
        until = time.monotonic() + 10
        while server._runner.server.connections:
            assert time.monotonic() < until
            time.sleep(0.05)


def test_a_port_in_use_is_said(serve):
    server = serve()
    with pytest.raises(OSError, match="is the port in use"):
        AdminServer(server.bound, lambda accept: (b"", ""), list).start()
