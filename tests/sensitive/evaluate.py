"""`make eval-sensitive`: how good the detectors are at telling secrets from what only looks so.

Precision, recall and F1 on a corpus that was made apart from the detectors, by family and by
place; other tools on the same values where they are given; and, with `--benign`, how often the
detectors speak on millions of benign values and how fast they are.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sensitive import floors, rivals, tables, throughput
from sensitive.corpus import SEED, build
from sensitive.scoring import Score, score

from collector.evaluate.detectors.scan import Detectors

KEY = b"a key of the evaluation"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED, help="of all values")
    parser.add_argument("--benign", type=int, default=0, metavar="N", help="judge N benign values")
    parser.add_argument("--gitleaks", type=Path, help="path of gitleaks.toml")
    parser.add_argument("--python", type=Path, help="that has detect-secrets or Presidio")
    parser.add_argument("--most", type=int, default=5, help="misses shown of a family")
    parser.add_argument("--show", action="store_true", help="values as they are, not masked")
    return parser.parse_args()


def _others(given: argparse.Namespace, progress: Progress) -> dict[str, Score]:
    samples, found = build(given.seed), {}
    runs: dict[str, Callable] = {}
    if given.gitleaks:
        runs["gitleaks"] = lambda tell: rivals.gitleaks(given.gitleaks, samples, tell)
    for tool in ("detect-secrets", "presidio"):
        if given.python and rivals.installed(given.python, tool):
            runs[tool] = lambda tell, tool=tool: rivals.foreign(given.python, tool, samples, tell)
    for name, run in runs.items():
        task = progress.add_task(name, total=len(samples))
        found[name] = score(samples, run(lambda task=task: progress.advance(task)))
        progress.remove_task(task)
    return found


def _quiet(given: argparse.Namespace, console: Console, progress: Progress) -> list[str]:
    detectors = Detectors(KEY)
    task = progress.add_task("benign values", total=given.benign)
    made = throughput.quiet(
        detectors, given.benign, given.seed, lambda count: progress.advance(task, count)
    )
    progress.remove_task(task)
    rows = tables.table("Benign values by the million", "", "values", "false", "per 100 thousand")
    for kind, count in sorted(made.made.items()):
        false = made.false[kind]
        rows.add_row(kind, f"{count:,}", f"{false:,}", f"{1e5 * false / count:.2f}")
    false = sum(made.false.values())
    rows.add_row("all", f"{given.benign:,}", f"{false:,}", f"{made.share:.2f}")
    console.print(rows)
    for (kind, key, by), text in sorted(made.examples.items())[:40]:
        console.print(f"{kind} {key} {by}: {text[:120]!r}", style="red", markup=False)
    task = progress.add_task("speed", total=None)
    new, seen = throughput.through_decoder(detectors, given.seed)
    progress.remove_task(task)
    speed = tables.table(f"Speed ({detectors.backend})", "", "values/s")
    speed.add_row("distinct values, the detectors alone", f"{given.benign / made.seconds:,.0f}")
    speed.add_row("distinct values, from bytes of OTLP", f"{new:,.0f}")
    speed.add_row("values seen before, from bytes of OTLP", f"{seen:,.0f}")
    console.print(speed)
    much = made.share > floors.FALSE_PER_100_THOUSAND
    text = f"{made.share:.2f} false reports among 100 thousand, not {floors.FALSE_PER_100_THOUSAND}"
    return [text] if much else []


def main() -> int:
    """See the module."""
    given = _arguments()
    width = int(os.environ.get("COLUMNS", "0")) or (None if sys.stdout.isatty() else 160)
    console = Console(width=width)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        samples = build(given.seed)
        task = progress.add_task("samples", total=len(samples))
        made = floors.ours(Detectors(KEY), lambda: progress.advance(task), given.seed)
        progress.remove_task(task)
        scores = {"ours": made} | _others(given, progress)
        console.print(tables.families(scores, floors.COMMON, floors.COMMON_RECALL))
        console.print(tables.places(scores), tables.kinds(made))
        if made.missed:
            console.print(tables.missed(made, given.most, show=given.show))
        if made.wrong:
            console.print(tables.wrong(made, given.most, show=given.show))
        console.print(tables.tools(scores, floors.PRECISION, floors.RECALL))
        broken = floors.broken(made)
        if given.benign:
            broken += _quiet(given, console, progress)
    for line in broken:
        console.print(line, style="bold red")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
