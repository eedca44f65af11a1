"""The benchmark measures what it says: real requests, all of them inspected, all of them new."""

import itertools
import sys
from pathlib import Path

import pytest

from collector.decode import best
from collector.decode.messages import REQUESTS, Encoding
from collector.violation import Signal

sys.path.insert(0, str(Path(__file__).parent))
from random import Random

import forwarding
import guard
import hostile
import subjects
from corpus import FULL, Corpus
from measure import Contender, ratio, run

needs_native = pytest.mark.skipif(not best.IS_NATIVE, reason="the compiled decoder is not built")


def items(signal, body):
    found = []
    request = REQUESTS[signal].FromString(body)
    for block in itertools.chain.from_iterable(value for _, value in request.ListFields()):
        scopes = [
            getattr(block, one.name) for one in block.DESCRIPTOR.fields if "scope" in one.name
        ]
        for scope in itertools.chain.from_iterable(scopes):
            found += getattr(scope, scope.DESCRIPTOR.fields[1].name)
    return found


def test_equal_seeds_give_equal_requests_and_no_request_comes_twice():
    one, other = Corpus(5, variants=64), Corpus(5, variants=64)
    first = [one.traces(), one.logs(), one.metrics()]

    assert first == [other.traces(), other.logs(), other.metrics()]
    assert one.traces() != first[0]


@pytest.mark.parametrize("size", [1, 10, FULL])
def test_a_request_holds_as_many_items_as_were_asked_for(size):
    corpus = Corpus(5, variants=64)

    assert len(items(Signal.TRACES, corpus.traces(size))) == size
    spans = items(Signal.TRACES, corpus.traces(FULL))
    assert len({span.span_id for span in spans}) == FULL


@needs_native
def test_every_way_of_inspecting_reads_all_items():
    native, corpus = subjects.native(), Corpus(5, variants=64)
    body = corpus.traces()
    for subject, sent in (
        (subjects.plain_objects, body),
        (subjects.Inspection(native, subjects.policies()), body),
        (subjects.Inspection(subjects.reference(), subjects.policies()), body),
        (subjects.Inspection(native, [], coding="gzip"), subjects.gzipped(body)),
        (subjects.Inspection(native, [], encoding=Encoding.JSON), subjects.as_json(body)),
    ):
        assert subject(sent, 1.8e9) == FULL


@pytest.mark.parametrize("name", list(hostile.KINDS))
def test_hostile_requests_are_whole(name):
    body = hostile.request(hostile.KINDS[name], Random(1), 20)

    assert len(items(Signal.TRACES, body)) == 20


def test_contenders_meet_the_same_requests_in_turn():
    met = {"a": [], "b": []}
    contenders = [
        Contender("a", lambda body, now: met["a"].append((body, now)) or 1),
        Contender("b", lambda body, now: met["b"].append((body, now)) or 1, every=2),
    ]

    run(contenders, iter([b"1", b"2", b"3", b"4"]), items=1, warm=1, measured=3)

    assert [body for body, _ in met["a"]] == [b"1", b"2", b"3", b"4"]
    assert met["b"] == met["a"][::2]
    assert [len(one.costs) for one in contenders] == [3, 1]
    assert ratio(contenders[0], contenders[0]) == 1


def test_instructions_are_counted_where_they_were_executed(tmp_path):
    native = "/x/collector/decode/native/keys.cpython-311-x86_64-linux-gnu.so"
    path = tmp_path / "out"
    path.write_text(
        f"events: Ir\nob={native}\nfn=(1) find\n10 5\n11 7\ncob=/lib/libc.so\ncfn=(2) memcmp\n"
        "calls=1 0\n12 1000\n13 2\nob=/lib/libc.so\nfn=(2)\n1 1000\n"
    )

    assert guard._by_module(path) == {"keys": 14}


@pytest.mark.parametrize(("way", "on"), [("grpc", "http"), ("http", "grpc")])
def test_a_paced_sender_meets_the_hop_directly_and_through_the_auditor(way, on):
    with forwarding._hop() as hop:
        row = forwarding.measured(hop, way, on, spans=8, seconds=0.05, seed=1, warm=0.0)

    assert all(milliseconds > 0 for milliseconds in row[:4])
    assert row[4] == row[3] - row[1]
