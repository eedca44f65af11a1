"""All shipped policies together leave ordinary telemetry alone."""

import os

import pytest
from ordinary.inspection import inspect, shipped
from ordinary.load import MIX, Load
from ordinary.run import violations_of

from collector.decode import best
from collector.decode.messages import REQUESTS
from collector.decode.reference import ReferenceDecoder
from collector.demand import Demand
from collector.violation import Signal

DECODERS = list(dict.fromkeys((ReferenceDecoder, type(best.decoder(Demand())))))
if "LONG" not in os.environ:  # both see the same, as other tests say
    DECODERS = DECODERS[-1:]
SPANS = 20_000


@pytest.mark.parametrize("make", DECODERS)
def test_ordinary_load_causes_less_than_one_violation_in_ten_thousand_traces(make):
    load = Load(seed=7, rate=20)

    outcome = inspect(load.requests(SPANS), shipped(), make=make)

    assert outcome.errors == {}
    assert outcome.spans >= SPANS
    found = sum(one.count for one in outcome.violations)
    assert found * 10_000 < load.traces, violations_of(outcome)


def test_equal_seeds_give_equal_loads_in_order_of_arrival():
    one, same, other = (list(Load(seed).requests(3_000)) for seed in (5, 5, 6))

    assert one == same
    assert one != other
    assert [request.at for request in one] == sorted(request.at for request in one)


def test_every_program_is_in_the_load_and_spells_what_others_spell_otherwise():
    keys, kinds, statuses = set(), set(), set()
    for request in Load(seed=1).requests(20_000):
        if request.signal is Signal.TRACES:
            message = REQUESTS[request.signal].FromString(request.body)
            for block in message.resource_spans:
                for span in block.scope_spans[0].spans:
                    kinds.add(span.kind)
                    keys |= {pair.key for pair in span.attributes}
                    statuses |= {
                        pair.value.int_value
                        for pair in span.attributes
                        if pair.key.endswith("status_code")
                    }

    assert len(MIX) > 40
    assert kinds == {1, 2, 3, 4, 5}
    assert statuses >= {101, 200, 202, 204, 302, 401, 404, 409, 500, 503}
    for current, deprecated in (
        ("http.request.method", "http.method"),
        ("url.full", "http.url"),
        ("db.query.text", "db.statement"),
        ("rpc.method", "rpc.service"),
        ("messaging.operation.type", "messaging.operation"),
        ("messaging.message.id", "messaging.message_id"),
    ):
        assert {current, deprecated} <= keys
