"""The decoders: what a request becomes in each view, and what it survives."""

import sys

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from collector import testing
from collector.classify import SpanKind
from collector.decode import best
from collector.decode.limits import Limits
from collector.decode.messages import REQUESTS
from collector.decode.reference import ReferenceDecoder
from collector.demand import Demand, KeyMatch, RowSelection
from collector.views import Flag, Mark, Place, TallyKind
from collector.violation import Service, Signal

if best.IS_NATIVE:
    from collector.decode.native.decoder import NativeDecoder

NOW = testing.START
Decoder = ReferenceDecoder
ALL = Demand(
    shapes=frozenset(Signal),
    places=frozenset(Place),
    series=True,
    marks=Mark.FAILED_SIBLING | Mark.LOCAL_PARENT_MISSING,
    tallies=frozenset(TallyKind),
)


@pytest.fixture(autouse=True, params=["reference", "native"])
def _decoder(request, monkeypatch):
    if request.param == "native":
        if not best.IS_NATIVE:
            pytest.skip("the compiled decoder is not built")
        monkeypatch.setattr(sys.modules[__name__], "Decoder", NativeDecoder)


def decode(delivery, demand=ALL, limits=None, decoder=None, now=NOW):
    decoder = decoder or Decoder(demand, limits)
    batches = []
    for signal, data in testing.requests(delivery):
        batches += decoder.slices(signal, decoder.parse(signal, data), now)
    return batches


def test_equal_items_are_one_shape_with_their_number():
    (batch,) = decode(
        {
            "service": "shop",
            "repeat": 3,
            "logs": [{"body": {"k": "v"}, "trace": "t{i}", "attributes": {"a": "{i}"}}],
        }
    )

    (count,) = batch.shapes
    assert (count.items, batch.items) == (3, 3)
    assert count.shape.keys == {"a", "k"}
    assert count.shape.flags == Flag.TRACE_ID | Flag.BODY | Flag.BODY_MAP
    assert count.shape.resource.service == Service("shop")
    assert count.shape.severity == 9
    assert count.trace_id == testing.identifier("t0", 16).hex()


def test_every_string_is_shown_with_its_place():
    batches = decode(
        {
            "service": "shop",
            "resource": {"r": "in resource"},
            "scope": "in scope",
            "scope_attributes": {"s": "in scope attribute"},
            "spans": [
                {
                    "name": "in name",
                    "trace_state": "in=state",
                    "status_message": "in status",
                    "attributes": {"a": ["in array", {"deep": "in map"}]},
                    "events": [{"name": "in event", "attributes": {"e": "in event attribute"}}],
                    "links": [{"trace": "x", "id": "y", "attributes": {"l": "in link"}}],
                }
            ],
            "logs": [
                {
                    "body": {"m": ["in body"]},
                    "attributes": {"a": b"in bytes"},
                    "event_name": "in event name",
                }
            ],
            "metrics": [
                {
                    "name": "in.metric",
                    "unit": "in unit",
                    "description": "in description",
                    "labels": {"l": "in label"},
                }
            ],
        }
    )

    seen = {(v.text, s.place) for b in batches for v in b.values for s in v.sightings}
    assert {text: place for text, place in seen if text.startswith("in")} == {
        "in resource": Place.RESOURCE_ATTRIBUTE,
        "in scope": Place.SCOPE_ATTRIBUTE,
        "in scope attribute": Place.SCOPE_ATTRIBUTE,
        "in name": Place.SPAN_NAME,
        "in=state": Place.TRACE_STATE,
        "in status": Place.SPAN_STATUS,
        "in array": Place.SPAN_ATTRIBUTE,
        "in map": Place.SPAN_ATTRIBUTE,
        "in event": Place.EVENT_NAME,
        "in event attribute": Place.EVENT_ATTRIBUTE,
        "in link": Place.LINK_ATTRIBUTE,
        "in body": Place.LOG_BODY,
        "in bytes": Place.LOG_ATTRIBUTE,
        "in event name": Place.EVENT_NAME,
        "in.metric": Place.METRIC_TEXT,
        "in unit": Place.METRIC_TEXT,
        "in description": Place.METRIC_TEXT,
        "in label": Place.METRIC_LABEL,
    }
    keys = {v.key for b in batches for v in b.values}
    assert {"a.deep", "m", "tracestate"} <= keys


def test_a_place_that_nobody_wants_is_not_shown():
    (batch,) = decode(
        {"spans": [{"name": "n", "attributes": {"a": "b"}}]},
        Demand(places=frozenset({Place.SPAN_NAME})),
    )

    assert [value.text for value in batch.values] == ["n"]


@pytest.mark.parametrize(
    "metric_type", ["sum", "gauge", "histogram", "exponential_histogram", "summary"]
)
def test_a_series_of_any_metric_type_is_shown_once_in_a_sub_window(metric_type):
    decoder = Decoder(Demand(series=True), Limits(series_refresh=300))
    if metric_type in ("exponential_histogram", "summary"):
        request = REQUESTS[Signal.METRICS]()
        metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="m")
        getattr(metric, metric_type).data_points.add().attributes.add(
            key="l"
        ).value.string_value = "v"
        deliver = lambda now: list(decoder.slices(Signal.METRICS, decoder.adopt(request), now))  # noqa: E731
    else:
        metric = {"metrics": [{"name": "m", "type": metric_type, "labels": {"l": "v"}}]}
        deliver = lambda now: decode(metric, decoder=decoder, now=now)  # noqa: E731

    shown = [len(deliver(NOW + at)[0].series) for at in (0, 10, 299, 300, 301)]

    assert shown == [1, 0, 0, 1, 0]


def test_labels_are_sorted_and_written_as_prometheus_shows_them():
    (batch,) = decode(
        {"metrics": [{"name": "m", "labels": {"z": True, "a": 1, "b": "x", "c": 0.5}}]}
    )

    assert batch.series[0].labels == (("a", "1"), ("b", "x"), ("c", "0.5"), ("z", "true"))


def test_rows_are_made_only_of_items_that_match_and_hold_only_what_was_asked():
    wanted = RowSelection(
        Signal.TRACES,
        where=(KeyMatch(("http.route",), ("/admin/*",)),),
        kinds=frozenset({SpanKind.SERVER}),
        keys=frozenset({"actor"}),
    )
    (batch,) = decode(
        {
            "spans": [
                {
                    "id": "1",
                    "kind": "server",
                    "attributes": {"http.route": "/admin/x", "actor": "a", "other": "o"},
                },
                {"id": "2", "kind": "client", "attributes": {"http.route": "/admin/x"}},
                {"id": "3", "kind": "server", "attributes": {"http.route": "/shop"}},
                {"id": "4", "kind": "server", "attributes": {}},
            ]
        },
        Demand(rows=(wanted,)),
    )

    (row,) = batch.rows
    assert row.matched == (0,)
    assert row.attributes == {"http.route": "/admin/x", "actor": "a"}
    assert row.keys == {"http.route", "actor", "other"}


def test_a_large_request_is_handed_over_in_slices_that_add_up():
    batches = decode({"repeat": 25, "logs": [{"body": "x{i}"}]}, limits=Limits(slice_items=10))

    assert [batch.items for batch in batches] == [10, 10, 5]
    assert sum(len(batch.values) for batch in batches) >= 25


def test_own_telemetry_is_counted_and_left_out_of_every_view():
    batches = decode(
        {
            "resource": {"telemetry_auditor.self": True, "secret": "x"},
            "spans": [{}],
            "logs": [{}],
            "metrics": [{"name": "m"}],
        }
    )

    assert [(batch.items, batch.own_items) for batch in batches] == [(0, 1)] * 3
    assert not any(b.shapes or b.values or b.series or b.rows for b in batches)


@pytest.mark.parametrize("length", [1, 3, 15, 17, 32])
def test_an_id_of_a_wrong_length_is_an_oddity_and_costs_no_good_item(length):
    request = REQUESTS[Signal.TRACES]()
    spans = request.resource_spans.add().scope_spans.add().spans
    spans.add(trace_id=b"x" * length, span_id=b"y" * 8, name="bad")
    spans.add(trace_id=b"x" * 16, span_id=b"y" * 8, name="good")
    decoder = Decoder(ALL)

    (batch,) = decoder.slices(Signal.TRACES, decoder.adopt(request), NOW)

    assert batch.items == 2
    assert batch.oddities["trace_id_length"] == 1
    assert decoder.open_spans == 1


def test_odd_spans_are_counted_and_survived():
    request = REQUESTS[Signal.TRACES]()
    spans = request.resource_spans.add().scope_spans.add().spans
    trace, one, two = b"t" * 16, b"1" * 8, b"2" * 8
    spans.add(trace_id=trace, span_id=b"0" * 8, parent_span_id=b"0" * 8)
    spans.add(trace_id=trace, span_id=one, parent_span_id=two)
    spans.add(trace_id=trace, span_id=two, parent_span_id=one)
    spans.add(
        trace_id=trace, span_id=b"3" * 8, start_time_unix_nano=2**63 + 5, end_time_unix_nano=1
    )
    spans.add(trace_id=trace, span_id=b"4" * 8, kind=77)
    spans.append(SpanMessage())
    decoder = Decoder(ALL)

    (batch,) = decoder.slices(Signal.TRACES, decoder.adopt(request), NOW)
    decoder.drain(NOW)

    assert batch.items == 6
    assert batch.oddities == {"own_parent": 1, "end_before_start": 1, "start_in_future": 1}


@pytest.mark.parametrize("signal", list(Signal))
def test_empty_envelopes_hold_no_items(signal):
    request = REQUESTS[signal]()
    blocks = getattr(request, f"resource_{'spans' if signal is Signal.TRACES else signal}")
    blocks.add()
    scopes = getattr(blocks.add(), f"scope_{'spans' if signal is Signal.TRACES else signal}")
    scopes.add()

    decoder = Decoder(ALL)
    (batch,) = decoder.slices(signal, decoder.adopt(request), NOW)

    assert batch.items == 0


def test_a_metric_without_data_holds_no_items():
    request = REQUESTS[Signal.METRICS]()
    request.resource_metrics.add().scope_metrics.add().metrics.add(name="m")

    decoder = Decoder(ALL)
    (batch,) = decoder.slices(Signal.METRICS, decoder.adopt(request), NOW)

    assert batch.items == 0


def test_a_trace_is_shown_when_its_wait_has_passed():
    decoder = Decoder(ALL, Limits(trace_wait=30))
    decode(
        {"service": "shop", "spans": [{"parent": "absent", "parent_is": "local"}]}, decoder=decoder
    )

    assert decoder.advance(NOW + 29).traces == []
    (trace,) = decoder.advance(NOW + 30).traces
    assert trace.marks == Mark.LOCAL_PARENT_MISSING


def test_invalid_utf8_is_counted():
    request = REQUESTS[Signal.TRACES]()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.name = "ABCD"
    data = request.SerializeToString().replace(b"ABCD", b"AB\xffD")

    decoder = Decoder(ALL)
    (batch,) = decoder.slices(Signal.TRACES, decoder.parse(Signal.TRACES, data), NOW)

    assert batch.oddities["invalid_utf8"] == 1
    assert any("AB�D" in value.text for value in batch.values)


def test_a_bad_value_is_shown_at_each_later_occurrence_and_a_clean_one_never_again():
    decoder = Decoder(Demand(places=frozenset({Place.LOG_BODY})))
    delivery = {"service": "shop", "logs": [{"body": "good"}, {"body": "bad"}]}
    (first,) = decode(delivery, decoder=decoder)
    decoder.remember_bad(next(value for value in first.values if value.text == "bad"))

    (second,) = decode(delivery | {"service": "other"}, decoder=decoder)

    assert {value.text for value in first.values} == {"good", "bad"}
    (value,) = second.values
    assert (value.text, value.new) == ("bad", False)
    assert value.sightings[0].resource.service.name == "other"


def test_nothing_that_a_sender_names_is_kept_at_any_length():
    long = "x" * 100_000
    (spans, metrics) = decode(
        {
            "service": long,
            "spans": [{"name": long, "kind": "client", "attributes": {long: 1, "http.url": long}}],
            "metrics": [{"name": long, "labels": {long: long}}],
        },
        Demand(shapes=frozenset(Signal), series=True, tallies=frozenset(TallyKind)),
    )

    (shape,) = [count.shape for count in spans.shapes]
    (series,) = metrics.series
    for kept in (shape.resource.service.name, *shape.keys, series.metric, series.labels[0][0]):
        assert len(kept) <= 256
    assert len(series.labels[0][1]) == 8192


def test_half_of_a_long_name_is_never_shown():
    secret = "ghp_" + "a1B2" * 9
    (batch,) = decode(
        {"service": "s" * 240 + secret, "logs": [{"body": "x"}]},
        Demand(shapes=frozenset(Signal)),
    )

    assert "ghp_" not in batch.shapes[0].shape.resource.service.name
