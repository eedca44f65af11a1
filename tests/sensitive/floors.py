"""What the detectors promise on the corpus, and the families that telemetry leaks every day."""

from sensitive.alphabets import words
from sensitive.corpus import Sample, build
from sensitive.scoring import Score, Span, score

PRECISION = 0.98
RECALL = 0.95
COMMON_RECALL = 0.9
FALSE_PER_100_THOUSAND = 1.0
COMMON = words(
    "basic-auth-url bearer-token session-cookie url-query-secret password-assignment private-key "
    "jwt aws-access-key-id aws-secret-access-key github-token azure-account-key "
    "azure-shared-access-key azure-cask-key azure-sas-token azure-connection-string credit-card "
    "email api-key-header secret-attribute basic-auth-header secret-assignment"
)


def finds_of(detectors, sample: Sample) -> list[Span]:
    found = detectors.find(sample.value, key=sample.key)
    return [Span(find.start, find.end, find.detector.name) for find in found]


def ours(detectors, tell=lambda: None, seed: int | None = None) -> Score:
    """The score of our detectors on the corpus."""
    samples = build() if seed is None else build(seed)
    finds = []
    for sample in samples:
        finds.append(finds_of(detectors, sample))
        tell()
    return score(samples, finds)


def broken(made: Score) -> list[str]:
    """The promises that a score breaks, in words."""
    found = []
    if made.overall.precision < PRECISION:
        found.append(f"precision is {made.overall.precision:.3f}, not {PRECISION}")
    if made.overall.recall < RECALL:
        found.append(f"recall is {made.overall.recall:.3f}, not {RECALL}")
    for family in COMMON:
        recall = made.families[family].recall
        if recall < COMMON_RECALL:
            found.append(f"recall of {family} is {recall:.3f}, not {COMMON_RECALL}")
    return found
