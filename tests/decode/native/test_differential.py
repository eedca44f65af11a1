"""The compiled decoder hands over what the reference does, on good, odd and broken requests."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest

from collector.decode.limits import Limits
from collector.decode.reference import ReferenceDecoder
from collector.demand import Demand
from collector.violation import Signal

sys.path.insert(0, str(Path(__file__).parent))
from compare import Pair
from demands import EVERYTHING
from generate import Generator

pytest.importorskip("collector.decode.native.check", reason="the compiled decoder is not built")
from collector.decode.native.decoder import NativeDecoder

#: Messages that are compared; `make differential` asks for more.
MESSAGES = int(os.environ.get("DIFFERENTIAL_MESSAGES", "6000"))
SEED = int(os.environ.get("DIFFERENTIAL_SEED", "0"))
PARTS = 8
PER_CASE = 6
START = 1_000_000_000.0


def _case(seed: int) -> list[str]:
    rng, generator = random.Random(seed), Generator(seed)
    limits = Limits(slice_items=rng.choice((1, 3, 2000)), max_spans_shown=rng.choice((2, 2000)))
    pair = Pair(
        ReferenceDecoder(EVERYTHING, limits, b"seed"), NativeDecoder(EVERYTHING, limits, b"seed")
    )
    now, sent, found = START, [], []
    for _ in range(PER_CASE):
        signal = rng.choice(list(Signal))
        body = generator.request(signal)
        body = rng.choice((bytes, bytes, generator.rearranged, generator.damaged))(body)
        if sent and rng.random() < 0.2:
            signal, body = rng.choice(sent)
        sent.append((signal, body))
        _, different = pair.deliver(signal, body, now)
        found += different
        now += rng.choice((0, 1, 20, 400))
    return [f"seed {seed}: {one}" for one in found + pair.drain(now) + pair.counters()]


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.timeout(0)
def test_both_decoders_see_the_same(part):
    cases = range(SEED + part, SEED + MESSAGES // PER_CASE, PARTS)

    assert [found for seed in cases for found in _case(seed)][:3] == []


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.timeout(0)
def test_both_decoders_refuse_the_same(part):
    decoders = ReferenceDecoder(Demand()), NativeDecoder(Demand())
    different = []
    for seed in range(SEED + part, SEED + MESSAGES // 12, PARTS):
        generator = Generator(seed)
        signal = random.Random(seed).choice(list(Signal))
        body = generator.request(signal)
        for number in range(12):
            damaged = generator.damaged(generator.rearranged(body) if number % 3 == 0 else body)
            _, found = Pair(*decoders).deliver(signal, damaged, START)
            different += [f"seed {seed}, copy {number}: {one}" for one in found]

    assert different[:3] == []
