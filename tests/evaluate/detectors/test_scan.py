"""Judging many values at once says what judging each alone says, on either backend."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.evaluate.detectors import gates
from collector.evaluate.detectors.base import Rank
from collector.evaluate.detectors.checks import base62_crc32
from collector.evaluate.detectors.finds import Find
from collector.evaluate.detectors.scan import Detectors
from collector.evaluate.detectors.table import DETECTORS as TABLE
from collector.evaluate.policy import Hit
from collector.views import Value
from collector.violation import Severity

DETECTORS = Detectors(b"key of the tests")
PLAIN = Detectors(b"key of the tests", plain=True)
BODY = "".join(random.Random(7).choices(string.ascii_letters + string.digits, k=30))
GITHUB = f"ghp_{BODY}{base62_crc32(BODY)}"


def value(text: str, key: str = "note") -> Value:
    return Value(key, text, True, ())


def judged(batch: list[Value], detectors: Detectors = DETECTORS) -> list[tuple[Hit, ...]]:
    found = detectors.found(batch)
    return [found.get(index, ()) for index in range(len(batch))]


def hits(text: str, key: str = "note", detectors: Detectors = DETECTORS) -> tuple[Hit, ...]:
    return judged([value(text, key)], detectors)[0]


pieces = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            GITHUB, "ann@shop.io", "ann%40shop.io", "password=", "hunter2", "\n", "\\n", '"', "%",
            "https://a:b55c@h/", "?token=", "é", "\ud800", "Bearer ", "card ", "{", "&", "=", "\0",
        ]
    ),
)  # fmt: skip
texts = st.lists(pieces, max_size=6).map("".join)
keys = st.sampled_from(
    ["note", "db.password", "http.request.header.baggage", "baggage.token", "url.query", "card", ""]
)
values = st.lists(st.builds(value, texts, keys), max_size=8)


@given(values)
def test_judging_together_agrees_with_judging_alone(batch: list[Value]) -> None:
    assert judged(batch) == [judged([one])[0] for one in batch]


@given(values)
def test_the_backends_agree(batch: list[Value]) -> None:
    assert judged(batch) == judged(batch, PLAIN)


def test_each_backend_says_its_name() -> None:
    assert PLAIN.backend == "re"
    assert DETECTORS.backend == ("re" if gates.hyperscan is None else "hyperscan")


def test_without_hyperscan_the_expressions_run_on_re(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "hyperscan", None)
    detectors = Detectors(b"key of the tests")
    assert detectors.backend == "re"
    assert [hit.detector for hit in hits(GITHUB, detectors=detectors)] == ["github-token"]


def test_two_equal_secrets_in_one_batch_are_both_found() -> None:
    found = judged([value(GITHUB), value("clean"), value(f"x {GITHUB}")])
    assert [[hit.detector for hit in one] for one in found] == [
        ["github-token"],
        [],
        ["github-token"],
    ]


def test_line_breaks_inside_values_do_not_shift_what_is_found() -> None:
    found = judged([value("a\nb\n\nc"), value("é\n"), value(f"\n{GITHUB}\n"), value("\n")])
    assert [bool(one) for one in found] == [False, False, True, False]


def test_half_a_surrogate_pair_is_judged_like_any_text() -> None:
    assert [hit.detector for hit in hits(f"\ud800 {GITHUB} \udfff")] == ["github-token"]
    assert [hit.detector for hit in hits("\ud800\udc00 hunter", "password")] == ["secret-attribute"]


def test_equal_secrets_have_equal_fingerprints_only_under_the_same_key() -> None:
    (one,), (other,) = hits(GITHUB), hits(f"in text {GITHUB}")
    (foreign,) = hits(GITHUB, detectors=Detectors(b"another key"))
    assert one.fingerprint == other.fingerprint != foreign.fingerprint
    assert len(one.fingerprint) == 16


def test_a_key_longer_than_the_hash_allows_is_accepted() -> None:
    assert hits(GITHUB, detectors=Detectors(b"k" * 1000))


def test_a_preview_shows_at_most_a_quarter_and_nothing_of_a_password() -> None:
    (token,) = hits(GITHUB)
    assert token.preview == "ghp_… (40 characters)"
    assert [hit.preview for hit in hits("hunter2", "db.password")] == ["…"]
    assert [hit.preview for hit in hits("https://a:pa55@h/")] == ["…"]
    assert [hit.preview for hit in hits("ann@shop.io")] == ["… (11 characters)"]


def test_the_severity_follows_from_the_rank() -> None:
    assert [rank.severity for rank in Rank] == [
        Severity.INFO, Severity.WARNING, Severity.CRITICAL, Severity.CRITICAL
    ]  # fmt: skip


def test_a_disabled_detector_finds_nothing() -> None:
    detectors = Detectors(b"k", disabled=frozenset({"email", "secret-attribute"}))
    assert hits("ann@shop.io", detectors=detectors) == ()
    assert hits("hunter2", "password", detectors=detectors) == ()
    assert hits(GITHUB, detectors=detectors) != ()


def test_an_unknown_detector_and_an_empty_key_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown detectors nonsense; known are"):
        Detectors(b"k", disabled=frozenset({"nonsense"}))
    with pytest.raises(ValueError, match="at least one byte"):
        Detectors(b"")


def test_finds_over_the_bound_are_left_out_and_counted() -> None:
    detectors = Detectors(b"k", max_matches_per_value=3)
    addresses = [f"ann{number}@shop.io" for number in range(4)]
    assert len(hits(" ".join(addresses[:3]), detectors=detectors)) == 3
    assert detectors.capped == 0
    assert len(hits(" ".join(addresses), detectors=detectors)) == 3
    assert detectors.capped == 1


def test_of_a_long_value_both_ends_are_looked_at_and_it_is_counted() -> None:
    detectors = Detectors(b"k", max_length=400)
    exact = "ann@shop.io" + " " * (400 - 22) + "bob@shop.io"
    assert len(hits(exact, detectors=detectors)) == 2
    assert detectors.truncated == 0
    longer = exact.replace("  ", "   ", 1) + " "
    assert len(hits(longer, detectors=detectors)) == 2
    assert detectors.truncated == 1
    assert hits(" " * 350 + "ann@shop.io" + " " * 350, detectors=detectors) == ()


def test_a_flood_of_candidates_does_not_hide_a_secret_in_another_value() -> None:
    found = judged([value("@a" * 30_000), value(GITHUB), value("clean text")])
    assert [bool(one) for one in found] == [False, True, False]


def test_values_over_the_size_of_a_blob_are_all_judged() -> None:
    filler = value("x" * 60_000)
    found = judged([*[filler] * 40, value(GITHUB), *[filler] * 20, value(GITHUB)])
    assert [index for index, one in enumerate(found) if one] == [40, 61]


@pytest.mark.parametrize("detector", [one for one in TABLE if one.gate], ids=lambda one: one.name)
def test_a_gate_reads_alike_in_both_backends(detector: object) -> None:
    gate = getattr(detector, "gate", "")
    for forbidden in (r"\w", r"\b", r"\s", r"\d", "(?=", "(?!", "(?<"):
        assert forbidden not in gate


@pytest.mark.parametrize(
    ("key", "text", "within", "name"),
    [
        (
            "http.request.header.baggage",
            "a=1,user.token=aZ3kQ9aZ3kQ9",
            "user.token",
            "secret-attribute",
        ),
        ("http.request.header.baggage", "m=ann%40shop.io;ttl=3,b=2", "m", "email"),
        ("rpc.request.metadata.baggage", f"a=1 , t = {GITHUB}", "t", "github-token"),
        ("baggage", "a=1;password=hunter2", "a", "secret-attribute"),
        ("baggage.api_key", "aZ3kQ9aZ3kQ9", "api_key", "api-key-header"),
        ("baggage.user", "ann@shop.io", "user", "email"),
    ],
)
def test_a_find_in_baggage_names_its_member(key: str, text: str, within: str, name: str) -> None:
    assert [(hit.within, hit.detector, hit.baggage) for hit in hits(text, key)] == [
        (within, name, True)
    ]


@given(st.text(alphabet='a=,;% \n"', max_size=40), st.text(max_size=20))
def test_any_baggage_header_is_read_without_failing(header: str, more: str) -> None:
    for one in hits(header + more, "http.request.header.baggage"):
        assert one.baggage


@pytest.mark.timeout(20)  # milliseconds where every expression is linear, minutes where one is not
@pytest.mark.parametrize(
    "seed", ["\\", "authorization: ", "a", "token=", "a@a.", "card 4", "://a:", "{"]
)
@pytest.mark.parametrize("before", ["", "password=", "-----BEGIN PRIVATE" + " KEY-----"])
def test_no_text_keeps_an_expression_busy(before: str, seed: str) -> None:
    assert len(judged([value((before + seed * 65_536)[:65_536])])) == 1


def test_of_very_many_finds_in_one_value_the_gravest_are_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A value full of mailboxes costs no more than a part of them, and hides no secret."""
    mailboxes = " %20 ".join(f"ann{number}@shop.example.org" for number in range(2_000))
    detectors = Detectors(b"key of the tests", max_length=1_000_000)
    made = []
    real = detectors._made

    def counted(*parts: object) -> Find:
        made.append(parts)
        return real(*parts)  # type: ignore[arg-type]

    monkeypatch.setattr(detectors, "_made", counted)
    found = hits(f"{mailboxes} {GITHUB}", detectors=detectors)

    assert found[0].detector == "github-token"
    assert len(found) == 16
    assert detectors.capped == 1
    assert len(made) <= 16 * 32
