"""Picks: both forms of values give the same, and no object is made of what nobody wants."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector import testing
from collector.decode import best
from collector.decode.reference import ReferenceDecoder
from collector.demand import Demand
from collector.evaluate.engine import Engine
from collector.evaluate.picked import Picks, size_of
from collector.evaluate.policy import Budget, Meta, Options, Pick, Policy, Terms
from collector.views import Place
from collector.violation import Severity, Signal

PLACES = Demand(places=frozenset({Place.SPAN_ATTRIBUTE}))
KEYS = ("body", "note", "url")
TEXTS = st.text(st.sampled_from("aé€\U0001f600%\\ \n"), min_size=1, max_size=12)


def values(make, attributes):
    decoder = make(PLACES)
    [(signal, data)] = testing.requests({"spans": [{"attributes": attributes}]})
    [batch] = decoder.slices(signal, decoder.parse(signal, data), testing.START)
    return batch.values


def wanted_of(attributes, keys, longer, holds, most, per_second):
    pairs = dict.fromkeys((key, text) for key, texts in attributes.items() for text in texts)
    looked_at = [
        (key, text)
        for key, text in pairs
        if key in keys or (longer is not None and len(text.encode()) > longer)
    ][:most][:per_second]
    return [(key, text) for key, text in looked_at if holds is None or holds in text]


PICKED = st.tuples(
    st.frozensets(st.sampled_from(KEYS)),
    st.none() | st.integers(0, 40),
    st.none() | st.sampled_from("ab%"),
    st.none() | st.integers(1, 4),
    st.none() | st.integers(1, 4),
)


def pick_of(keys, longer, holds, most, per_second):
    return Pick(
        keys.__contains__,
        longer,
        holds=None if holds is None else partial(contains, holds),
        most=most,
        budget=None if per_second is None else Budget(per_second),
    )


def contains(part, text):
    return part in text


@given(
    st.dictionaries(st.sampled_from(KEYS), st.lists(TEXTS, max_size=4)),
    st.lists(PICKED, max_size=3),
)
def test_each_pick_gets_what_it_wants_of_either_form_of_values(attributes, wanted):
    picks = Picks([pick_of(*one) for one in wanted])

    for second, make in enumerate((ReferenceDecoder, best.decoder)):
        found = values(make, attributes)
        assert [
            [(found[at].key, found[at].text) for at in indices]
            for indices in picks.of(found, second)
        ] == [wanted_of(attributes, *one) for one in wanted]


def test_a_budget_is_for_a_second_and_of_all_that_is_looked_at():
    picks = Picks([Pick(lambda key: True, holds=partial(contains, "b"), budget=Budget(3))])
    found = values(ReferenceDecoder, {"k": ["a", "b"]})

    assert [picks.of(found, now) for now in (0, 0.5, 0.9, 1)] == [[[1]], [[]], ((),), [[1]]]


def test_what_is_remembered_of_keys_is_bounded(monkeypatch):
    monkeypatch.setattr("collector.evaluate.picked._MOST_KEYS", 2)
    picks = Picks([Pick(lambda key: key == "k3")])

    for _ in range(2):
        found = values(ReferenceDecoder, {f"k{at}": ["v"] for at in range(5)})
        assert picks.of(found, 0) == [[3]]
    assert all(len(keys.__self__) <= 2 for keys, _ in picks._passes.values())


@given(st.text())
def test_the_size_is_that_of_the_bytes(text):
    assert size_of(text) == len(text.encode("utf-8", "replace"))


class Picking(Policy[Options]):
    meta = Meta((Signal.TRACES,), (Severity.WARNING,), "0.1.0")
    seen = ()

    def demand(self):
        return PLACES

    @property
    def picks(self):
        return Pick(lambda key: key == "body", 10)

    def suspects(self, judged):
        return judged.value.key == "body"

    def on_value(self, judged, now):
        self.seen = (*self.seen, (judged.value.key, judged.value.new))
        return ()


class All(Picking):
    picks = None


class Broken(Picking):
    def key(self, key):
        raise RuntimeError("planted-secret")

    @property
    def picks(self):
        return Pick(self.key)


class Clean:
    def found(self, values):
        return {}

    def text(self, text, also=""):
        return text


@pytest.mark.parametrize("make", [ReferenceDecoder, best.decoder])
def test_a_policy_sees_what_it_picks_again_where_it_is_bad_and_others_see_theirs(make):
    picking, everything = Picking(Terms("p", "k"), Options()), All(Terms("a", "k"), Options())
    engine = Engine([picking, everything], detectors=Clean(), scrubber=Clean())
    decoder = make(engine.demand)
    telemetry = {"spans": [{"attributes": {"body": "x", "note": "y", "long": "0123456789a"}}]}

    for _ in range(2):
        for signal, data in testing.requests(telemetry):
            for batch in decoder.slices(signal, decoder.parse(signal, data), testing.START):
                for value in engine.evaluate(batch, testing.START).bad:
                    decoder.remember_bad(value)

    assert picking.seen == (("body", True), ("long", True), ("body", False))
    assert everything.seen == (("body", True), ("note", True), ("long", True), ("body", False))


def test_no_object_is_made_of_what_is_not_picked():
    class Watched(list):
        def __getitem__(self, index):
            raise AssertionError("an object was made")

    found = Watched(values(ReferenceDecoder, {"note": "y"}))

    assert Picks([Pick(lambda key: False, 10)]).of(found, 0) == ((),)


def test_a_pick_that_fails_costs_nothing_but_picks():
    failed = []
    everything = All(Terms("a", "k"), Options())
    engine = Engine(
        [Broken(Terms("b", "k"), Options()), everything],
        detectors=Clean(),
        scrubber=Clean(),
        failed=lambda *what: failed.append(what[:2]),
    )
    decoder = ReferenceDecoder(engine.demand)

    for signal, data in testing.requests({"spans": [{"attributes": {"body": "x"}}]}):
        for batch in decoder.slices(signal, decoder.parse(signal, data), testing.START):
            engine.evaluate(batch, testing.START)

    assert failed == [("picks", "RuntimeError")]
    assert everything.seen == (("body", True),)
