"""The SDKs of other languages are understood, warned, refused and asked to wait.

They run where `make interop` has built them.
"""

from contextlib import ExitStack

import pytest
from conformance import wire
from conformance.samples import PROTOBUF
from faults.scene import Scene, until
from interop.senders import ITEMS, REQUESTS, WAYS, ended, lacks

PLANTED = "".join(reversed("9x!kQ2r7Zt"))
TOKEN = "interop-token-0123456789"
PLACES = 4
FINDINGS = {"secret-in-baggage", "secret-in-telemetry", "forbidden-metric-label"}
#: A rate over a window, which one run may or may not reach.
OF_A_WINDOW = {"logs-without-trace-id"}


@pytest.fixture(params=WAYS, ids=str)
def way(request):
    reason = lacks(request.param.sender)
    if reason:
        pytest.skip(reason)
    return request.param


def address(way, program):
    return program.grpc if way.protocol == "grpc" else program.http


def with_tokens(servers):
    tokens = servers.folder() / "tokens"
    tokens.write_text(TOKEN + "\n")
    return {"auth": {"tokens_file": str(tokens)}}


def ledger(scene, name, way):
    protocol = "grpc" if way.protocol == "grpc" else "http"
    return {signal: scene.metric(name, signal=signal, protocol=protocol) for signal in ITEMS}


def none():
    return dict.fromkeys(ITEMS, 0)


def test_what_it_sends_is_inspected_to_the_item_and_judged_for_its_service(way, servers):
    scene = Scene(servers, with_tokens(servers))

    sender = way.start(address(way, scene.program), PLANTED, authorization=f"Bearer%20{TOKEN}")
    said = ended(sender)

    assert sender.returncode == 0, said
    assert ledger(scene, "items_inspected_total", way) == ITEMS, said
    assert ledger(scene, "requests_inspected_total", way) == REQUESTS
    assert ledger(scene, "requests_received_total", way) == REQUESTS
    assert scene.metric("policy_errors_total") == 0
    metrics = scene.program.page("/metrics")[1]
    scene.end()
    found = scene.program.found()
    assert {service for _, service in found} == {way.service}
    assert {policy for policy, _ in found} - OF_A_WINDOW == FINDINGS
    for text in (metrics, scene.program.said, scene.program.findings.read_text()):
        assert PLANTED not in text


def test_it_is_warned_in_its_own_log(way, servers):
    if way.protocol not in way.sender.warns_over:
        pytest.skip(f"the {way.sender.sdk} does not log a partial success over {way.protocol}")
    scene = Scene(servers, {"feedback": {"enabled": True}})

    said = ended(way.start(address(way, scene.program), PLANTED))

    assert "telemetry-auditor: critical secret-in-baggage in " + way.service in said
    assert PLANTED not in said
    assert ledger(scene, "items_inspected_total", way) == ITEMS


def test_it_does_not_try_again_with_a_token_that_is_wrong(way, servers):
    scene = Scene(servers, with_tokens(servers))

    said = ended(way.start(address(way, scene.program), PLANTED, authorization="Bearer%20wrong"))

    assert ledger(scene, "requests_refused_total", way) == REQUESTS, said
    assert scene.metric("requests_refused_total", reason="unauthenticated") == sum(
        REQUESTS.values()
    )
    assert ledger(scene, "items_inspected_total", way) == none()
    assert said.strip(), "it loses its telemetry without a word"
    assert TOKEN not in said


def test_it_waits_out_an_overload_and_everything_arrives_once(way, servers):
    if way.protocol not in way.sender.retries_over:
        pytest.skip(f"the {way.sender.sdk} does not try again over {way.protocol}")
    admission = {"max_requests": PLACES, "retry_after_seconds": 1}
    scene = Scene(servers, {"admission": admission})
    with ExitStack() as held:
        # Requests whose bodies do not come take all places.
        for _ in range(PLACES):
            one = held.enter_context(wire.Connection(scene.program.http))
            fields = {"Content-Type": PROTOBUF, "Content-Length": "100"}
            one.send(wire.request("/v1/traces", None, fields) + b"x")
        until(lambda: scene.metric("requests_received_total") == PLACES, "the places are not taken")
        sender = way.start(address(way, scene.program), PLANTED)
        until(
            lambda: scene.metric("requests_refused_total", reason="overloaded") > 0,
            "nothing was refused",
        )
    said = ended(sender)

    assert ledger(scene, "items_inspected_total", way) == ITEMS, said
    assert ledger(scene, "requests_inspected_total", way) == REQUESTS
    assert scene.entry().balanced
