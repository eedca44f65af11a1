"""The compiled decoder hands over what the reference does, on good, odd and broken requests."""

from __future__ import annotations

import os
import random
import sys
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest

from collector.decode.limits import Limits
from collector.decode.reference import ReferenceDecoder
from collector.demand import Demand
from collector.views import Mark, NoteKind, TallyKind
from collector.violation import Signal

sys.path.insert(0, str(Path(__file__).parent))
from compare import Pair
from demands import EVERYTHING
from generate import Generator

pytest.importorskip("collector.decode.native.check", reason="the compiled decoder is not built")
from collector.decode.native import learned
from collector.decode.native.decoder import NativeDecoder

#: Messages that are compared; `make differential` asks for more.
MESSAGES = int(os.environ.get("DIFFERENTIAL_MESSAGES", "3000"))
SEED = int(os.environ.get("DIFFERENTIAL_SEED", "0"))
PARTS = 8
PER_CASE = 6
START = 1_000_000_000.0


def _some(rng: random.Random) -> Demand:
    """Everything, or some of the marks, notes and tallies of it."""
    if rng.random() < 0.5:
        return EVERYTHING
    return replace(
        EVERYTHING,
        marks=Mark(sum(mark for mark in Mark if rng.random() < 0.3)),
        notes=frozenset(kind for kind in NoteKind if rng.random() < 0.3),
        tallies=frozenset(kind for kind in TallyKind if rng.random() < 0.5),
    )


def _case(seed: int) -> list[str]:
    rng, generator = random.Random(seed), Generator(seed)
    limits = Limits(
        slice_items=rng.choice((1, 3, 2000)),
        max_spans_shown=rng.choice((2, 2000)),
        max_producers=rng.choice((2, 2000)),
    )
    demand = _some(rng)
    forgetful = rng.random() < 0.3
    few = {f"_MOST_{table}": 0 if forgetful else 10_000 for table in ("PROFILES", "RESOURCES")}
    with patch.multiple(learned, **few):
        return _compared(
            seed,
            rng,
            generator,
            Pair(ReferenceDecoder(demand, limits, b"seed"), NativeDecoder(demand, limits, b"seed")),
        )


def _compared(seed: int, rng: random.Random, generator: Generator, pair: Pair) -> list[str]:
    now, sent, found = START, [], []
    for _ in range(PER_CASE):
        if rng.random() < 0.1:
            pair.watch(bytes([rng.randrange(3)]) * 16)
        signal = rng.choice((*Signal, Signal.TRACES, Signal.TRACES, Signal.TRACES))
        body = generator.request(signal)
        body = rng.choice((bytes, bytes, bytes, bytes, generator.rearranged, generator.damaged))(
            body
        )
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
