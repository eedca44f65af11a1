"""Who found what: samples against finds, by family, by place and in all."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sensitive.corpus import Sample


class Span(NamedTuple):
    """A find: where it stands in the value, and who found it."""

    start: int
    end: int
    by: str


def places_of(sample: Sample) -> list[tuple[int, int]]:
    """Where the secrets of a sample stand."""
    found = []
    for secret in sample.secrets:
        at = sample.value.find(secret)
        while at >= 0 and secret:
            found.append((at, at + len(secret)))
            at = sample.value.find(secret, at + len(secret))
    return found


def hits(sample: Sample, spans: Iterable[Span]) -> list[Span]:
    """The finds that overlap a secret of the sample."""
    places = places_of(sample)
    return [
        span
        for span in spans
        if any(span.start < end and start < span.end for start, end in places)
    ]


@dataclass
class Tally:
    """Counts of samples, and what follows from them."""

    leaks: int = 0
    caught: int = 0
    own: int = 0
    quiet: int = 0
    false: int = 0

    @property
    def recall(self) -> float:
        return self.caught / self.leaks if self.leaks else 1.0

    @property
    def precision(self) -> float:
        spoken = self.caught + self.false
        return self.caught / spoken if spoken else 1.0

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


@dataclass
class Score:
    """What one tool made of the samples.

    A sample with secrets is caught where a find overlaps one of them; a benign one is a false
    report where there is any find. A false report counts against every detector that made it.
    """

    overall: Tally = field(default_factory=Tally)
    families: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    kinds: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    places: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    missed: list[Sample] = field(default_factory=list)
    wrong: list[tuple[Sample, Sequence[Span]]] = field(default_factory=list)

    def add(self, sample: Sample, spans: Sequence[Span]) -> None:
        tallies = (self.overall, self.places[sample.place])
        if sample.secrets:
            self._leak(sample, hits(sample, spans), (*tallies, self.families[sample.family]))
        else:
            self._quiet(sample, spans, (*tallies, self.kinds[sample.family]))

    def _leak(self, sample: Sample, found: list[Span], tallies: Iterable[Tally]) -> None:
        for tally in tallies:
            tally.leaks += 1
            tally.caught += bool(found)
            tally.own += any(span.by == sample.family for span in found)
        if not found:
            self.missed.append(sample)

    def _quiet(self, sample: Sample, spans: Sequence[Span], tallies: Iterable[Tally]) -> None:
        for tally in tallies:
            tally.quiet += 1
            tally.false += bool(spans)
        if spans:
            self.wrong.append((sample, spans))
            for detector in {span.by for span in spans}:
                self.families[detector].false += 1


PERSONAL = ("email", "credit-card", "iban", "us-ssn")
SAME_TO_PRESIDIO = ("EMAIL_ADDRESS", "CREDIT_CARD", "IBAN_CODE", "US_SSN")


def personal(made: Score) -> Tally:
    """Personal data alone: secrets neither count as missed nor as found."""
    families = [made.families[name] for name in PERSONAL]
    speakers = {*PERSONAL, *SAME_TO_PRESIDIO}
    return Tally(
        leaks=sum(family.leaks for family in families),
        caught=sum(family.caught for family in families),
        quiet=made.overall.quiet,
        false=sum(any(span.by in speakers for span in spans) for _, spans in made.wrong),
    )


def score(samples: Sequence[Sample], finds: Sequence[Sequence[Span]]) -> Score:
    """The score of a tool that found these in the samples, in their order."""
    made = Score()
    for sample, spans in zip(samples, finds, strict=True):
        made.add(sample, spans)
    return made
