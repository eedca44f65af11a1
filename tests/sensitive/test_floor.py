"""The detectors keep their promises on a corpus that they were not made for."""

import pytest
from sensitive import floors, throughput
from sensitive.corpus import build

from collector.evaluate.detectors.scan import Detectors
from collector.evaluate.detectors.table import NAMES


@pytest.fixture(scope="module")
def detectors():
    return Detectors(b"a key of the tests")


@pytest.fixture(scope="module")
def made(detectors):
    return floors.ours(detectors)


def test_almost_all_that_is_reported_is_a_secret(made):
    assert made.overall.precision >= floors.PRECISION, [
        (sample.key, sample.value) for sample, _ in made.wrong
    ]


def test_almost_all_secrets_are_reported(made):
    assert made.overall.recall >= floors.RECALL


@pytest.mark.parametrize("family", floors.COMMON)
def test_hardly_any_secret_of_a_common_family_is_missed(made, family):
    missed = [sample for sample in made.missed if sample.family == family]
    assert made.families[family].recall >= floors.COMMON_RECALL, missed


def test_no_family_is_missed_altogether(made):
    blind = [name for name, tally in made.families.items() if tally.leaks and not tally.caught]
    assert blind == []


def test_every_detector_has_samples_and_every_family_a_detector():
    assert {sample.family for sample in build() if sample.secrets} == set(NAMES)


def test_benign_values_by_the_hundred_thousand_are_left_alone(detectors):
    found = throughput.quiet(detectors, 100_000, 11, lambda _: None)
    assert found.share <= floors.FALSE_PER_100_THOUSAND, found.examples
