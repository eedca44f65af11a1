"""Bounds as they are by default, from both sides, and what is far too large for anything."""

import pytest

from collector import testing
from collector.decode import best
from collector.decode.reference import ReferenceDecoder
from collector.demand import Demand
from collector.evaluate import registry
from collector.evaluate.policy import Terms

HEADER = "http.request.header.baggage"


@pytest.fixture(params=[ReferenceDecoder, best.decoder])
def found(request):
    def send(kind, telemetry, options=None):
        known = registry.known()[kind]
        policy = known(Terms(id=kind, kind=kind), known.options_type.model_validate(options or {}))
        return testing.run([policy], telemetry, make=request.param)

    return send


def span(key, value, **more):
    return [{"service": "shop", "spans": [{"attributes": {key: value}, **more}]}]


def member(size):
    return "k=" + "v" * (size - 2)


@pytest.mark.parametrize(
    ("kind", "key", "value", "severity"),
    [
        ("baggage_size", HEADER, [member(8192)], None),
        ("baggage_size", HEADER, [member(8193)], "warning"),
        ("baggage_size", HEADER, [",".join(f"k{i}=v" for i in range(64))], None),
        ("baggage_size", HEADER, [",".join(f"k{i}=v" for i in range(65))], "warning"),
        ("payload_size", "note", "x" * 4096, None),
        ("payload_size", "note", "x" * 4097, "info"),
        ("payload_size", "note", "x" * 4096 * 8, "info"),
        ("payload_size", "note", "x" * (4096 * 8 + 1), "warning"),
        ("payload_size", "db.statement", "x" * 32_768, None),
        ("payload_size", "db.statement", "x" * 32_769, "info"),
        ("payload_size", "code.stacktrace", "x" * 65_536, None),
        ("payload_size", "code.stacktrace", "x" * 65_537, "info"),
        ("payload_size", "gen_ai.prompt", "x" * 262_144, None),
        ("payload_size", "gen_ai.prompt", "x" * 262_145, "info"),
        ("payload_size", "note", "x" * 3_000_000, "warning"),
        ("baggage_size", HEADER, ["k=v," * 700_000], "warning"),
        ("url_unredacted", "url.full", "https://" + "ab" * 128 + "@h/", "warning"),
        ("url_unredacted", "url.full", "https://" + "ab" * 1_000_000 + "@h/", None),
        ("url_unredacted", "url.full", "https://h/?" + "sig=&" * 400_000, None),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_value_against_its_bound(found, kind, key, value, severity):
    expected = [] if severity is None else [severity]

    assert [one.severity.label for one in found(kind, span(key, value))] == expected


@pytest.mark.parametrize(("size", "severities"), [(32_768, []), (32_769, ["info"])])
def test_a_log_body_against_its_bound(found, size, severities):
    violations = found("payload_size", [{"service": "shop", "logs": [{"body": "x" * size}]}])

    assert [one.severity.label for one in violations] == severities


def test_baggage_attributes_of_which_names_alone_are_too_many(found):
    for count, violations in ((64, 0), (65, 1)):
        attributes = {f"baggage.k{i}": "v" for i in range(count)}

        assert len(found("baggage_size", [{"spans": [{"attributes": attributes}]}])) == violations


def test_headers_that_are_too_large_together(found):
    halves = [member(4096), member(4095)]
    options = {"add_up_headers": True}

    assert found("baggage_size", span(HEADER, halves), options) == []
    assert len(found("baggage_size", span(HEADER, [member(4096), member(4096)]), options)) == 1
    assert len(found("baggage_size", span(HEADER, [member(8192), "a=b"]), options)) == 1


def test_it_says_which_members_leave_and_how_many(found):
    names = [f"k{i:02}" for i in range(70)]
    attributes = {"server.address": "api.elsewhere.example", HEADER: [f"{n}=v" for n in names]}
    telemetry = [{"spans": [{"kind": "client", "attributes": attributes}]}]

    [one] = found("baggage_external", telemetry, {"internal_domains": ["shop.example"]})

    assert one.evidence["members"] == tuple(names[:16])
    assert one.evidence["member_count"] == 70
    assert one.summary.endswith("k15 and 54 more")


def test_a_host_and_a_member_that_are_far_too_long(found):
    options = {"internal_domains": ["shop.example"]}
    for host, violations in (("a" * 240 + ".example", 1), ("a" * 250 + ".example", 0)):
        attributes = {"server.address": host, HEADER: ["x" * 5000 + "=1", "b=2"]}
        telemetry = [{"spans": [{"kind": "client", "attributes": attributes}]}]

        assert len(found("baggage_external", telemetry, options)) == violations


@pytest.mark.parametrize(
    "options",
    [
        {"internal_domains": ["203.0.113.0/24"]},
        {"internal_domains": ["203.0.113.9"]},
        {"internal_domains": ["https://shop.example"]},
        {"internal_domains": ["*"]},
        {"internal_networks": ["shop.example"]},
    ],
)
def test_what_is_no_domain_or_no_network_is_refused(options):
    with pytest.raises(ValueError, match=r"is not a (domain|network) such as"):
        registry.known()["baggage_external"].options_type.model_validate(options)


def test_without_internal_domains_nothing_is_demanded():
    kind = registry.known()["baggage_external"]

    assert kind(Terms("a", "b"), kind.options_type()).demand() == Demand()


def test_an_unknown_detector_is_refused():
    with pytest.raises(ValueError, match="no detector is called nobody"):
        registry.known()["baggage_likely"].options_type(exclude_detectors=("nobody",))


def test_what_is_remembered_of_traces_is_bounded_and_counted():
    known = registry.known()["baggage_likely"]
    policy = known(Terms("a", "baggage_likely"), known.options_type(max_remembered=10))
    telemetry = [
        {"service": "shop", "repeat": 40, "spans": [
            {"trace": "{i}", "name": "{i}", "attributes": {"user.email": "jane{i}@mail.example"}}
        ]},
    ]  # fmt: skip

    testing.run([policy], telemetry)

    assert len(policy._shown) <= 10
    assert policy.overflow() == 7


def test_what_nobody_waits_for_is_forgotten_and_is_no_overflow():
    known = registry.known()["baggage_likely"]
    policy = known(Terms("a", "baggage_likely"), known.options_type())
    telemetry = [
        {"service": "shop", "at": 90 * at, "spans": [
            {"trace": f"{at}", "attributes": {"user.email": f"jane{at}@mail.example"}}
        ]}
        for at in range(3)
    ]  # fmt: skip

    testing.run([policy], telemetry, until=400)

    assert len(policy._shown) == 0
    assert policy.overflow() == 0


def test_services_of_a_trace_beyond_what_is_told_apart_are_not_reported():
    known = registry.known()["baggage_likely"]
    policy = known(Terms("a", "baggage_likely"), known.options_type())
    telemetry = [
        {"service": f"s{at}", "spans": [{"attributes": {"user.email": "jane@mail.example"}}]}
        for at in range(40)
    ]

    assert len(testing.run([policy], telemetry)) == 15
