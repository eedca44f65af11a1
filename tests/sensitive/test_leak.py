"""No part of a secret leaves the program, whichever detector found it and wherever it stood.

A part is four characters in a row beyond the prefix that all secrets of its kind share. What also
stands around the secret, or in what is shown when a stand-in takes its place, proves nothing and is
left out.
"""

import json
import os
import re
import sys
from collections import defaultdict
from pathlib import Path
from urllib.parse import quote

import pytest
from sensitive.corpus import Sample, build

from collector import policyfile, testing
from collector.decode import best
from collector.decode.limits import Limits
from collector.evaluate.detectors.scan import Detectors
from collector.evaluate.detectors.table import DETECTORS as TABLE
from collector.evaluate.detectors.table import OPT_IN, OPT_IN_NAMES
from collector.evaluate.engine import Engine
from collector.evaluate.kinds.sensitive_value import Kind, SensitiveOptions
from collector.evaluate.policy import Terms
from collector.evaluate.scrub import Scrubber
from collector.report.collapse import Findings
from collector.report.jsonlog import as_object
from collector.report.prometheus import exposition
from collector.report.store import MetricStore

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "evaluate" / "detectors"))
from opted import NATIONAL, OPTIONAL

DETECTORS = Detectors(b"key of the tests")
SCRUBBER = Scrubber(DETECTORS)
ASKED = Detectors(b"key of the tests", opted=frozenset(OPT_IN_NAMES))
ASKED_SCRUBBER = Scrubber(ASKED)
ASKS = SensitiveOptions(also=OPT_IN_NAMES)
PACKS = policyfile.load([policyfile.packs_directory()])
PUBLIC = defaultdict(int)
for one in (*TABLE, *OPT_IN):
    PUBLIC[one.name] = max(PUBLIC[one.name], one.public)
EACH = 5 if "LONG" in os.environ else 2
PART = 4
STAND_IN = "REDACTED"
NOW = 1_800_000_000.0
#: Keyed hashes, and ids of the test's traces: what a secret shares with them is chance.
_DIGITS = re.compile(r"\b(?:[0-9a-f]{8}|[0-9a-f]{16}|[0-9a-f]{32})\b")
#: Memory and time of the process, which are other ones each time.
_PROCESS = re.compile(r"(?m)^process_.*\n")
#: What of a secret opens something, where its samples name more than that.
_OPENS = {
    "gcp-service-account-key": re.compile(r"[A-Za-z0-9+/]{40,}"),
    "slack-webhook": re.compile(r"[^/%]+$"),
    "teams-webhook": re.compile(r"[0-9a-f]{32}"),
    "discord-webhook": re.compile(r"[\w-]{60,}"),
}

#: What a line of JSON has between its values is part of no secret.
_DENSE = re.compile(r"[^\s\"',:{}\[\]\\]+")
NAMES = " ".join(PUBLIC)

SAMPLES = defaultdict(list)
for sample in build():
    if sample.secrets and len(SAMPLES[sample.family]) < EACH:
        SAMPLES[sample.family].append(sample)


def named(value):
    """Telemetry with a value in every place that has a name of its own."""
    baggage = [f"tier=gold,note={quote(value)}"]
    attributes = {
        "app.note": value,
        "http.request.header.baggage": baggage,
        "server.address": value,
        "http.request.method": "GET",
        value: "as a key",
    }
    exception = {"exception.message": value, "exception.stacktrace": f"at {value}"}
    return {
        "service": f"shop {value}",
        "resource": {"deployment.note": value},
        "spans": [
            {
                "name": f"GET {value}",
                "kind": "client",
                "attributes": attributes,
                "events": [{"name": "exception", "attributes": exception}],
            }
        ],
        "logs": [{"body": value, "attributes": {"note": value}}],
        "metrics": [{"name": "m", "labels": {"user.id": value, "note": value}}],
    }


def keyed(key, value):
    """Telemetry with a value under a key alone, where the key is what gives it away."""
    attributes = {key or "app.note": value}
    return {
        "service": "shop",
        "resource": attributes,
        "spans": [{"name": "GET /", "attributes": attributes}],
        "logs": [{"body": {key or "note": value}, "attributes": attributes}],
        "metrics": [{"name": "m", "labels": attributes}],
    }


def usual():
    """The shipped policies."""
    return Engine(PACKS.fresh(), detectors=DETECTORS, scrubber=SCRUBBER)


def asking():
    """A policy that asks for every opt-in detector."""
    policy = Kind(Terms("asks", "sensitive_value"), ASKS)
    return Engine([policy], detectors=ASKED, scrubber=ASKED_SCRUBBER)


def shown(delivery, engine):
    """Everything that leaves: findings as lines, metrics in both formats."""
    decoder = best.decoder(engine.demand, Limits(), b"seed")
    store, findings = MetricStore(engine.policies), Findings()
    found = []
    for signal, data in testing.requests(delivery):
        for batch in decoder.slices(signal, decoder.parse(signal, data), NOW):
            found += engine.evaluate(batch, NOW).violations
    found += engine.evaluate(decoder.drain(NOW), NOW).violations
    found += engine.close(NOW, float("inf"), final=True)
    assert not engine.failures.counts
    for violation in found:
        findings.add(violation, NOW)
    store.violations(found, NOW)
    lines = [json.dumps(as_object(one), ensure_ascii=False) for one in findings.open()]
    page = exposition(store.families)
    pages = [page(accept)[0].decode() for accept in ("text/plain", "application/openmetrics-text")]
    pages = [_PROCESS.sub("", page) for page in pages]
    readings = [repr(reading) for _, reading in engine.readings()]
    return len(lines), _DIGITS.sub("", "\n".join([*lines, *pages, *readings]))


def parts(text, start=0):
    return {text[at : at + PART] for at in range(start, len(text) - PART + 1)}


def without(sample):
    """The sample's value with a stand-in in the place of its secrets."""
    text = sample.value
    for secret in sorted(sample.secrets, key=len, reverse=True):
        text = text.replace(secret, STAND_IN)
    return text


def leaked(sample, make, engine=usual):
    """Parts of the sample's secrets that are shown."""
    count, seen = shown(make(sample.value), engine())
    _, background = shown(make(without(sample)), engine())
    assert count, "nothing was found"
    private = set()
    for secret in sample.secrets:
        for opening in _OPENS.get(sample.family, re.compile(r"(?s).+")).findall(secret):
            private |= parts(opening, PUBLIC[sample.family])
    proves_nothing = parts(background) | parts(without(sample)) | parts(sample.key) | parts(NAMES)
    return sorted(one for one in private - proves_nothing if _DENSE.fullmatch(one) and one in seen)


def found_without_a_key(sample):
    """Whether the detectors need no key to find all of the sample's secrets."""
    cleaned = SCRUBBER.text(sample.value)
    return not any(secret in cleaned for secret in sample.secrets)


@pytest.mark.parametrize("family", SAMPLES)
def test_no_part_of_a_secret_leaves_wherever_it_stood(family):
    for sample in SAMPLES[family]:
        places = [lambda value, key=sample.key: keyed(key, value)]
        if found_without_a_key(sample):
            places.append(named)
        for make in places:
            assert leaked(sample, make) == [], sample.place


def nameless(value):
    """The same with a service that keeps its name, whatever an opt-in detector makes of it."""
    return named(value) | {"service": "shop"}


@pytest.mark.parametrize(("family", "key", "value", "secret"), [*NATIONAL, *OPTIONAL])
def test_no_part_of_what_a_policy_asked_for_leaves_in_its_findings(family, key, value, secret):
    sample = Sample(key, value, "", family, (secret,))
    places = [lambda value: keyed(key, value)]
    if secret not in ASKED_SCRUBBER.text(value, family):
        places.append(nameless)
    for make in places:
        assert leaked(sample, make, asking) == []


def test_every_opt_in_detector_has_secrets_here():
    assert {one.name for one in OPT_IN} == {name for name, *_ in (*NATIONAL, *OPTIONAL)}


def test_every_detector_has_secrets_here():
    assert {one.name for one in TABLE} <= set(SAMPLES)


def test_a_part_that_is_shown_would_be_seen():
    sample = SAMPLES["github-token"][0]
    sentence = f"look: {sample.secrets[0][8:12]}"

    def make(value):
        leaking = value == sample.value
        return keyed(sample.key, value) | {"service": sentence if leaking else "look"}

    assert leaked(sample, make) == [sample.secrets[0][8:12]]
