"""The z-test by what is known of it, and samples of traces that do not hang on the order."""

import pytest

from collector.evaluate.requests import Flag, Request, Requests
from collector.evaluate.sampled import Threshold, rank
from collector.evaluate.shares import Share, z_score
from collector.violation import Service

FLAG = Flag(Service("shop"), "f")


@pytest.mark.parametrize(
    ("one", "other", "score"),
    [
        ((20, 100), (5, 100), 3.2071),
        ((5, 100), (20, 100), -3.2071),
        ((2, 100), (1, 100), 0.5817),
        ((50, 1000), (50, 1000), 0.0),
        ((0, 100), (0, 100), 0.0),
        ((100, 100), (100, 100), 0.0),
        ((0, 0), (5, 100), 0.0),
        ((5, 100), (0, 0), 0.0),
    ],
)
def test_the_z_score_of_two_shares(one, other, score):
    assert z_score(Share(*one), Share(*other)) == pytest.approx(score, abs=1e-4)


def request(number, variant="on", *, failed=False):
    return Request(number.to_bytes(16, "big"), b"s" * 8, variant, failed)


def test_a_threshold_takes_half_and_half_of_it_and_all_again():
    threshold = Threshold()
    ranks = [rank(number.to_bytes(16, "big")) for number in range(4000)]

    def taken():
        return sum(map(threshold.takes, ranks))

    assert taken() == 4000
    assert threshold.halve()
    assert 1800 < taken() < 2200
    assert threshold.share == 0.5
    threshold.double()
    threshold.double()
    assert taken() == 4000
    for _ in range(64):
        threshold.halve()
    assert not threshold.halve()


def test_what_is_kept_of_too_many_requests_is_a_sample_by_trace_in_any_order():
    made = [request(n, "on" if n % 10 else "off", failed=n % 7 == 0) for n in range(5000)]
    one, other = Requests(1000, 10), Requests(1000, 10)
    for each in made:
        one.add(FLAG, each)
    for each in reversed(made):
        other.add(FLAG, each)

    ((_, variants),) = one.flags(20)

    assert one.flags(20) == other.flags(20)
    assert 400 < variants.total.many <= 1000
    assert one.left_out == 5000 - variants.total.many
    assert variants.shares["on"].value == pytest.approx(1 / 7, abs=0.06)
    assert variants.shares["off"].many == pytest.approx(variants.total.many / 10, rel=0.5)


def test_flags_over_the_bound_are_left_out_and_counted():
    requests = Requests(100, 2)
    for number in range(4):
        requests.add(Flag(Service("shop"), f"f{number}"), request(1))

    assert [flag.name for flag, _ in requests.flags(20)] == ["f0", "f1"]
    assert requests.left_out == 2


def test_the_rarest_variants_are_others_to_all():
    requests = Requests(100, 2)
    for number in range(30):
        requests.add(FLAG, request(number, "abc"[number % 3] if number < 24 else "rare"))

    ((_, variants),) = requests.flags(3)

    assert sorted(variants.shares) == ["a", "b", "c"]
    assert variants.others("a").many == 22


def test_a_request_is_known_again_and_under_two_variants_is_none():
    requests = Requests(100, 2)

    assert requests.add(FLAG, request(1))
    assert not requests.add(FLAG, request(1))
    assert not requests.add(FLAG, request(1, "off"))
    assert not requests.add(FLAG, request(1))
    assert requests.flags(20)[0][1].total.many == 0
