"""OTLP over HTTP: request in, answer out, and the ledger beside it."""

import gzip
import http.client
import json
import socket
import zlib
from contextlib import closing, suppress
from typing import NamedTuple

import pytest
from accept.server import GOOD, LIMIT, SIGNALS, ask, call, padded, status_of
from google.rpc.error_details_pb2 import BadRequest

from collector.accept.http import HttpListener
from collector.accept.reply import JSON, PROTOBUF
from collector.ledger import Refusal
from collector.violation import Signal


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("coding", [None, "gzip", "GZIP", "x-gzip", "deflate", "identity"])
def test_http_takes_protobuf_in_every_coding(web, signal, coding):
    encode = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress}
    body = encode.get((coding or "").lower(), bytes)(GOOD[signal])
    headers = {"Content_Encoding": coding} if coding else {}

    status, answered, answer = ask(web, f"/v1/{signal}", body, **headers)

    assert (status, answered["Content-Type"], answer) == (200, PROTOBUF, b"")
    assert +web.ledger.snapshot().items == {(str(signal), "http"): 1}


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize(
    "content_type", [JSON, "application/json; charset=utf-8", "APPLICATION/JSON"]
)
def test_http_takes_json_and_answers_an_empty_object(web, signal, content_type):
    status, answered, answer = ask(web, f"/v1/{signal}", b"{}", content_type)

    assert (status, answered["Content-Type"], json.loads(answer)) == (200, JSON, {})


@pytest.mark.parametrize("signal", SIGNALS)
def test_an_empty_protobuf_body_is_an_empty_request(web, rpc, signal):
    assert ask(web, f"/v1/{signal}")[0] == 200
    assert call(rpc, signal, b"") == b""


def test_both_encodings_alternate_on_one_connection(web):
    with closing(http.client.HTTPConnection(web.address, timeout=10)) as connection:
        for content_type in (JSON, PROTOBUF, JSON):
            body = b"{}" if content_type == JSON else GOOD[Signal.TRACES]
            connection.request("POST", "/v1/traces", body, {"Content-Type": content_type})
            answer = connection.getresponse()
            assert (answer.status, answer.getheader("Content-Type")) == (200, content_type)
            answer.read()


def test_chunked_bodies_and_expect_continue(web):
    with closing(http.client.HTTPConnection(web.address, timeout=10)) as connection:
        pieces = iter([GOOD[Signal.LOGS][:5], GOOD[Signal.LOGS][5:]])
        connection.request("POST", "/v1/logs", pieces, {"Content-Type": PROTOBUF})
        assert connection.getresponse().status == 200
    host, port = web.address.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(
            b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        )
        assert raw.recv(100).startswith(b"HTTP/1.1 100")
        raw.sendall(b"{}")
        assert raw.recv(1000).startswith(b"HTTP/1.1 200")


class Bad(NamedTuple):
    body: bytes
    content_type: str | None
    coding: str
    status: int
    reason: Refusal


GZIPPED = gzip.compress(b"x" * 99, mtime=0)
BOMB = gzip.compress(b"\n" * 50_000_000, mtime=0)
BAD = {
    "not protobuf": Bad(b"\xff\xff\xff", PROTOBUF, "", 400, Refusal.UNDECODABLE),
    "not JSON": Bad(b"{", JSON, "", 400, Refusal.UNDECODABLE),
    "text": Bad(b"{}", "text/plain", "", 415, Refusal.UNSUPPORTED_MEDIA_TYPE),
    "no type": Bad(b"{}", "invalid", "", 415, Refusal.UNSUPPORTED_MEDIA_TYPE),
    "absent type": Bad(b"{}", None, "", 415, Refusal.UNSUPPORTED_MEDIA_TYPE),
    "other type": Bad(b"", "application/protobuf", "", 415, Refusal.UNSUPPORTED_MEDIA_TYPE),
    "plain as gzip": Bad(b"x", PROTOBUF, "gzip", 400, Refusal.UNDECODABLE),
    "truncated gzip": Bad(GZIPPED[:-9], PROTOBUF, "gzip", 400, Refusal.UNDECODABLE),
    "unknown coding": Bad(b"", PROTOBUF, "foo", 415, Refusal.UNSUPPORTED_ENCODING),
    "zstd": Bad(b"", PROTOBUF, "zstd", 415, Refusal.UNSUPPORTED_ENCODING),
    "large": Bad(b"\n" * (LIMIT + 1), PROTOBUF, "", 413, Refusal.TOO_LARGE),
    "bomb": Bad(BOMB, PROTOBUF, "gzip", 413, Refusal.TOO_LARGE),
}


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("name", BAD)
def test_http_refuses_with_a_status_body(web, signal, name):
    bad = BAD[name]
    headers = {"Content_Encoding": bad.coding} if bad.coding else {}

    answered = ask(web, f"/v1/{signal}", bad.body, bad.content_type, **headers)

    assert answered[0] == bad.status
    assert status_of(*answered[1:]).message
    assert answered[1]["Content-Type"] == (PROTOBUF if bad.content_type == PROTOBUF else JSON)
    assert web.refusals() == [bad.reason]
    assert web.balance() == 1


def test_a_bad_request_names_what_was_bad_in_its_details(web):
    _, headers, body = ask(web, "/v1/traces", b'{"resourceSpans": 5}', JSON)

    detail = BadRequest()
    assert status_of(headers, body).details[0].Unpack(detail)
    assert "resourceSpans" in detail.field_violations[0].description


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_told_what_is_allowed(web, method):
    status, headers, body = ask(web, "/v1/traces", b"", method=method)

    assert (status, headers["Allow"]) == (405, "POST")
    assert status_of(headers, body).message
    assert web.refusals() == [Refusal.METHOD_NOT_ALLOWED]


@pytest.mark.parametrize(
    "path", ["/", "/v1/traces/", "/v1/none", "/v1development/profiles", "//v1/traces"]
)
def test_other_paths_are_not_found_and_counted_without_a_signal(web, path):
    status, headers, body = ask(web, path)

    assert status == 404
    assert status_of(headers, body).message
    assert +web.ledger.snapshot().refused == {("unknown", "http", "not_found"): 1}


def test_a_body_of_exactly_the_limit_is_taken(web, rpc):
    signal, body = padded(LIMIT)
    assert len(body) == LIMIT

    assert ask(web, f"/v1/{signal}", body)[0] == 200
    assert ask(web, f"/v1/{signal}", gzip.compress(body), Content_Encoding="gzip")[0] == 200
    assert call(rpc, signal, body) == b""
    signal, body = padded(LIMIT + 1)
    assert ask(web, f"/v1/{signal}", body)[0] == 413


def test_a_chunked_body_over_the_limit_is_refused_before_its_end(web):
    with closing(http.client.HTTPConnection(web.address, timeout=10)) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            pieces = (b"\n" * 10_000 for _ in range(10_000))
            connection.request("POST", "/v1/logs", pieces, {"Content-Type": PROTOBUF})
        assert connection.getresponse().status == 413


def test_a_body_that_stalls_is_given_up(serve):
    server = serve(HttpListener, body_timeout_seconds=0.2)
    host, port = server.address.split(":")

    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(
            b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        answer = raw.recv(1000)

    assert answer.startswith(b"HTTP/1.1 408")
    assert server.refusals() == [Refusal.BODY_TIMEOUT]


def test_a_client_that_goes_away_is_in_the_ledger(serve):
    server = serve(HttpListener)
    host, port = server.address.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(
            b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        while not +server.ledger.snapshot().received:
            pass
    server.listener.stop(5)

    assert server.refusals() == [Refusal.INCOMPLETE]
    assert server.balance() == 1
