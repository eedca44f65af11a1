"""What is a secret in some systems only is found where it is asked for, but no sample."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from collector.evaluate.detectors.base import Detector
from collector.evaluate.detectors.contacts import CONTACTS
from collector.evaluate.detectors.optional import OPTIONAL
from collector.evaluate.detectors.scan import Detectors
from collector.evaluate.detectors.table import OPT_IN, OPT_IN_NAMES
from collector.views import Value

sys.path.insert(0, str(Path(__file__).parent))
import making
from making import ALNUM, HEX, chars
from opted import OPTIONAL as FOUND
from opted import UUID

OPTED = frozenset(OPT_IN_NAMES)
DETECTORS = Detectors(b"key of the tests", opted=OPTED)
PLAIN = Detectors(b"key of the tests", opted=OPTED, plain=True)
DEFAULT = Detectors(b"key of the tests")

#: Detector, key and text in which it finds nothing.
LEFT_ALONE = [
    *(
        ("public-ip", "note", address)
        for address in (
            "10.1.2.3", "172.20.1.1", "192.168.1.1", "127.0.0.1", "169.254.169.254", "100.64.1.1",
            "192.0.2.7", "198.51.100.7", "203.0.113.7", "0.0.0.0", "255.255.255.255", "224.0.0.1",
            "fd00::1", "fe80::1", "::1", "2001:db8::7", "ff02::1", "2600::1::2", "2026:11:02",
            "version 1.2.3.4", "Chrome/126.5.64.57 Safari", "1.3.6.1.4.1", "81.2.69.142.in-addr",
            "81.2.69.300", "v81.2.69.142", "81.2.69.142-rc1", "126.0.0.0", "x.x.x.x",
        )
    ),
    ("public-ip", "service.version", "81.2.69.142"),
    *(
        ("phone-number", "note", number)
        for number in (
            "+1 555 555 0123", "+1 415 555 0199", "+447700900123", "+0170 1234567", "+999 1234567",
            "+1 415 238 475", "2026-11-02T10:11:12+0530", "+49 1", "+1111111111", "a+491701739284",
            "+210 1739284", "+280 1739284", "order 4152384751", "phone hash 4152384751a",
            "+49 XXX XXXXXXX",
        )
    ),
    ("phone-number", "user.phone.hash", "4152384751"),
    ("phone-number", "user.phone", "1152384751"),
    *(
        ("mac-address", "note", address)
        for address in (
            "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:fb", "33:33:00:00:00:01",
            "00:00:5e:00:53:af", "3c:22-fb:8a-91:0e", "3c:22:fb:8a:91:0e:77", "10:11:12",
            "xx:xx:xx:xx:xx:xx",
        )
    ),
    *(
        ("uuid", "note", text)
        for text in (
            "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
            "550e8400-e29b-41d4-a716-446655440000", "00000000-0000-4000-8000-000000000001",
            "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx", f"{UUID}-7", f"x{UUID}",
            UUID.replace("-4", "-0", 1), UUID.replace("-", ""),
        )
    ),
    *(
        ("hex-digest", "note", text)
        for text in (
            "d41d8cd98f00b204e9800998ecf8427e", "0" * 40, "0123456789abcdef" * 2, chars(HEX, 31),
            chars(HEX, 33), f"00-{chars(HEX, 32)}-{chars(HEX, 16)}-01", "x" * 32, "ab" * 16,
        )
    ),
    ("hex-digest", "trace_id", chars(HEX, 32)),
    *(
        ("generic-secret", "note", text)
        for text in (
            f"cache-key={chars(ALNUM, 24)}", f"idempotency_key: {chars(ALNUM, 24)}",
            f"key={UUID}", "license-key: REDACTED-REDACTED", "license-key=the-key-of-the-licence",
            "key=aaaaaaaaaaaaaaaaaaaaaaa1", f"monkey {chars(ALNUM, 24)}", "license-key: ${LICENSE}",
            "key: uploads/2026/11/a1b2c3d4e5f6.jpg", f"order={chars(ALNUM, 24)}",
        )
    ),
    ("generic-secret", "key.hash", chars(ALNUM, 24)),
    *(
        ("vault-legacy-token", "note", text)
        for text in (
            f"this.s.{chars(ALNUM, 24)}", f"s.{chars(ALNUM, 23)}", f"s.{chars(ALNUM, 25)}",
            "s.getElementsByTagNameAndId", f"s.{'x' * 24}", f"s.{chars(ALNUM, 24)}(",
        )
    ),
    *(
        ("identifier-key", "note", text)
        for text in (
            "pk_" + "live_" + "x" * 24, "pk_" + "live_short", "AC" + chars(HEX, 31),
            "AROA" + "A" * 17,
            "AC" + "0" * 32, f"https://{'0' * 32}@o1.ingest.sentry.io/2", "AIDACKCEVSQ6C2EXAMPLE",
            "client-id.apps.googleusercontent.com", f"https://{chars(HEX, 32)}@sentry.io.example/2",
        )
    ),
    *(
        ("date-of-birth", "user.dob", text)
        for text in (
            "1900-01-01", "1970-01-01", "01.01.2000", "1984-13-17", "1984-02-31", "31/31/1984",
            "1884-06-17", "1984-06/17", "YYYY-MM-DD", "84-06-17",
        )
    ),
    ("date-of-birth", "order.date", "1984-06-17"),
    ("date-of-birth", "note", "stillborn 1984-06-17"),
]  # fmt: skip


def secrets(name: str, key: str, text: str, detectors: Detectors = DETECTORS) -> list[str]:
    return [find.secret for find in detectors.find(text, key) if find.detector.name == name]


@pytest.mark.parametrize(("name", "key", "text", "secret"), FOUND)
def test_what_was_asked_for_is_found(name: str, key: str, text: str, secret: str) -> None:
    assert secrets(name, key, text) == [secret]
    assert secrets(name, key, text, PLAIN) == [secret]


@pytest.mark.parametrize(("name", "key", "text", "secret"), FOUND)
def test_what_nobody_asked_for_is_not_found(name: str, key: str, text: str, secret: str) -> None:
    assert secrets(name, key, text, DEFAULT) == []


@pytest.mark.parametrize(("name", "key", "text"), LEFT_ALONE)
def test_what_only_resembles_it_is_left_alone(name: str, key: str, text: str) -> None:
    assert secrets(name, key, text) == []
    assert secrets(name, key, text, PLAIN) == []


@pytest.mark.parametrize("name", sorted({one.name for one in (*OPTIONAL, *CONTACTS)}))
def test_every_detector_has_both_here(name: str) -> None:
    assert name in {row[0] for row in FOUND}
    assert name in {row[0] for row in LEFT_ALONE}


@pytest.mark.parametrize("detector", OPT_IN, ids=[one.name for one in OPT_IN])
def test_a_row_says_that_it_is_opt_in_and_has_a_name_of_its_own(detector: Detector) -> None:
    assert detector.opt_in
    assert detector.name not in DEFAULT.names - OPTED


@pytest.mark.timeout(20)  # milliseconds where every expression is linear, minutes where one is not
@pytest.mark.parametrize(
    "text",
    [
        *sorted({text[:14] for _, _, text, _ in FOUND}),
        "+1", "+1 ", "+1(", "1.", "2a02:", "3c:", "key=", "key", "token_", "s.", "0a", "tax id ",
        "cpf ", "sin sin", "1 84 06 75", "AB 12 ", "phone(", "dob ", "steuerid", "ABCDEF",
    ],
)  # fmt: skip
def test_no_flood_keeps_an_expression_busy(text: str) -> None:
    for glue in ("", " ", "a" * 40, "7" * 40):
        DETECTORS.found([Value("note", (text + glue) * (65_536 // len(text + glue)), True, ())])
        DETECTORS.found([Value("tax.id", (text + glue) * (65_536 // len(text + glue)), True, ())])


def test_a_default_find_keeps_its_place_whatever_is_asked_for() -> None:
    heroku = f"heroku api key {making.uuid()}"
    assert [find.detector.name for find in DETECTORS.find(heroku)] == [
        find.detector.name for find in DEFAULT.find(heroku)
    ]
