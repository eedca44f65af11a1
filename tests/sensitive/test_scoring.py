"""Scores count what they say, and gitleaks' expressions mean in `re` what they mean in RE2."""

import re

import pytest
from sensitive.corpus import Sample
from sensitive.gitleaks import translated
from sensitive.scoring import Span, score
from sensitive.tables import masked

LEAK = Sample("key", "user bob, word tr0ub4dor", "log_body", "password-assignment", ("tr0ub4dor",))
QUIET = Sample("key", "user bob", "log_body", "text")


def test_a_find_beside_the_secret_is_a_miss():
    made = score([LEAK], [[Span(0, 9, "email")]])
    assert (made.overall.caught, made.overall.recall) == (0, 0.0)
    assert made.missed == [LEAK]


def test_a_find_that_overlaps_the_secret_counts_whoever_made_it():
    made = score([LEAK], [[Span(20, 99, "jwt")]])
    assert made.families["password-assignment"].caught == 1
    assert made.families["password-assignment"].own == 0


def test_a_find_in_a_benign_value_counts_once_and_against_its_detector():
    made = score([LEAK, QUIET], [[Span(15, 24, "jwt")], [Span(0, 4, "jwt"), Span(5, 8, "jwt")]])
    assert made.overall.precision == 0.5
    assert made.families["jwt"].false == 1
    assert made.kinds["text"].false == 1


def test_values_are_shown_without_their_secrets():
    assert masked(LEAK.value, [(15, 24)], show=False) == "user bob, word tr0u…"
    assert masked(LEAK.value, [(15, 24)], show=True) == LEAK.value


@pytest.mark.parametrize(
    ("expression", "matches", "differs"),
    [
        (r"\b(p8e-(?i)[a-z]{3})(?:;|$)", "p8e-AbC", "P8E-abc"),
        (r"a(?i)b|c", "C", "A"),
        (r"(?i)[\w.-]{0,5}(?:key)=([a-z]+)(?:\z)", "MY.KEY=AB", "key=1"),
        (r"x[[]y", "x[y", "xy"),
        (r"(?i:[^]a]b)", "CB", "ab"),
    ],
)
def test_expressions_of_re2_keep_their_meaning(expression, matches, differs):
    made = re.compile(translated(expression))
    assert made.fullmatch(matches)
    assert not made.fullmatch(differs)
