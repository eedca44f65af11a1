"""What a find amounts to: by its age, and by which secret it is."""

import base64
import json

import pytest

from collector.evaluate.detectors.scan import Detectors
from collector.evaluate.kinds.sensitive_value import Kind, SensitiveOptions
from collector.evaluate.policy import Judged, Terms
from collector.views import Place, Resource, Sighting, Value
from collector.violation import Service, Severity, Signal

DETECTORS = Detectors(b"key of the tests")
RESOURCE = Resource(Service("shop"), 1, frozenset(), {})
KIND = Kind(Terms("p", "sensitive_value"), SensitiveOptions())
NOW = 1_800_000_000.0


def part(claims):
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()


def jwt(**claims):
    return ".".join([part({"alg": "HS256"}), part({"sub": "a"} | claims), "c2lnbmF0dXJlLTE"])


def violations(text, key="note", items=1, now=NOW):
    sighting = Sighting(Signal.TRACES, Place.SPAN_ATTRIBUTE, RESOURCE, "GET /", "", items)
    value = Value(key, text, new=True, sightings=(sighting,))
    hits = DETECTORS.found([value])[0]
    return list(KIND.on_value(Judged(value, hits), now))


@pytest.mark.parametrize(
    ("claims", "severity"),
    [
        ({}, Severity.CRITICAL),
        ({"exp": NOW + 1}, Severity.CRITICAL),
        ({"exp": NOW}, Severity.CRITICAL),
        ({"exp": NOW - 1}, Severity.INFO),
        ({"exp": "soon"}, Severity.CRITICAL),
        ({"exp": -1}, Severity.CRITICAL),
        ({"exp": 1e300}, Severity.CRITICAL),
    ],
)
def test_a_token_that_has_expired_is_for_information(claims, severity):
    (violation,) = violations(jwt(**claims))

    assert violation.severity is severity
    assert ("expired" in violation.evidence) is (severity is Severity.INFO)


def test_two_secrets_in_one_value_are_two_violations_with_a_fingerprint_each():
    found = violations(f"{jwt(sub='a')} {jwt(sub='b')}", items=3)

    assert len({one.evidence["fingerprint"] for one in found}) == 2
    assert [one.count for one in found] == [3, 3]


def test_one_secret_twice_in_a_value_is_one_violation():
    (violation,) = violations(f"{jwt()} {jwt()}", items=3)

    assert violation.count == 3
