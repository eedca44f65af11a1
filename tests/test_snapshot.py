"""A snapshot is believed as a whole or not at all, and never stops the program."""

from __future__ import annotations

import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector import snapshot, testing
from collector.evaluate.policy import Terms
from collector.evaluate.registry import known
from collector.evaluate.sketch import Distinct
from collector.evaluate.windows import SlidingDistinct
from collector.snapshot import BrokenError, Snapshot, SnapshotFile

HASHES = st.lists(st.integers(0, 2**64 - 1), max_size=300)
NOW = testing.START


def cardinality(**options):
    kind = known()["metric_cardinality"]
    return kind(Terms("labels", "metric_cardinality"), kind.options_type.model_validate(options))


def series(count, first=0):
    return {
        "service": "shop",
        "repeat": count,
        "metrics": [{"name": "m", "labels": {"id": f"{first}-{{i}}"}}],
    }


def some(policy, now=NOW):
    states = {policy.terms.id: (policy, policy.saved(10**6))}
    return snapshot.make(states, [], b"seed", now)


@given(HASHES)
def test_a_sketch_is_what_it_was(hashes):
    made = Distinct(64)
    for one in hashes:
        made.add(one)

    again = Distinct.merged([made.pack()], 64)

    assert (again.count(), again.is_exact, again.pack()) == (
        made.count(),
        made.is_exact,
        made.pack(),
    )


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 7200)), max_size=200))
def test_a_sliding_window_goes_on_as_if_nothing_had_happened(seen):
    made, other = SlidingDistinct(3600, 12), SlidingDistinct(3600, 12)
    for hashed, at in sorted(seen, key=lambda one: one[1]):
        made.add(hashed, at)

    other.unpack(made.pack())

    for window in (made, other):
        window.add(5, 7300)
    assert (other.count(), other.fresh, other.pack()) == (made.count(), made.fresh, made.pack())


@given(st.binary(max_size=9000))
def test_bytes_that_are_no_sketch_are_told_apart(data):
    try:
        made = Distinct.merged([data], 2048)
    except ValueError:
        return
    assert made.pack()[0] == data[0]


def test_a_policy_counts_on_over_a_restart():
    before, after = cardinality(warn_values=500), cardinality(warn_values=500)
    assert testing.run([before], [series(300)]) == []
    kept = snapshot.decode(snapshot.encode(some(before)))

    assert snapshot.restore(kept, (after,), NOW + 60) == 1

    (found,) = testing.run([after], [{"at": 61, **series(300, first=1)}])
    assert found.evidence["count"] == pytest.approx(600, rel=0.05)


@pytest.mark.parametrize(
    "changed", [{"warn_values": 501}, {"exclude_labels": ["x"]}], ids=["bound", "exclusion"]
)
def test_other_options_start_anew(changed):
    before = cardinality(warn_values=500)
    testing.run([before], [series(300)])

    assert snapshot.restore(some(before), (cardinality(**changed),), NOW) == 0


def test_what_is_no_state_of_a_policy_leaves_it_as_it_is():
    policy = cardinality()
    kept = some(policy)
    kept.policies["labels"].state = [["shop", 1, 2]]

    assert snapshot.restore(kept, (policy,), NOW) == 0


def test_a_sketch_in_the_form_of_an_earlier_version_lets_all_of_its_policy_start_anew():
    before, after = cardinality(), cardinality()
    testing.run([before], [series(300)])
    kept = some(before)
    (label,) = kept.policies["labels"].state
    index, fresh, ((step, _),) = label[-1]
    old = b"R" + bytes([0, 3, 1, 53]) * 1024  # registers as they are
    kept.policies["labels"].state.append((*label[:-1], (index, fresh, [(step, old)])))

    assert snapshot.restore(kept, (after,), NOW) == 0

    assert after.saved(10**6) == []


def test_what_is_saved_keeps_to_the_bound_and_begins_with_the_worst():
    policy = cardinality()
    testing.run(
        [policy],
        [
            series(50),
            {"service": "shop", "repeat": 20, "metrics": [{"name": "n", "labels": {"few": "{i}"}}]},
        ],
    )

    saved = policy.saved(1500)

    assert [(one[3], one[4]) for one in saved] == [("m", "id")]


@pytest.fixture
def file(tmp_path):
    failures = []
    made = SnapshotFile(tmp_path / "state", 3600, lambda: failures.append(1))
    made.failures = failures
    return made


def test_a_file_comes_back_for_its_owner_alone(file, tmp_path):
    file.store(some(cardinality()))

    assert file.load(NOW + 10).seed == b"seed"
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["state"]


@pytest.mark.parametrize(
    ("seconds", "believed"), [(0, True), (3600, True), (3601, False), (-1, False)]
)
def test_one_that_is_too_old_or_from_the_future_is_not_believed(file, seconds, believed):
    file.store(some(cardinality()))

    assert (file.load(NOW + seconds) is not None) is believed


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"something else",
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: snapshot.encode(Snapshot(2, NOW, b"", {}, [])),
    ],
    ids=["empty", "foreign", "truncated", "longer", "flipped", "version"],
)
def test_a_broken_one_is_set_aside(file, tmp_path, damage):
    path = tmp_path / "state"
    path.write_bytes(damage(snapshot.encode(some(cardinality()))))

    assert file.load(NOW) is None
    assert not path.exists()
    assert (tmp_path / "state.broken").exists()
    file.store(some(cardinality()))
    assert file.load(NOW) is not None


@given(st.binary(max_size=400))
def test_any_bytes_are_a_snapshot_or_broken(data):
    for one in (data, snapshot.encode(Snapshot(1, 0.0, b"", {}, []))[: len(data)]):
        try:
            snapshot.decode(one)
        except BrokenError:
            continue


def test_a_folder_that_is_gone_costs_a_count_and_no_more(tmp_path):
    failures = []
    gone = SnapshotFile(tmp_path / "gone" / "state", 3600, lambda: failures.append(1))

    gone.store(some(cardinality()))
    gone.store(some(cardinality()))

    assert len(failures) == 2
    assert gone.load(NOW) is None
