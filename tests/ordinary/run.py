"""``make ordinary``: all shipped policies over a long ordinary load, and what was shown to them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))

from ordinary.inspection import Outcome, inspect, shipped
from ordinary.load import Load

from collector.decode import best
from collector.decode.reference import ReferenceDecoder

_DECODERS: dict[str, Callable[..., Any]] = {"best": best.decoder, "reference": ReferenceDecoder}


def violations_of(outcome: Outcome) -> str:
    """What was found, by policy, with an example of each."""
    examples = {one.policy: one for one in reversed(outcome.violations)}
    lines = [f"{count} x {' | '.join(key)}" for key, count in outcome.by_policy().most_common()]
    lines += [f"{one.policy}: {one.summary} {one.trace_id}" for one in examples.values()]
    return "\n".join(lines)


def census_of(outcome: Outcome, traces: int) -> str:
    """Two tables for the README."""
    marks = [
        (name, f"{count / traces:.2%}") for name, count in sorted(outcome.census.marks.items())
    ]
    marks.append(("any of them", f"{outcome.census.marked / traces:.1%}"))
    notes = [
        (name, f"{count / outcome.spans * 1000:.2f}")
        for name, count in sorted(outcome.census.notes.items())
    ]
    return "\n".join(
        [
            *_table(("mark", "share of traces"), marks),
            "",
            *_table(("note", "per thousand spans"), notes),
        ]
    )


def _table(head: tuple[str, str], rows: Iterable[tuple[str, str]]) -> list[str]:
    return [f"| {' | '.join(head)} |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows)]


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=330_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=60, help="programs begun in a second")
    parser.add_argument("--decoder", choices=_DECODERS, default="best")
    given = parser.parse_args()
    load = Load(given.seed, given.rate)
    outcome = inspect(load.requests(given.spans), shipped(), make=_DECODERS[given.decoder])
    found = sum(one.count for one in outcome.violations)
    print(census_of(outcome, load.traces))
    print(f"\n{outcome.spans} spans of {load.traces} traces: {found} violations")
    print(violations_of(outcome))
    return found * 10_000 >= load.traces or bool(outcome.errors)


if __name__ == "__main__":
    sys.exit(main())
