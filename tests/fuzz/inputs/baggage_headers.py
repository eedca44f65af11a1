"""The W3C Baggage header against a second reader of the specification's grammar.

An input is a header in UTF-8; a byte 1 in it stands for a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from inputs.target import Target
from inputs.told import TOKEN, said, secrets_of

from collector.evaluate.detectors.baggage import MAX_MEMBERS, Member, members, name_at

KEY = "http.request.header.baggage"
_PEER = "api.payments.example"
#: https://www.w3.org/TR/baggage/#definition
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_VALUE = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*")
_BLANKS = " \t"
_MOST_SAID = 600  # characters of a header that policies are asked about, as this takes longest


def run(data: bytes) -> None:
    """What is read stands where it is said to, and of a header by the book it is everything."""
    header = data.decode("utf-8", "replace").replace("\1", TOKEN)
    found = members(header)
    _is_placed(header, found)
    expected = _by_the_book(header)
    if expected is not None:
        read = [(one.name, one.key, one.value.strip(_BLANKS)) for one in found]
        assert read == expected[:MAX_MEMBERS], f"{read} is not {expected}"
    if len(header) <= _MOST_SAID:
        _keeps_secrets(header)


def _is_placed(header: str, found: list[Member]) -> None:
    assert len(found) <= MAX_MEMBERS
    end = 0
    for one in found:
        assert end <= one.start < one.value_start <= one.value_end <= len(header)
        assert header[one.value_start : one.value_end] == one.value
        assert header[one.start : one.value_start].startswith(one.key)
        assert name_at(found, one.value_start) == one.name
        end = one.value_end


def _keeps_secrets(header: str) -> None:
    texts = said({KEY: [header], "server.address": _PEER})
    for secret in secrets_of(KEY, header):
        for text in texts:
            assert secret not in text, f"{secret!r} stands in {text!r}"


def _by_the_book(header: str) -> list[tuple[str, str, str]] | None:
    """Members and their properties that have a value; None when it is no header by the book."""
    read = []
    for one in header.split(","):
        name = ""
        for part in one.split(";"):
            key, equals, value = (piece.strip(_BLANKS) for piece in part.partition("="))
            if not _NAME.fullmatch(key) or not _VALUE.fullmatch(value):
                return None
            if not equals and not name:
                return None
            name = name or key
            if equals:
                read.append((name, key, value))
    return read


def seeds() -> Iterator[bytes]:
    """Headers of the specification's examples, and less tidy ones."""
    for header in (
        "",
        "key1=value1,key2 = value2; property1;propertyKey=propertyValue , key3=v",
        "userId=Am%C3%A9lie,serverNode=DF%2028,isProduction=false",
        "token=\1",
        "a=\1;b=\1,c",
        "user.email=ann%40shop.example,region=eu",
        "password=hunter22-Zq;ttl=1,authorization=Bearer%20\1",
        "=a,;b,a==b=c;=d",
        "a=1;b=2;c,;d=3",
        ",".join(f"m{n}=v;p={n}" for n in range(90)),
        "\1=a",
        "baggage=a%3D\1",
        "a b=c",
        "é=ü",
        "n" * 300 + "=v;p=q",
        "a=b\r\nX: y",
    ):
        yield header.encode()


WORDS = (
    b",", b";", b"=", b" , ", b"\t", b"%3D", b"%2C", b"\1", b"password=", b"token=", b"%",
    b"a=b;c=d,", b"\xc2\x85", b"\n",
)  # fmt: skip

TARGET = Target(run, seeds, WORDS)
