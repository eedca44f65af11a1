"""Violations that count spans say when their service's traces are sampled, and how."""

import pytest

from collector import testing
from collector.decode import best
from collector.decode.reference import ReferenceDecoder
from collector.evaluate import registry
from collector.evaluate.policy import Terms
from collector.evaluate.sampling import Sampling, Way, sampled_by
from collector.views import NO_FLAG, Place, Resource, Shape, Sighting, Value
from collector.violation import Service, Signal

SHOP = Service("shop")
RESOURCE = Resource(SHOP, 1, frozenset(), {})


@pytest.mark.parametrize(
    ("state", "sampled"),
    [
        ("ot=th:c", True),
        ("ot=th:0", False),
        ("ot=th:000", False),
        ("ot=th:", False),
        ("ot=rv:fd70a400000000", False),
        ("ot=rv:fd70a400000000;th:fd70a4", True),
        ("vendor=th:c", False),
        ("vendor=a,ot=th:c", True),
        ("vendor=a , ot=th:c", True),
        ("ot=p:2;r:5", True),
        ("ot=p:0;r:5", False),
        ("xot=th:c", False),
        ("ot", False),
        ("", False),
        ("," * 10_000 + "ot=th:c", False),
    ],
)
def test_a_trace_state_tells_of_a_probability_below_one(state, sampled):
    assert sampled_by(state) is sampled


@pytest.mark.parametrize(
    ("key", "way"),
    [
        ("sampling.threshold", Way.HEAD),
        ("sampling.rule", Way.HEAD),
        ("sampling.priority", None),
        ("tailsampling.policy", Way.TAIL),
        ("resampling.kernel", None),
    ],
)
def test_attributes_of_spans_tell_too(key, way):
    sampling = Sampling()

    sampling.see_shape(Shape(Signal.TRACES, RESOURCE, 0, 0, 0, NO_FLAG, frozenset({key, "a"})))

    assert sampling.of(SHOP) is way


def test_those_of_logs_tell_of_logs_alone():
    sampling = Sampling()

    keys = frozenset({"sampling.threshold"})
    sampling.see_shape(Shape(Signal.LOGS, RESOURCE, 0, 0, 0, NO_FLAG, keys))

    assert sampling.of(SHOP) is None


def value(key, text, place):
    sighting = Sighting(Signal.TRACES, place, RESOURCE, "n", "", 1)
    return Value(key, text, True, (sighting,))


def test_the_tail_is_told_on_the_scope_and_outweighs_the_head():
    sampling = Sampling()
    sampling.see_value(value("tailsampling.policy", "errors", Place.SCOPE_ATTRIBUTE))
    sampling.see_value(value("tracestate", "ot=th:c", Place.TRACE_STATE))

    assert sampling.of(SHOP) is Way.TAIL


def test_an_attribute_of_that_name_is_no_trace_state():
    sampling = Sampling()
    sampling.see_value(value("tracestate", "ot=th:c", Place.SPAN_ATTRIBUTE))

    assert sampling.of(SHOP) is None


def test_services_are_remembered_within_bounds():
    sampling = Sampling(max_services=4)
    keys = frozenset({"sampling.threshold"})
    for number in range(100):
        sender = Resource(Service(f"s{number}"), number, frozenset(), {})
        sampling.see_shape(Shape(Signal.TRACES, sender, 0, 0, 0, NO_FLAG, keys))

    assert sampling.of(Service("s99")) is Way.HEAD
    assert sampling.of(Service("s0")) is None


def retried(**more):
    span = {"trace": "t", "parent": "p", "kind": "client", "name": "GET", "duration": 0.001}
    attributes = {
        "http.request.method": "GET",
        "url.full": "http://pay/1",
        "http.response.status_code": 503,
    }
    spans = [span | {"id": n, "start": n / 100, "attributes": attributes} for n in range(4)]
    return [{"service": "shop", "spans": [one | more for one in spans]}]


def found(telemetry, make):
    kinds = registry.known()
    policies = [kinds[name](Terms(name, name), kinds[name].options_type()) for name in KINDS]
    return testing.run(policies, telemetry, until=40, make=make)


KINDS = ("retry_limit", "attribute_required")


@pytest.mark.parametrize("make", [ReferenceDecoder, best.decoder])
@pytest.mark.parametrize(
    ("more", "scope", "way"),
    [
        ({}, {}, None),
        ({"trace_state": "ot=th:c"}, {}, "head"),
        ({"trace_state": "ot=th:0"}, {}, None),
        ({}, {"tailsampling.policy": "errors"}, "tail"),
    ],
)
def test_a_violation_says_it(make, more, scope, way):
    telemetry = [one | {"scope_attributes": scope} for one in retried(**more)]

    (violation,) = found(telemetry, make)

    assert violation.evidence.get("sampling") == way
    assert ("sampled" in violation.summary) is (way is not None)


@pytest.mark.parametrize("make", [ReferenceDecoder, best.decoder])
def test_the_trace_state_of_a_link_is_that_of_another_trace(make):
    telemetry = retried(links=[{"trace": "x", "id": "y", "trace_state": "ot=th:c"}])

    (violation,) = found(telemetry, make)

    assert "sampling" not in violation.evidence


def test_what_counts_no_spans_says_nothing_of_it():
    telemetry = [{"spans": [{"trace_state": "ot=th:c"}]}]

    (violation,) = found(telemetry, ReferenceDecoder)

    assert violation.kind == "attribute_required"
    assert "sampling" not in violation.evidence
