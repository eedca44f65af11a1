"""URLs: their paths, hosts and routes, and what may be said of one that names a user.

An input is a URL or request target in UTF-8. A secret takes the place of a byte 1 in it; and from
its parts, cut at line breaks, a URL by the book is built around a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from inputs.target import Target
from inputs.told import TOKEN, said, secrets_of

from collector import classify, routes
from collector.classify import SpanKind

_USER = re.compile(r"[^A-Za-z0-9._~!$&'()*+,;=%-]")
_HOST = re.compile(r"[^a-z0-9.-]")
_PATH = re.compile(r"[^A-Za-z0-9._~!$&'()*+,;=:@%/-]")
_MAY_BE_TOKEN = re.compile(r"[A-Za-z0-9_+=~-]{16,}")
_SECRET = "Zq7hW2vKx9Lp"
_KEYS = ("url.full", "url.query", "http.target")
_SCHEMES = ("https", "http", "ws", "postgresql", "amqp+ssl")
_LONGEST_MASKED = 512
_LONGEST_HOST = 1000
_MOST_SAID = 600


def run(data: bytes) -> None:
    """Masking is done once, and neither user information nor parameters come through."""
    text = data.decode("utf-8", "replace").replace("\1", TOKEN)
    _is_masked(text)
    _is_told_apart(text.split("\n"))
    if len(text) <= _MOST_SAID:
        _keeps_secrets(text)


def _is_masked(text: str) -> None:
    path = classify.path_of(text)
    assert not {"?", "#"} & set(path)
    masked = classify.mask_path(text)
    again = classify.mask_path(masked)
    assert again == masked or len(masked) > _LONGEST_MASKED, f"{masked!r} is not masked to the end"
    named = _MAY_BE_TOKEN.sub("", classify.mask_name(text))  # of which detectors see the whole
    assert not re.search("[0-9]{3}", named), f"{named!r} has a number"
    route = routes.normal_route(text)
    assert routes.normal_route(route) == route, f"{route!r} is not normal"
    host = classify.host_of(text)
    assert not {"@", "/", "?", "#"} & set(host), host
    if text.isprintable() and text.startswith("/") and not text.startswith("//"):
        assert path == urlsplit(text).path, path


def _is_told_apart(parts: list[str]) -> None:
    user, host, path, query = (*parts, "", "", "", "")[:4]
    user, host, path = _USER.sub("", user), _HOST.sub("", host), _PATH.sub("", path)
    scheme = _SCHEMES[len(query) % len(_SCHEMES)]
    host = f"h{host[:_LONGEST_HOST]}"
    path = path and f"/{path}"
    url = f"{scheme}://{user}:{_SECRET}@{host}:8080{path}?sig={_SECRET}&{query}#{_SECRET}"
    if _SECRET in user + host + path:
        return
    assert classify.host_of(url) in (host, "")
    assert classify.path_of(url) == (path or "/")
    attributes = {"url.full": url, "http.request.method": "GET"}
    shown = (
        classify.peer(attributes),
        classify.operation("GET", attributes),
        classify.mask_path(url),
        routes.normal_route(url),
        routes.probe_route(SpanKind.SERVER, attributes, ""),
        *(said(attributes) if len(url) <= _MOST_SAID else ()),
    )
    for one in shown:
        assert _SECRET.lower() not in one.lower(), f"{one!r} of {url!r}"


def _keeps_secrets(text: str) -> None:
    texts = said(dict.fromkeys(_KEYS, text))
    for secret in {one for key in _KEYS for one in secrets_of(key, text)}:
        for one in texts:
            assert secret not in one, f"{secret!r} stands in {one!r}"


def seeds() -> Iterator[bytes]:
    """URLs of every form, and parts of them."""
    for text in (
        "https://ann:\1@files.example:8443/list/42?sig=\1&page=2#top",
        "/users/42/orders?next=https://a/b",
        "https://[::1]:80/livez/",
        "//host/path",
        "http://host",
        "postgresql://u:p@db/shop?sslmode=no",
        "/a/0123456789abcdef0123456789abcdef/b/ann@shop.example/1?x",
        "*",
        "",
        "host:443",
        "ann\nfiles.example\nusers/42/list\nnext=https://ann:x@host/",
        "/a#b?c",
        "https://u@h/?sig=REDACTED",
        "https://a.example/b?X-Amz-Signature=abcdef0123456789&X-Amz-Credential=x",
        "mailto:ann@shop.example",
        "/v1/550e8400-e29b-41d4-a716-446655440000/" + "9" * 600,
        "https://ex\u00e4mple.com/\u00e4?\u00e4#\u00e4",
        "a\nb\n" + "/" * 50 + "\nq",
        "http://[::1%eth0]/",
        "https://:\1@h",
        "http://h/@\1/x@y",
    ):
        yield text.encode()


WORDS = (
    b"://", b"@", b":", b"?", b"#", b"&sig=", b"?Signature=", b"/", b"//", b"[::1]", b"%2F", b"%40",
    b"https://", b"\1", b"REDACTED", b"12345", b"0123456789abcdef", b"{id}", b"\n", b"..", b";",
    b"550e8400-e29b-41d4-a716-446655440000", b"\xe2\x84\xa8",
)  # fmt: skip

TARGET = Target(run, seeds, WORDS)
