"""The corpus is large, balanced, and says the truth about itself."""

from collections import Counter

import pytest
from sensitive import benign, published
from sensitive.alphabets import words
from sensitive.corpus import COMMON, build
from sensitive.fields import FIELDS
from sensitive.harmless import HARMLESS
from sensitive.hidden import HIDDEN
from sensitive.templates import MARK, PLACES, read

SAMPLES = build()
LEAKS = [sample for sample in SAMPLES if sample.secrets]
QUIET = [sample for sample in SAMPLES if not sample.secrets]
MANY = words(
    "basic-auth-url bearer-token session-cookie url-query-secret password-assignment private-key "
    "jwt aws-access-key-id aws-secret-access-key github-token credit-card email api-key-header "
    "secret-attribute"
)


def test_it_is_large_and_most_of_it_is_benign():
    assert len(SAMPLES) >= 2500
    assert 0.5 < len(QUIET) / len(SAMPLES) < 0.65


def test_every_family_of_secrets_has_a_dozen_samples_and_the_common_ones_sixty():
    count = Counter(sample.family for sample in LEAKS)
    assert {family: number for family, number in count.items() if number < 12} == {}
    assert {family: count[family] for family in MANY if count[family] < 60} == {}
    assert sum(number for family, number in count.items() if family.startswith("azure")) >= 60


def test_every_place_has_samples_of_both():
    for some in (LEAKS, QUIET):
        assert {sample.place for sample in some} == set(PLACES)


def test_samples_differ():
    assert len({(sample.key, sample.value) for sample in SAMPLES}) == len(SAMPLES)


def test_a_secret_stands_in_its_value_as_it_is_told():
    for sample in LEAKS:
        assert any(secret in sample.value for secret in sample.secrets), sample


def test_no_secret_is_a_published_example():
    for sample in LEAKS:
        assert not any(example in sample.value for example in published.ALL), sample


def test_no_benign_sample_holds_a_secret_of_another():
    secrets = {secret for sample in LEAKS for secret in sample.secrets if len(secret) > 8}
    values = {sample.value for sample in QUIET}
    assert not secrets & values


@pytest.mark.parametrize("name", ["leaks", "quiet", "carriers"])
def test_templates_name_places_and_fields_that_exist(name):
    known = FIELDS.keys() | HARMLESS.keys() | HIDDEN.keys() | {"t", "env", "host"}
    for template in read(name):
        assert template.place in PLACES, template
        assert template.marks() <= known, template
        assert "«" not in MARK.sub("", template.text), template


def test_templates_of_leaks_hide_something_and_those_of_quiet_ones_nothing():
    assert all(template.marks() & HIDDEN.keys() for template in read("leaks"))
    assert not any(template.marks() & HIDDEN.keys() for template in read("quiet"))


def test_a_seed_gives_the_same_corpus_and_another_seed_another():
    assert build.__wrapped__(1) == SAMPLES
    other = {sample.value for sample in build.__wrapped__(2) if sample.secrets}
    assert not other & {sample.value for sample in LEAKS}


def test_every_common_family_is_one_of_the_corpus():
    assert {sample.family for sample in LEAKS} >= COMMON.keys()


def test_benign_values_are_many_and_of_every_kind():
    made = list(benign.stream(30_000))
    assert {kind for kind, _, _ in made} == set(benign.SHARES)
    assert len({value for _, _, value in made}) > 20_000
    assert all("«" not in value for _, _, value in made)
    assert list(benign.stream(30_000)) == made
