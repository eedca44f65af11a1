"""What a sender was told to be taken is at the next hop, however that one fails."""

import gzip
import os
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from conformance.samples import REQUESTS, as_json, span
from forward.hops import DETAILS, Refusal, good, status, waiting
from forward.senders import WAYS, body_of, send
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.decode.otlp_json import to_protobuf
from collector.violation import Signal

FAULTS = ("ok", "ok", "retry", "refuse", "garbage", "after", "slow")
SENDERS = 4
REQUESTS_EACH = 6
ATTEMPTS = 12


class Fickle:
    """A hop's answers: each request is kept or not, and its sender told or not."""

    def __init__(self, hop, seed):
        self._hop = hop
        self._random = random.Random(seed)
        self.kept = set()
        self.refused = set()

    def __call__(self, got):
        fault = self._random.choice(FAULTS)
        ids = ids_in(got)
        if fault in ("ok", "after", "slow"):
            self.kept |= ids
        if fault == "slow":
            time.sleep(0.6)
        if fault == "refuse":
            self.refused |= ids
        return self._answer(fault, got)

    def _answer(self, fault, got):
        if self._hop.protocol == "grpc":
            if fault in ("retry", "after"):
                made = status(14, "later", waiting(0, 1_000_000))
                trailers = ((DETAILS, made.SerializeToString()),)
                return Refusal(grpc.StatusCode.UNAVAILABLE, "later", trailers)
            if fault == "refuse":
                return Refusal(grpc.StatusCode.INVALID_ARGUMENT)
            return b"\xff" if fault == "garbage" else b""
        kind = {"Content-Type": got.headers["Content-Type"]}
        if fault in ("retry", "after"):
            return 503, {"Retry-After": "1"}, b""
        if fault == "refuse":
            return 400, {}, b""
        return 200, kind, b"\xff" if fault == "garbage" else good(got)


def ids_in(got):
    body = gzip.decompress(got.body) if "Content-Encoding" in got.headers else got.body
    if got.headers.get("Content-Type") == "application/json":
        message = to_protobuf(Signal.TRACES, body)
    else:
        message = REQUESTS["traces"].FromString(body)
    return {
        one.span_id
        for block in message.resource_spans
        for scope in block.scope_spans
        for one in scope.spans
    }


def request(way):
    """A request of one span, with its id."""
    if way == "json":
        made = os.urandom(8)
        return made, as_json("traces", span(spanId=made.hex()))
    body = body_of(way, "traces")
    message = REQUESTS["traces"].FromString(body)
    return message.resource_spans[0].scope_spans[0].spans[0].span_id, body


def retrying(auditor, way):
    """Send until it is taken, refused for good, or given up; the id and what was told last."""
    made, body = request(way)
    for _ in range(ATTEMPTS):
        told = send(auditor, way, "traces", body)
        if told.accepted:
            return made, "acknowledged"
        if told.code not in (grpc.StatusCode.UNAVAILABLE, 503):
            return made, "refused"
    return made, "given up"


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32))
def test_every_acknowledged_span_is_at_the_hop(place, protocol, seed):
    hop = place.rpc() if protocol == "grpc" else place.web()
    fickle = hop.answer = Fickle(hop, seed)
    auditor = place.auditor(hop, timeout_seconds=0.4, max_in_flight=3)

    def sender(number):
        return [retrying(auditor, WAYS[number % len(WAYS)]) for _ in range(REQUESTS_EACH)]

    with ThreadPoolExecutor(SENDERS) as pool:
        ends = [one for made in pool.map(sender, range(SENDERS)) for one in made]

    told = Counter(how for _, how in ends)
    acknowledged = {made for made, how in ends if how == "acknowledged"}
    assert acknowledged <= fickle.kept
    assert {made for made, how in ends if how == "refused"} <= fickle.refused
    assert told["acknowledged"]
    inspected, refused, uninspected = auditor.balance()
    assert (refused, uninspected) == (0, 0)
    assert inspected == sum(auditor.outcomes().values())
