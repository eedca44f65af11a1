"""Checksums meet the vectors that others publish, and nothing that is off by one."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.evaluate.detectors.bech32 import bech32
from collector.evaluate.detectors.checks import base36, base62, base62_crc32
from collector.evaluate.detectors.dates import seconds
from collector.evaluate.detectors.marvin import marvin32, marvin64

# src/security_utilities_rust/src/marvin_tests.rs of microsoft/security-utilities, which has
# the first two from SymCrypt and the others from skeeto/marvin32
MARVIN = [
    (0xD53CD9CECD0893B7, b"abc", 0x22C74339492769BF),
    (0x0DDDDEEEEFFFF000, b"abcdefghijklmnopqrstuvwxyz", 0xA128EB7E7260ACA2),
    (0x004FB61A001BDBCC, b"", 0x30ED35C100CD3C7D),
    (0x004FB61A001BDBCC, bytes([175]), 0x48E73FC77D75DDC1),
    (0x004FB61A001BDBCC, bytes([231, 15]), 0xB5F6E1FC485DBFF8),
    (0x004FB61A001BDBCC, bytes([55, 244, 149]), 0xF0B07C789B8CF7E8),
    (0x004FB61A001BDBCC, bytes([134, 66, 220, 89]), 0x7008F2E87E9CF556),
    (0x004FB61A001BDBCC, bytes([171, 66, 126, 168, 209, 15, 199]), 0xE11847E4F0678C41),
    (0x804FB61A001BDBCC, b"", 0x10A9D5D3996FD65D),
    (0x804FB61A001BDBCC, bytes([171, 66, 126, 168, 209, 15, 199]), 0xE203987DBA252FB3),
    (0x804FB61A801BDBCC, bytes([0]), 0xA37FB0DA2ECAE06C),
    (0x804FB61A801BDBCC, bytes([0, 255, 0, 255, 0, 255, 0]), 0x71876F2EFB1B0EE8),
]

# The same repository's identifiable_scans.rs: one character so often, and the rest of a key
KEYS = [
    ("a", 33, "+ARmD7h+qo=", "Send0000"),
    ("a", 33, "+AEhG2s/8w=", "Send0000"),
    ("a", 33, "+ASbHpHeAI=", "Send0000"),
    ("a", 33, "AIoTOumzco=", "IoTHub00"),
    ("b", 33, "AZEGLiQbng=", "Default0"),
    ("a", 42, "AzSeCjhzCu", "Query000"),
    ("d", 42, "+ACRCUDxQE", "ACRDflt0"),
    ("d", 44, "AzFu182vhA==", "System00"),
    ("a", 76, "+ASt5mnCaw==", "Default0"),
    ("a", 76, "ACDbOpqrYA==", "Encryp00"),
    ("a", 76, "+ABa13FZVQ==", "AbAcct00"),
    ("a", 76, "+AMCFNqWyA==", "Classic0"),
    ("a", 76, "APIMHbKhsQ==", "Tenant00"),
]


@pytest.mark.parametrize(("seed", "data", "expected"), MARVIN)
def test_marvin_meets_the_published_vectors(seed: int, data: bytes, expected: int) -> None:
    assert marvin64(data, seed) == expected


@pytest.mark.parametrize(("char", "times", "end", "kind"), KEYS)
def test_the_seeds_meet_the_published_keys(char: str, times: int, end: str, kind: str) -> None:
    raw = base64.b64decode(char * times + end)
    assert marvin32(raw[:-4], kind) == raw[-4:]
    assert marvin32(raw[:-5] + bytes([raw[-5] ^ 1]), kind) != raw[-4:]


@pytest.mark.parametrize(
    "text",
    [
        "A12UEL5L",
        "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
        "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
        f"11{'q' * 82}c8247j",
        "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
        "?1ezyfcl",
    ],
)
def test_bech32_takes_the_valid_vectors_of_bip_173(text: str) -> None:
    assert bech32(text)
    assert bech32(text.upper())


@pytest.mark.parametrize(
    "text",
    [
        "pzry9x0s0muk",
        "1pzry9x0s0muk",
        "x1b4n0q5v",
        "li1dgmt3",
        "de1lg7wt\xff",
        "A1G7SGD8",
        "10a06t8",
        "1qzzfhee",
        "a12uEL5L",
        "",
    ],
)
def test_bech32_refuses_the_invalid_vectors_of_bip_173(text: str) -> None:
    assert not bech32(text)


@given(st.integers(0, 2**32 - 1))
def test_a_number_in_base_36_and_62_is_that_number(number: int) -> None:
    assert int(base36(number, 7), 36) == number
    order = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    assert sum(order.index(d) * 62**n for n, d in enumerate(reversed(base62(number, 6)))) == number


def test_the_checksum_of_github_meets_its_published_vector() -> None:
    # github.blog shows a token with this random part and this checksum
    assert base62_crc32("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ") == "0mLq17"


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1)), st.integers(-14, 14))  # noqa: DTZ001
def test_a_date_is_read_as_the_library_reads_it(moment: datetime, hours: int) -> None:
    whole = moment.replace(microsecond=0, tzinfo=timezone(timedelta(hours=hours)))
    assert seconds(whole.isoformat()) == whole.timestamp()
    utc = whole.replace(tzinfo=UTC)
    assert seconds(utc.strftime("%Y%m%dT%H%M%SZ")) == utc.timestamp()
    assert seconds(utc.isoformat()[:10]) == utc.replace(hour=0, minute=0, second=0).timestamp()


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-13-01", "2026-02-00", "2026-01-01T25:00", "soon"]
)
def test_what_is_no_date_is_not_read(text: str) -> None:
    assert seconds(text) is None
