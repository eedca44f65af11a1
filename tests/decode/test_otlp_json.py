"""OTLP/JSON reads as the same message that protobuf would have carried."""

import json
from base64 import b64decode

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from collector import testing
from collector.decode.messages import REQUESTS, DecodeError, parse
from collector.decode.otlp_json import MAX_DEPTH, to_protobuf
from collector.violation import Signal

IDS = ("traceId", "spanId", "parentSpanId")
DELIVERY = {
    "service": "shop",
    "scope_attributes": {"s": True},
    "spans": [
        {
            "trace": "a", "id": "1", "parent": "2", "kind": "client", "status": "error",
            "status_message": "no", "trace_state": "a=b", "parent_is": "remote",
            "attributes": {
                "s": "x", "i": -5, "d": 0.5, "b": False, "n": None,
                "l": [1, ["x"]], "m": {"k": {"n": 1}}, "y": b"\x00\xff",
            },
            "events": [{"name": "e", "attributes": {"a": "b"}}],
            "links": [{"trace": "b", "id": "3"}],
        }
    ],
    "logs": [{"body": {"a": [1, {"b": "c"}]}, "trace": "a", "span": "1", "severity": "warn"}],
    "metrics": [
        {"name": "sum", "labels": {"l": "v"}, "exemplar_trace": "a"},
        {"name": "gauge", "type": "gauge"},
        {"name": "histogram", "type": "histogram"},
    ],
}  # fmt: skip


def as_json(message):
    """What an SDK would write: json_format, with ids in hexadecimal instead of base64."""

    def hexed(value):
        if isinstance(value, list):
            return [hexed(one) for one in value]
        if isinstance(value, dict):
            return {k: b64decode(v).hex() if k in IDS else hexed(v) for k, v in value.items()}
        return value

    return hexed(MessageToDict(message, use_integers_for_enums=True))


def read(signal, value):
    return to_protobuf(signal, json.dumps(value).encode())


def span(**fields):
    return {"resourceSpans": [{"scopeSpans": [{"spans": [fields]}]}]}


def read_span(**fields):
    return read(Signal.TRACES, span(**fields)).resource_spans[0].scope_spans[0].spans[0]


@pytest.mark.parametrize("signal", list(Signal))
def test_every_field_survives(signal):
    message, _ = parse(signal, dict(testing.requests(DELIVERY))[signal])

    assert read(signal, as_json(message)) == message


def test_rarer_metrics_survive():
    message = REQUESTS[Signal.METRICS]()
    metrics = message.resource_metrics.add(schema_url="u").scope_metrics.add(schema_url="v").metrics
    point = metrics.add(name="e").exponential_histogram.data_points.add(
        count=3, sum=1.5, scale=-2, zero_count=1, zero_threshold=0.1, flags=1
    )
    point.positive.offset = -3
    point.positive.bucket_counts.extend([1, 2**63])
    quantiles = metrics.add(name="s").summary.data_points.add(count=2**64 - 1).quantile_values
    quantiles.add(quantile=0.5, value=float("inf"))
    metrics.add(name="h").histogram.data_points.add(
        explicit_bounds=[0.1, 1e9], bucket_counts=[1, 0]
    )

    assert read(Signal.METRICS, as_json(message)) == message


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=5)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | TEXTS
    | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(VALUES)
def test_any_value_reads_as_protobuf_carries_it(value):
    request = REQUESTS[Signal.LOGS]()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    record.body.CopyFrom(testing.any_value(value))

    assert read(Signal.LOGS, as_json(request)) == request


@pytest.mark.parametrize(
    "text", ["0123456789abcdef0123456789abcdef", "0123456789ABCDEF0123456789ABCDEF"]
)
def test_ids_are_hexadecimal_in_either_case(text):
    assert read_span(traceId=text).trace_id == bytes.fromhex(text)


def test_an_id_of_a_wrong_length_is_left_to_the_decoder():
    assert read_span(traceId="abcd").trace_id == b"\xab\xcd"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("traceId", "zz" * 16), ("traceId", "abcde"), ("traceId", "MDEyMzQ1Njc4OWFiY2RlZg=="),
        ("traceId", 5), ("spanId", "quux"), ("parentSpanId", "0x12"), ("spanId", "ab cd"),
        ("startTimeUnixNano", "soon"), ("startTimeUnixNano", -1), ("startTimeUnixNano", 2**64),
        ("startTimeUnixNano", 1.5), ("startTimeUnixNano", True), ("startTimeUnixNano", "1e400"),
        ("startTimeUnixNano", "1.5"),
        ("startTimeUnixNano", "1_0"), ("startTimeUnixNano", "1" * 400),
        ("name", 5), ("kind", "SPAN_KIND_NONE"), ("kind", "3."), ("kind", 2**40), ("kind", {}),
        ("attributes", {}), ("attributes", [5]), ("attributes", [None]), ("status", []),
        ("events", "quux"), ("droppedAttributesCount", -1),
    ],
)  # fmt: skip
def test_wrong_values_are_refused_with_their_place_and_without_their_text(field, value):
    with pytest.raises(DecodeError) as refused:
        read_span(**{field: value})

    assert f"resourceSpans[0].scopeSpans[0].spans[0].{field}" in str(refused.value)
    assert not isinstance(value, str) or value not in str(refused.value)


@pytest.mark.parametrize(
    ("field", "value", "read_as"),
    [
        ("kind", 2, 2), ("kind", "SPAN_KIND_SERVER", 2), ("kind", 99, 99), ("kind", "3", 3),
        ("startTimeUnixNano", "17", 17), ("startTimeUnixNano", 17, 17),
        ("startTimeUnixNano", 1e3, 1000),
        ("startTimeUnixNano", "1e3", 1000), ("startTimeUnixNano", "5.0", 5),
        ("startTimeUnixNano", "+9007199254740993", 9007199254740993),
        ("startTimeUnixNano", None, 0),
        ("name", None, ""), ("flags", 0x300, 0x300),
    ],
)  # fmt: skip
def test_both_forms_of_numbers_and_null_are_taken(field, value, read_as):
    names = {"startTimeUnixNano": "start_time_unix_nano"}

    assert getattr(read_span(**{field: value}), names.get(field, field)) == read_as


@pytest.mark.parametrize("text", ['"NaN"', '"Infinity"', '"-Infinity"', "1e3", "7", '"0.5"'])
def test_doubles_in_every_form(text):
    around = {"gauge": {"dataPoints": [{"asDouble": "here"}]}}
    body = json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [around]}]}]})
    body = body.replace('"here"', text)
    block = to_protobuf(Signal.METRICS, body.encode()).resource_metrics[0]

    value = block.scope_metrics[0].metrics[0].gauge.data_points[0].as_double
    assert repr(value) == repr(float(json.loads(text)))


@pytest.mark.parametrize("text", ["nan", "inf", "1_0", " 1", "0x1", "", ".", "\u0661", "-NaN"])
def test_what_only_python_takes_for_a_number_is_refused(text):
    point = {"gauge": {"dataPoints": [{"asDouble": text}]}}

    with pytest.raises(DecodeError, match="asDouble: expected a number"):
        read(Signal.METRICS, {"resourceMetrics": [{"scopeMetrics": [{"metrics": [point]}]}]})


def test_unknown_and_snake_case_keys_are_ignored_at_every_level():
    message = read_span(trace_id="ff", unknown={"deep": [1]}, name="n", status={"else": 1})

    assert (message.trace_id, message.name) == (b"", "n")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"5", b'"x"', b"nul", b"\xff\xfe", b'{"resourceSpans": 5}', b"{}{}"]
)
def test_what_is_not_a_request_is_refused(body):
    with pytest.raises(DecodeError):
        to_protobuf(Signal.TRACES, body)


@pytest.mark.parametrize("signal", list(Signal))
def test_an_empty_object_is_an_empty_request(signal):
    assert to_protobuf(signal, b"{}") == REQUESTS[signal]()


@pytest.mark.parametrize("depth", [60, 100, 10_000, 200_000])
def test_deep_nesting_is_refused_and_never_exhausts_the_stack(depth):
    body = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":'
    body += b'{"arrayValue":{"values":[' * depth + b"{}" + b"]}}" * depth + b"}]}]}]}"

    with pytest.raises(DecodeError, match=f"{MAX_DEPTH}|nested"):
        to_protobuf(Signal.LOGS, body)


def test_shallow_nesting_is_taken():
    value = "x"
    for _ in range(40):
        value = [value]
    request = REQUESTS[Signal.LOGS]()
    request.resource_logs.add().scope_logs.add().log_records.add().body.CopyFrom(
        testing.any_value(value)
    )

    assert to_protobuf(Signal.LOGS, json.dumps(as_json(request)).encode()) == request
    assert isinstance(request.resource_logs[0].scope_logs[0].log_records[0].body, AnyValue)
