"""Bytes of HTTP connections: as senders make them, and broken in every way that is known."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

TOKEN = "0123456789abcdef"


def seeds() -> Iterator[bytes]:
    """Requests as senders make them, one after the other on a connection, and broken ones."""
    json = b'{"resourceSpans":[]}'
    for number, parts in enumerate(_requests(json)):
        yield bytes([number % 2 * 2, number * 37 % 256]) + b"".join(parts)
        yield bytes([1, number]) + b"".join(parts)


def _requests(json: bytes) -> Iterator[tuple[bytes, ...]]:
    post = _post("/v1/traces", json)
    packed = gzip.compress(json, mtime=0)
    yield (post,)
    yield (post, post, _post("/v1/logs", b"", "application/x-protobuf"))
    yield (_post("/v1/metrics", b"\x0a\x00", "application/x-protobuf", "X-Scope: a"), post)
    yield (_post("/v1/traces", packed, more="Content-Encoding: gzip"), post)
    yield (_post("/v1/traces", json, more=f"Authorization: Bearer {TOKEN}"),)
    yield (_chunked(b"%x\r\n%b\r\n" % (len(json), json) + b"0\r\n\r\n"), post)
    yield (
        _chunked(b"5;a=b\r\n" + json[:5] + b"\r\nf\r\n" + json[5:] + b"\r\n0\r\nX: y\r\n\r\n"),
        post,
    )
    yield (_chunked(b"ffffffffffffffffff\r\nx"),)
    yield (_post("/v1/traces", json, more="Expect: 100-continue"),)
    yield (b"GET /v1/traces HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\n", post)
    yield (_post("/v1/nothing", json), post)
    yield (_post("/v1/traces", json, "text/plain"), post)
    yield (_post("/v1/traces", bytes(3000)),)
    yield (post[:-5],)
    yield (post.replace(b"HTTP/1.1", b"HTTP/1.0"),)
    yield (b"\x16\x03\x01\x02\x00\x01\x00",)
    yield (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",)
    yield (
        b"GET http://u:p@h/v1/traces?x HTTP/1.1\r\nHost: a\r\n",
        b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\nabc",
    )
    yield (b"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\nabc", post)
    yield (b"POST /v1/traces HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",)
    yield (
        b"POST /v1/traces HTTP/1.1\r\nContent-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    )
    yield (b"\r\n\r\nPOST //[::1 HTTP/1.1\r\nHost: \xff\r\nAuthorization: Bearer \xff\r\n\r\n",)
    yield (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", post)
    yield (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n",)
    yield (b"GET / HTTP/1.1\r\n\r\n" * 40,)


def _post(path: str, body: bytes, kind: str = "application/json", more: str = "X: y") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\n{more}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body


def _chunked(body: bytes) -> bytes:
    head = b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + body


WORDS = (
    b"\r\n", b"\r\n\r\n", b"POST ", b"GET ", b"HEAD ", b"OPTIONS ", b"CONNECT ", b"PRI ",
    b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b"/v1/traces", b"/v1/logs", b"/v1/metrics", b"Host: a\r\n",
    b"Content-Length: 0\r\n", b"Content-Length: 20\r\n", b"Content-Length: -1\r\n",
    b"Content-Length: +5\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n", b"Content-Type: application/json\r\n",
    b"Content-Type: application/x-protobuf\r\n", b"Content-Encoding: gzip\r\n",
    b"Content-Encoding: zstd\r\n", b"Expect: 100-continue\r\n", b"Connection: close\r\n",
    b"Connection: keep-alive\r\n", b"Upgrade: websocket\r\nConnection: upgrade\r\n",
    b"Upgrade: h2c\r\n", b"Authorization: Bearer ", b"Sec-WebSocket-Key: a\r\n", b"0\r\n\r\n",
    b"5\r\nabcde\r\n", b";", b"\0", b"\xff", b"\t", b" ", b"http://a:b@c:99999/", b"[::1", b"%",
    b"%00", b"?", b"#", b"*", b"Cookie: a\r\n", b"Range: bytes=0-\r\n", b"If-Modified-Since: x\r\n",
    b"; charset=\xff",
)  # fmt: skip
