"""The tables that `evaluate.py` prints."""

from collections.abc import Iterable

from rich import box
from rich.table import Table
from rich.text import Text
from sensitive.corpus import Sample
from sensitive.scoring import Score, Span, Tally, personal, places_of

WIDEST = 150
SHOWN = 4


def table(title: str, *heads: str) -> Table:
    made = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for number, head in enumerate(heads):
        made.add_column(head, justify="right" if number else "left")
    return made


def _share(value: float, floor: float = 0.0) -> Text:
    return Text(f"{value:.3f}", style="red" if value < floor else "")


def _figures(tally: Tally, precision: float = 0.0, recall: float = 0.0) -> tuple[Text, ...]:
    found = _share(tally.precision, precision), _share(tally.recall, recall)
    return (*found, _share(tally.f1))


def tools(scores: dict[str, Score], precision: float, recall: float) -> Table:
    made = table("All samples", "", "found", "missed", "false", "precision", "recall", "F1")
    rows = {name: score.overall for name, score in scores.items()}
    for name in sorted(scores.keys() & {"ours", "presidio"}):
        rows[f"{name}, personal data alone"] = personal(scores[name])
    for name, tally in rows.items():
        floors = (precision, recall) if name == "ours" else ()
        counts = map(str, (tally.caught, tally.leaks - tally.caught, tally.false))
        made.add_row(name, *counts, *_figures(tally, *floors))
    return made


def families(scores: dict[str, Score], common: Iterable[str], floor: float) -> Table:
    """Ours by family, and the recall of the others beside it."""
    ours, *others = scores.values()
    heads = ("samples", "by its own", "false", "precision", "recall", "F1")
    made = table("By family", "", *heads, *list(scores)[1:])
    watched = set(common)
    for name in sorted(ours.families):
        tally = ours.families[name]
        figures = _figures(tally, 0.0, floor if name in watched else 0.0)
        if not tally.leaks:
            figures = (Text("-"),) * 3
        counts = map(str, (tally.leaks, tally.own, tally.false))
        beside = (_share(other.families[name].recall) for other in others)
        made.add_row(f"{name} *" if name in watched else name, *counts, *figures, *beside)
    made.caption = "* common: each has a floor of its own"
    return made


def places(scores: dict[str, Score]) -> Table:
    ours, *others = scores.values()
    made = table(
        "By place", "", "secrets", "benign", "precision", "recall", "F1", *list(scores)[1:]
    )
    for name, tally in sorted(ours.places.items()):
        beside = (_share(other.places[name].f1) for other in others)
        made.add_row(name, str(tally.leaks), str(tally.quiet), *_figures(tally), *beside)
    made.caption = "beside: F1 of the others"
    return made


def kinds(score: Score) -> Table:
    made = table("Benign values", "", "samples", "false")
    for name, tally in sorted(score.kinds.items()):
        made.add_row(name, str(tally.quiet), str(tally.false))
    return made


def masked(text: str, places: Iterable[tuple[int, int]], *, show: bool) -> str:
    """A value in one short line, with what stands in these places cut to its first letters."""
    out, at = [], 0
    for start, end in sorted(places):
        if show or start < at:
            continue
        out.append(text[at : min(start + SHOWN, end)] + "…")
        at = end
    line = ("".join(out) + text[at:]).replace("\n", "⏎")
    return line if len(line) <= WIDEST or show else line[:WIDEST] + " …"


def missed(score: Score, most: int, *, show: bool) -> Table:
    made = table("Missed", "family", "place", "key", "value")
    for sample in _spread(score.missed, most):
        value = masked(sample.value, places_of(sample), show=show)
        made.add_row(sample.family, sample.place, sample.key, Text(value, overflow="fold"))
    return _left(made)


def wrong(score: Score, most: int, *, show: bool) -> Table:
    made = table("False reports", "kind", "detectors", "key", "value")
    found: dict[int, Iterable[Span]] = {id(sample): spans for sample, spans in score.wrong}
    for sample in _spread([sample for sample, _ in score.wrong], most):
        spans = list(found[id(sample)])
        value = masked(sample.value, [(span.start, span.end) for span in spans], show=show)
        names = ", ".join(sorted({span.by for span in spans}))
        made.add_row(sample.family, names, sample.key, Text(value, overflow="fold"))
    return _left(made)


def _left(made: Table) -> Table:
    for column in made.columns:
        column.justify = "left"
    return made


def _spread(samples: Iterable[Sample], most: int) -> list[Sample]:
    """So many of each family."""
    counts: dict[str, int] = {}
    kept = []
    for sample in samples:
        counts[sample.family] = counts.get(sample.family, 0) + 1
        if counts[sample.family] <= most:
            kept.append(sample)
    return kept
