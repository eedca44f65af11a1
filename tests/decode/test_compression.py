"""A body inflates to what was deflated, never to more than the limit."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.decode.compression import CompressionError, TooLargeError, inflate


@given(st.binary(max_size=5000))
def test_inflating_is_the_inverse_of_deflating(body: bytes) -> None:
    assert inflate(gzip.compress(body, mtime=0), "gzip", 5000) == body
    assert inflate(zlib.compress(body), "deflate", 5000) == body
    assert inflate(body, "identity", 5000) == body
    assert inflate(body, "", 5000) == body


def test_case_and_blanks_of_the_coding_do_not_matter() -> None:
    assert inflate(gzip.compress(b"x", mtime=0), " GZip ", 10) == b"x"


def test_several_gzip_members_are_one_body() -> None:
    assert inflate(gzip.compress(b"a", mtime=0) + gzip.compress(b"b"), "gzip", 2) == b"ab"


@pytest.mark.parametrize("coding", ["gzip", "deflate", ""])
def test_the_limit_is_exact(coding: str) -> None:
    pack = {"gzip": gzip.compress, "deflate": zlib.compress, "": bytes}[coding]
    assert inflate(pack(b"x" * 1000), coding, 1000) == b"x" * 1000
    with pytest.raises(TooLargeError):
        inflate(pack(b"x" * 1001), coding, 1000)


def test_tiny_members_are_read_in_a_time_that_grows_with_their_number() -> None:
    # 4 MB; copying what is left for each of them would take minutes
    assert inflate(gzip.compress(b"", mtime=0) * 200_000, "gzip", 10) == b""


@given(st.lists(st.binary(max_size=2000), min_size=1, max_size=6), st.integers(0, 3))
def test_members_of_any_size_are_one_body(parts: list[bytes], level: int) -> None:
    body = b"".join(gzip.compress(part, level, mtime=0) for part in parts)
    assert inflate(body, "gzip", 12_000) == b"".join(parts)


def test_members_share_one_limit() -> None:
    with pytest.raises(TooLargeError):
        inflate(gzip.compress(b"x" * 600, mtime=0) * 2, "gzip", 1000)


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (b"plain", "gzip"),
        (b"", "gzip"),
        (gzip.compress(b"x" * 1000, mtime=0)[:-1], "gzip"),
        (gzip.compress(b"x" * 1000, mtime=0)[:15], "gzip"),
        (gzip.compress(b"x", mtime=0) + b"rubbish", "gzip"),
        (zlib.compress(b"x") + b"rubbish", "deflate"),
        (gzip.compress(b"x", mtime=0)[:-5] + b"\0" * 5, "gzip"),
        (b"\x1f\x8b\x08\x20" + gzip.compress(b"x", mtime=0)[4:], "gzip"),
        (b"x", "br"),
        (b"x", "gzip, gzip"),
    ],
)
def test_what_is_not_what_it_says_is_refused(body: bytes, coding: str) -> None:
    with pytest.raises(CompressionError):
        inflate(body, coding, 10_000)


@given(st.binary(max_size=200))
def test_any_bytes_inflate_or_are_refused(body: bytes) -> None:
    for coding in ("gzip", "deflate"):
        try:
            assert len(inflate(b"\x1f\x8b\x08" + body, coding, 100)) <= 100
        except (CompressionError, TooLargeError):
            continue
