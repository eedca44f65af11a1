"""A sender who invents names, shapes, values or spans meets a bound, and a counter shows it."""

from __future__ import annotations

import pytest

from collector.classify import TargetKind
from collector.decode.limits import Limits
from collector.decode.messages import REQUESTS
from collector.decode.reference import ReferenceDecoder
from collector.demand import Bounds, Demand
from collector.statements import Verb
from collector.views import Flag, Mark, NoteKind, Place, TallyKind
from collector.violation import Signal

pytest.importorskip("collector.decode.native.check", reason="the compiled decoder is not built")
from collector.decode.native.decoder import NativeDecoder

NOW = 1_000_000_000.0
ALL = Demand(
    shapes=frozenset(Signal),
    places=frozenset(Place),
    series=True,
    marks=Mark.FAILED_SIBLING,
    orphans=Flag.PARENT_LOCAL,
)


def request(*spans):
    """A request of spans; each is a dict of its attributes."""
    message = REQUESTS[Signal.TRACES]()
    scope = message.resource_spans.add().scope_spans.add()
    for number, attributes in enumerate(spans, 1):
        span = scope.spans.add(trace_id=b"t" * 16, span_id=number.to_bytes(8, "big"))
        for key, value in attributes.items():
            span.attributes.add(key=key).value.string_value = value
    return message


def deliver(decoder, message, now=NOW, signal=Signal.TRACES):
    (batch,) = decoder.slices(signal, decoder.adopt(message), now)
    return batch


def judged(batch):
    """Keys of the shapes that were handed over, with their items."""
    return {tuple(sorted(one.shape.keys)): one.items for one in batch.shapes}


def test_as_many_names_as_the_bound_are_known():
    names = {f"k{n}": "v" for n in range(20)}
    exact = Limits(max_keys=20)
    decoder = NativeDecoder(ALL, exact)

    assert judged(deliver(decoder, request(names))) == {tuple(sorted(names)): 1}
    assert decoder.counters()["keys_over_bound"] == 0


def test_an_item_with_a_name_beyond_the_bound_is_not_judged_by_its_shape():
    decoder = NativeDecoder(ALL, Limits(max_keys=3))
    known, odd = {"a": "v", "b": "v"}, {"a": "v", "c": "v", "d": "v", "e": "v"}

    batch = deliver(decoder, request(known, odd, known))

    assert judged(batch) == {("a", "b"): 2}
    counters = decoder.counters()
    assert counters["keys_over_bound"] > 0
    assert counters["shapes_over_bound"] == 1


def test_strings_under_names_beyond_the_bound_are_still_shown():
    decoder = NativeDecoder(ALL, Limits(max_keys=1))

    batch = deliver(decoder, request({"a": "one", "b": "two", "c": "three"}))

    assert {(one.key, one.text) for one in batch.values} == {
        ("a", "one"), ("b", "two"), ("c", "three")
    }  # fmt: skip


def test_names_that_a_policy_asks_for_are_known_whatever_else_comes():
    decoder = NativeDecoder(Demand(shapes=frozenset(Signal), trace_keys=frozenset({"mine"})),
                            Limits(max_keys=1))  # fmt: skip
    deliver(decoder, request({f"k{n}": "v" for n in range(50)}))

    assert judged(deliver(decoder, request({"mine": "v"}))) == {("mine",): 1}


def test_a_full_table_of_names_is_begun_anew_after_a_while():
    decoder = NativeDecoder(ALL, Limits(max_keys=2))
    deliver(decoder, request({"old.1": "v", "old.2": "v"}))

    assert judged(deliver(decoder, request({"new": "v"}), NOW + 0.1)) in ({}, {("new",): 1})
    assert judged(deliver(decoder, request({"new": "v"}), NOW + 30)) == {("new",): 1}


def test_series_stay_apart_by_labels_beyond_the_bound():
    decoder = NativeDecoder(ALL, Limits(max_keys=1))
    message = REQUESTS[Signal.METRICS]()
    metric = message.resource_metrics.add().scope_metrics.add().metrics.add(name="m")
    for value in ("x", "y", "x"):
        point = metric.gauge.data_points.add()
        for key in ("a", "b", "c"):
            point.attributes.add(key=key).value.string_value = value

    assert len(deliver(decoder, message, signal=Signal.METRICS).series) == 2


def test_shapes_beyond_the_bound_are_counted_and_not_judged():
    decoder = NativeDecoder(ALL, Limits(max_shapes=2))
    spans = [{f"k{n}": "v"} for n in range(3)]

    assert len(judged(deliver(decoder, request(*spans[:2])))) == 2
    assert decoder.counters()["shapes_over_bound"] == 0
    decoder = NativeDecoder(ALL, Limits(max_shapes=2))
    assert len(judged(deliver(decoder, request(*spans)))) == 2
    assert decoder.counters()["shapes_over_bound"] == 1


def test_remembered_values_are_bounded_and_what_is_forgotten_is_new_again():
    decoder = NativeDecoder(ALL, Limits(remembered_values=64))
    values = [f"value {n}" for n in range(6000)]
    for at in range(0, 6000, 100):
        deliver(decoder, request(*({"k": text} for text in values[at : at + 100])))

    again = deliver(decoder, request(*({"k": text} for text in values[:1000])))
    assert any(one.text in values for one in again.values)


def test_a_slice_ends_when_the_detectors_have_much_to_read():
    decoder = NativeDecoder(ALL, Limits())
    texts = [f"{n:08000}" for n in range(66)]
    message = request(*({"k": text} for text in texts))

    slices = list(decoder.slices(Signal.TRACES, decoder.adopt(message), NOW))
    first, last = (sum(one.text in texts for one in batch.values) for batch in slices)
    assert 33 <= first < 33 + 20  # 256 KiB, and what waits for its look-up
    assert first + last == 66
    again = list(decoder.slices(Signal.TRACES, decoder.adopt(message), NOW))
    assert [batch.items for batch in again] == [66]  # what is known is not read again


def test_series_that_made_room_are_counted():
    decoder = NativeDecoder(ALL, Limits(remembered_series=16))
    message = REQUESTS[Signal.METRICS]()
    metric = message.resource_metrics.add().scope_metrics.add().metrics.add(name="m")
    for number in range(200):
        point = metric.gauge.data_points.add()
        point.attributes.add(key="k").value.string_value = str(number)

    assert len(deliver(decoder, message, signal=Signal.METRICS).series) == 200
    assert decoder.counters()["series_forgotten"] == 200 - 32  # two rows of sixteen


def test_time_finishes_a_few_thousand_spans_at_once_and_says_that_there_are_more():
    decoder = NativeDecoder(ALL, Limits(trace_wait=1, slice_items=20_000))
    message = REQUESTS[Signal.TRACES]()
    scope = message.resource_spans.add().scope_spans.add()
    for number in range(10_000):
        scope.spans.add(
            trace_id=(number + 1).to_bytes(16, "big"),
            span_id=b"s" * 8,
            parent_span_id=b"p" * 8,
            flags=0x100,
        )
    deliver(decoder, message)

    batches = [decoder.advance(NOW + 2)]
    while batches[-1].more:
        batches.append(decoder.advance(NOW + 2))
    assert len(batches) == 3
    assert sum(len(batch.orphans) for batch in batches) == 10_000
    assert decoder.open_spans == 0


def test_time_brings_a_few_hundred_counts_at_once_and_says_that_there_are_more():
    demand = Demand(tallies=frozenset({TallyKind.CALLS}))
    decoder = NativeDecoder(demand, Limits(trace_wait=1))
    deliver(decoder, calls(map(str, range(1100))))

    batches = [decoder.advance(NOW + 2)]
    while batches[-1].more:
        batches.append(decoder.advance(NOW + 2))
    assert [len(batch.tallies) for batch in batches] == [512, 512, 76]
    counted = [tally.peer for batch in batches for tally in batch.tallies]
    assert sorted(counted) == sorted(map(str, range(1100)))


def calls(names, first=1):
    """A request of failed calls of one trace, each to a peer of its own."""
    message = REQUESTS[Signal.TRACES]()
    scope = message.resource_spans.add().scope_spans.add()
    for number, peer in enumerate(names, first):
        span = scope.spans.add(trace_id=b"t" * 16, span_id=number.to_bytes(8, "big"), kind=3)
        span.attributes.add(key="server.address").value.string_value = peer
    return message


def peers(decoder, now):
    tallies = decoder.advance(now).tallies
    return {tally.peer: count for tally, count in tallies.items()}


def test_calls_beyond_what_is_learned_at_once_are_known_by_their_kind():
    demand = Demand(tallies=frozenset({TallyKind.CALLS}))
    decoder = NativeDecoder(demand, Limits(max_new_profiles=2, trace_wait=1))

    deliver(decoder, calls(["a", "b", "a", "c", "d"]))

    assert peers(decoder, NOW + 1) == {"a": 2, "b": 1}
    assert decoder.counters()["profiles_over_bound"] == 2


def test_as_time_passes_more_calls_are_learned():
    demand = Demand(tallies=frozenset({TallyKind.CALLS}))
    decoder = NativeDecoder(demand, Limits(max_new_profiles=2, trace_wait=1))
    deliver(decoder, calls(["a", "b"]))

    deliver(decoder, calls(["c"], 10), NOW + 4)  # an eighth of two, four times

    assert peers(decoder, NOW + 5) == {"a": 1, "b": 1, "c": 1}
    assert decoder.counters()["profiles_over_bound"] == 0


def test_so_many_strings_are_handed_over_at_once():
    decoder = NativeDecoder(ALL, Limits(max_values_at_once=3))
    spans = [{"k": f"value {n}"} for n in range(5)]

    assert len(deliver(decoder, request(*spans[:3])).values) == 3
    assert decoder.counters()["values_over_bound"] == 0
    assert len(deliver(decoder, request(*spans)).values) == 2
    assert (
        len(deliver(NativeDecoder(ALL, Limits(max_values_at_once=3)), request(*spans)).values) == 3
    )


def test_what_holds_no_items_ends_a_slice_too():
    decoder = NativeDecoder(ALL)
    message = REQUESTS[Signal.TRACES]()
    for number in range(5000):
        block = message.resource_spans.add()
        block.resource.attributes.add(key="k").value.string_value = str(number % 7)

    batches = list(decoder.slices(Signal.TRACES, decoder.adopt(message), NOW))

    assert len(batches) == 5
    assert sum(batch.items for batch in batches) == 0


def test_what_is_known_by_its_kind_alone_is_no_retry():
    demand = Demand(marks=Mark.FAILED_SIBLING | Mark.REPEATED_SERVER)
    decoder = NativeDecoder(demand, Limits(max_new_profiles=1, trace_wait=1))
    message = REQUESTS[Signal.TRACES]()
    scope = message.resource_spans.add().scope_spans.add()
    scope.spans.add(trace_id=b"t" * 16, span_id=b"c" * 8, kind=3, name="GET")
    for number, name in enumerate(("GET /a", "GET /b"), 1):
        scope.spans.add(
            trace_id=b"t" * 16,
            span_id=number.to_bytes(8, "big"),
            parent_span_id=b"c" * 8,
            kind=2,
            name=name,
        )
    deliver(decoder, message)

    assert decoder.advance(NOW + 1).traces == []


def test_a_value_in_very_many_places_of_a_slice_is_looked_at_in_so_many_of_them():
    decoder = NativeDecoder(ALL)
    message = REQUESTS[Signal.METRICS]()
    metrics = message.resource_metrics.add().scope_metrics.add().metrics
    for number in range(1000):
        metrics.add(name=f"n{number}", description="said of all of them")

    batch = deliver(decoder, message, signal=Signal.METRICS)

    (value,) = [one for one in batch.values if one.text == "said of all of them"]
    assert len(value.sightings) == 257
    assert decoder.counters()["values_over_bound"] == 1000 - 257


def test_a_span_that_comes_again_when_its_id_was_forgotten_is_one_span():
    demand = Demand(marks=Mark.RETRY_ATTRIBUTE, tallies=frozenset({TallyKind.CALLS}))
    decoder = NativeDecoder(demand, Limits(max_spans=16, trace_wait=60))
    message = calls(["a"])
    deliver(decoder, message)
    for number in range(40):  # of other traces; most of them are sampled out
        other = REQUESTS[Signal.TRACES]()
        spans = other.resource_spans.add().scope_spans.add().spans
        for at in range(10):
            spans.add(trace_id=(number * 10 + at + 1).to_bytes(16, "big"), span_id=b"x" * 8)
        deliver(decoder, other)
    deliver(decoder, message)

    assert peers(decoder, NOW + 60).get("a", 0) <= 1


def test_a_failure_while_something_is_learned_costs_only_its_own_request(monkeypatch):
    decoder = NativeDecoder(Demand(tallies=frozenset({TallyKind.CALLS})), Limits(trace_wait=1))
    learn = decoder._learned.learn_profile

    def fail(number, raw, *, bare):
        raise MemoryError

    monkeypatch.setattr(decoder._learned, "learn_profile", fail)
    with pytest.raises(MemoryError):
        deliver(decoder, calls(["a", "b", "c"]))
    monkeypatch.setattr(decoder._learned, "learn_profile", learn)
    deliver(decoder, calls(["d", "e", "d"], 50))

    assert peers(decoder, NOW + 1) == {"d": 2, "e": 1}


def queries(texts, first=1):
    """A request of calls of a database with these texts."""
    message = REQUESTS[Signal.TRACES]()
    scope = message.resource_spans.add().scope_spans.add()
    for number, text in enumerate(texts, first):
        span = scope.spans.add(trace_id=b"t" * 16, span_id=number.to_bytes(8, "big"), kind=3)
        for key, value in (
            ("server.address", "pg"),
            ("db.system.name", "mongodb"),
            ("db.operation.name", "find"),
            ("db.query.text", text),
        ):
            span.attributes.add(key=key).value.string_value = value
    return message


def statements(decoder, now):
    (trace,) = decoder.advance(now).traces
    return [(one.peer, one.statement.verb, one.statement.text) for one in trace.spans]


def test_queries_that_are_never_the_same_leave_room_for_other_calls():
    demand = Demand(marks=Mark.WATCHED)
    decoder = NativeDecoder(demand, Limits(max_new_profiles=4, trace_wait=1))
    decoder.watch(b"t" * 16)

    deliver(decoder, queries([f"find {text}" for text in "abcdc"]))
    deliver(decoder, calls(["other"], 50))

    known = [("pg", Verb.READ, f"find {text}") for text in "ab"]
    unknown = ("pg", Verb.READ, "")
    other = ("other", Verb.NONE, "")
    assert statements(decoder, NOW + 1) == [*known, unknown, unknown, unknown, other]
    counters = decoder.counters()
    assert (counters["statements_over_bound"], counters["profiles_over_bound"]) == (3, 0)


def test_a_call_that_is_known_without_its_query_still_tells_its_target_and_offset():
    demand = Demand(marks=Mark.WATCHED)
    decoder = NativeDecoder(demand, Limits(max_new_profiles=1, trace_wait=1))
    decoder.watch(b"t" * 16)
    deliver(decoder, queries(["SELECT 1", "SELECT 1", 'find {"skip": 70}']))

    (trace,) = decoder.advance(NOW + 1).traces
    one, other, third = trace.spans
    assert one.target == other.target != third.target
    assert [span.details.offset for span in trace.spans] == [0, 0, 70]


def messages(first, count, received=None):
    """A request of sent messages, each of a trace of its own, and of one that was received."""
    message = REQUESTS[Signal.TRACES]()
    spans = message.resource_spans.add().scope_spans.add().spans
    for number in range(first, first + count):
        spans.add(
            trace_id=number.to_bytes(16, "big"), span_id=b"p" * 8, kind=4, end_time_unix_nano=100
        )
    if received is not None:
        receive = spans.add(
            trace_id=b"r" * 16, span_id=received.to_bytes(8, "big"), kind=5,
            start_time_unix_nano=150,
        )  # fmt: skip
        receive.links.add(trace_id=received.to_bytes(16, "big"), span_id=b"p" * 8)
    return message


@pytest.mark.parametrize("make", [ReferenceDecoder, NativeDecoder])
@pytest.mark.parametrize(("sent", "ages", "met"), [(2, [50], 0), (4, [50], 2), (7, [], 3)])
def test_so_many_sent_messages_are_remembered(make, sent, ages, met):
    demand = Demand(notes=frozenset({NoteKind.LATE_MESSAGE}), bounds=Bounds(age=1))
    decoder = make(demand, Limits(max_producers=4, trace_wait=1))
    deliver(decoder, messages(1, sent, received=1))

    notes = decoder.advance(NOW + 1).notes
    assert [note.span.details.age for note in notes] == ages
    assert decoder.counters()["producers_forgotten"] == met


@pytest.mark.parametrize("make", [ReferenceDecoder, NativeDecoder])
@pytest.mark.parametrize(("others", "shown", "met"), [(1, 1, 0), (3, 1, 2), (6, 0, 3)])
def test_so_many_ids_are_watched_for(make, others, shown, met):
    decoder = make(Demand(marks=Mark.WATCHED), Limits(max_watched=4, trace_wait=1))
    decoder.watch(b"t" * 16)
    for number in range(others):
        decoder.watch(number.to_bytes(16, "big"))
    deliver(decoder, calls(["a"]))

    assert len(decoder.advance(NOW + 1).traces) == shown
    assert decoder.counters()["watched_forgotten"] == met


@pytest.mark.parametrize("parameters", [1, 32, 33, 200])
def test_any_number_of_parameters_tells_calls_apart(parameters):
    decoder = NativeDecoder(Demand(marks=Mark.WATCHED), Limits(trace_wait=1))
    decoder.watch(b"t" * 16)
    message = queries(["SELECT ?"] * 3)
    for span, last in zip(message.resource_spans[0].scope_spans[0].spans, "aab", strict=True):
        for number in range(parameters):
            text = last if number == parameters - 1 else "x"
            span.attributes.add(key=f"db.query.parameter.{number}").value.string_value = text
    deliver(decoder, message)

    (trace,) = decoder.advance(NOW + 1).traces
    one, other, third = (span.target for span in trace.spans)
    assert one == other != third
    assert one.kind is TargetKind.LITERAL_QUERY


def test_parameters_whose_names_are_beyond_the_bound_of_names_count_too():
    decoder = NativeDecoder(Demand(marks=Mark.WATCHED), Limits(max_keys=1, trace_wait=1))
    decoder.watch(b"t" * 16)
    message = queries(["SELECT ?"] * 2)
    for span, value in zip(message.resource_spans[0].scope_spans[0].spans, "ab", strict=True):
        for number in range(5):
            span.attributes.add(key=f"db.query.parameter.{number}").value.string_value = value
    deliver(decoder, message)

    (trace,) = decoder.advance(NOW + 1).traces
    one, other = (span.target for span in trace.spans)
    assert one.kind is other.kind is TargetKind.LITERAL_QUERY
    assert one != other


@pytest.mark.parametrize("make", [ReferenceDecoder, NativeDecoder])
def test_a_giant_trace_is_looked_at_in_time_that_grows_with_it(make):
    demand = Demand(
        marks=Mark(sum(Mark)), notes=frozenset(NoteKind), bounds=Bounds(repeated=2**40),
        identity_keys=frozenset({"key"}),
    )  # fmt: skip
    message = REQUESTS[Signal.TRACES]()
    spans = message.resource_spans.add().scope_spans.add().spans
    for number in range(1, 5001):  # a chain of publishes, each below the one before
        span = spans.add(
            trace_id=b"t" * 16, span_id=number.to_bytes(8, "big"), kind=4 if number % 2 else 2,
            parent_span_id=(number - 1).to_bytes(8, "big"), start_time_unix_nano=number,
        )  # fmt: skip
        span.attributes.add(key="key").value.string_value = str(number)
    decoder = make(demand, Limits(trace_wait=1))
    list(decoder.slices(Signal.TRACES, decoder.adopt(message), NOW))

    batches = [decoder.advance(NOW + 1)]
    while batches[-1].more:
        batches.append(decoder.advance(NOW + 1))
    keyed = [note for batch in batches for note in batch.notes if note.kind is NoteKind.KEYED]
    assert sum(note.effect for note in keyed) == 2499  # all but the last have a publish below
