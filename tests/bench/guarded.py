"""What the guard counts: the inspection of so many requests of a fixed corpus.

Usage: guarded.py REQUESTS
"""

from __future__ import annotations

import sys

import subjects
from corpus import Corpus
from measure import ARRIVAL, START
from subjects import LIMITS, Inspection

from collector.violation import Signal

SPANS = 256
SEED = 7


def main() -> None:
    """See the module."""
    corpus = Corpus(SEED, secrets=0.0005, retries=0.01, variants=256)
    native = subjects.native()
    inspections = [
        (corpus.traces, Inspection(native, subjects.policies(), limits=LIMITS)),
        (corpus.logs, Inspection(native, subjects.policies(), signal=Signal.LOGS)),
        (corpus.metrics, Inspection(native, subjects.policies(), signal=Signal.METRICS)),
    ]
    now = START
    for _ in range(int(sys.argv[1])):
        for make, inspect in inspections:
            now += SPANS / ARRIVAL
            inspect(make(SPANS), now)


if __name__ == "__main__":
    main()
