"""After scrubbing no secret is left, however it stood in the text."""

from __future__ import annotations

import json
import random
import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.evaluate.detectors.checks import base62_crc32
from collector.evaluate.detectors.scan import Detectors
from collector.evaluate.detectors.table import NAMES, OPT_IN_NAMES
from collector.evaluate.scrub import Scrubber

SCRUBBER = Scrubber(Detectors(b"key of the tests"))
ALNUM = string.ascii_letters + string.digits


def github(seed: int) -> str:
    body = "".join(random.Random(seed).choices(ALNUM, k=30))
    return f"ghp_{body}{base62_crc32(body)}"


SECRETS = [
    github(1),
    "ann.lee@shop.io",
    "AKIA" + "QWERTYUIOPASDFGH",
    "sk_" + "live_" + "aZ3kQ9bY2jP8" * 2,
]
secrets = st.one_of(st.sampled_from(SECRETS), st.integers(0, 10_000).map(github))
words = st.text(st.characters(codec="utf-8"), max_size=30).map(lambda text: text + " ")
WRAPS = [
    str,
    lambda text: f"service shop: label user={text}",
    lambda text: quote(text, safe=""),
    lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    lambda text: json.dumps({"a": {"b": text}}),
    lambda text: json.dumps(json.dumps({"a": text})),
    lambda text: json.dumps(text).replace("@", "\\u0040"),
    lambda text: f"https://h/x?next={quote(quote(text, safe=''), safe='')}",
    lambda text: f"({text})",
    lambda text: f"{text}, {text}",
]


@given(secrets, st.sampled_from(WRAPS), words, words)
def test_scrubbed_text_never_holds_the_secret(secret, wrap, before, after) -> None:
    shown = SCRUBBER.text(f"{before}{wrap(secret)} {after}")
    for form in (secret, wrap(secret), quote(secret, safe="")):
        assert form not in shown


@given(
    st.lists(
        st.one_of(words, secrets, st.sampled_from(["password=", "%", "\\", "?token=", '"'])),
        max_size=6,
    )
)
def test_scrubbing_again_changes_nothing(parts: list[str]) -> None:
    once = SCRUBBER.text("".join(parts))
    assert SCRUBBER.text(once) == once


@pytest.mark.parametrize("secret", SECRETS)
def test_a_text_that_is_a_secret_as_a_whole_is_replaced_as_a_whole(secret: str) -> None:
    assert SCRUBBER.text(secret) in {f"[{name}]" for name in NAMES}


def test_the_rest_of_the_text_stays() -> None:
    assert SCRUBBER.text("GET /users/ann@shop.io/cart") == "GET /users/[email]/cart"
    assert SCRUBBER.text("GET /cart") == "GET /cart"


def test_a_secret_is_removed_where_nothing_gives_it_away_too() -> None:
    assert SCRUBBER.text("password=hunter2 and hunter2 again") == (
        "password=[password-assignment] and [password-assignment] again"
    )


@pytest.mark.parametrize("name", [*NAMES, *OPT_IN_NAMES])
def test_what_the_auditor_says_itself_passes_unchanged(name: str) -> None:
    for text in (
        f"baggage member token in http.request.header.baggage ({name})",
        f"span attribute db.password ({name})",
        f"{name} found in span attribute, 3 times",
        "ghp_… (40 characters)",
        "0123456789abcdef",
        f"[{name}]",
    ):
        assert SCRUBBER.text(text) == text


def test_a_long_text_is_cut_and_a_secret_on_the_cut_does_not_leak() -> None:
    scrubber = Scrubber(Detectors(b"k"), max_length=100)
    assert scrubber.text("x" * 100) == "x" * 100
    assert scrubber.text("x " * 51) == "x " * 50 + "…"
    shown = scrubber.text("x " * 40 + github(3) + " y" * 40)
    assert shown == "x " * 40 + "[github-token]…"


def test_evidence_is_scrubbed_text_by_text() -> None:
    evidence = {
        "count": 3,
        "share": 0.5,
        "seen": ("ann@shop.io", "b"),
        "name": github(2),
        "on": True,
    }
    assert SCRUBBER.mapping(evidence) == {
        "count": 3, "share": 0.5, "seen": ("[email]", "b"), "name": "[github-token]", "on": True
    }  # fmt: skip


def test_half_a_surrogate_pair_is_no_failure() -> None:
    assert SCRUBBER.text("\ud800 ann@shop.io") == "\ud800 [email]"
