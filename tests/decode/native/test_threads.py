"""Scanners of several threads do not disturb one another; one that is shared refuses, and no more.

The rule of the program is one lock around each decoder. These tests break it on purpose.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from collector.decode.limits import Limits
from collector.violation import Signal

sys.path.insert(0, str(Path(__file__).parent))
from compare import differences
from generate import Generator

pytest.importorskip("collector.decode.native.check", reason="the compiled decoder is not built")
from demands import EVERYTHING

from collector.decode.native.decoder import NativeDecoder

START = 1_000_000_000.0
REQUESTS = 150
LIMITS = Limits(slice_items=3)


def requests(seed):
    generator = Generator(seed)
    return [(signal, generator.request(signal)) for _ in range(REQUESTS) for signal in Signal]


def seen(decoder, sent):
    """Everything that a decoder hands over for some requests."""
    batches = []
    for signal, body in sent:
        batches += decoder.slices(signal, decoder.parse(signal, body), START)
    return [*batches, decoder.drain(START)]


def together(*work):
    """Run functions at the same time, with many switches between them; their failures."""
    failures = []

    def guarded(one):
        try:
            one()
        except Exception as error:  # noqa: BLE001 (which they are is judged by the test)
            failures.append(error)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=guarded, args=(one,)) for one in work]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    finally:
        sys.setswitchinterval(before)
    return failures


def test_two_threads_with_a_scanner_each_see_what_one_alone_sees():
    sent = [requests(1), requests(2)]
    alone = [seen(NativeDecoder(EVERYTHING, LIMITS, b"seed"), one) for one in sent]
    side_by_side = [[], []]

    def run(at):
        side_by_side[at] += seen(NativeDecoder(EVERYTHING, LIMITS, b"seed"), sent[at])

    assert together(lambda: run(0), lambda: run(1)) == []
    assert [differences(*pair) for pair in zip(alone, side_by_side, strict=True)] == [[], []]


def test_a_scanner_that_two_threads_use_refuses_and_stays_whole():
    decoder = NativeDecoder(EVERYTHING, LIMITS, b"seed")
    refused = Counter()

    def misuse(seed):
        for number, (signal, body) in enumerate(requests(seed)):
            try:
                for batch in decoder.slices(signal, decoder.parse(signal, body), START + number):
                    for value in batch.values:
                        decoder.remember_bad(value)
                decoder.advance(START + number)
            except RuntimeError as error:
                refused[str(error)] += 1

    assert together(lambda: misuse(3), lambda: misuse(4), lambda: misuse(5)) == []
    decoder.drain(START + 10**6)

    # It still reads: two requests that it has never met give what a fresh scanner makes of them.
    sent = [(Signal.LOGS, Generator(77).request(Signal.LOGS))]
    fresh = NativeDecoder(EVERYTHING, LIMITS, b"seed")
    shapes = [[one.shape for batch in seen(one, sent) for one in batch.shapes]
              for one in (decoder, fresh)]  # fmt: skip
    assert sorted(map(repr, shapes[0])) == sorted(map(repr, shapes[1]))


def test_a_request_is_refused_while_another_is_in_hand():
    decoder = NativeDecoder(EVERYTHING, LIMITS, b"seed")
    one, other = (Generator(seed).request(Signal.TRACES) for seed in (8, 9))
    first = decoder._scanner.begin(one, 0)
    decoder._scanner.read(first, START)

    with pytest.raises(RuntimeError, match="was not taken"):
        decoder._scanner.read(decoder._scanner.begin(other, 0), START)
    decoder._scanner.drop(first)
    assert list(decoder.slices(Signal.TRACES, decoder.parse(Signal.TRACES, other), START))
