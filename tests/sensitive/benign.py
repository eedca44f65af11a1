"""Benign values by the million: how often do the detectors speak where there is nothing to say?

The values are those of `templates/quiet.txt` that have fields to fill; a text without any is the
same each time, and the corpus has it already.
"""

from collections.abc import Callable, Iterator
from random import Random

from sensitive.fields import FIELDS
from sensitive.harmless import HARMLESS
from sensitive.templates import Template, read

# Of a thousand values, how many are of a kind: telemetry is made of identifiers and addresses.
SHARES = {
    "ids": 260,
    "numbers": 120,
    "hashes": 90,
    "kubernetes": 110,
    "network": 110,
    "urls": 90,
    "databases": 50,
    "json": 50,
    "text": 40,
    "names": 40,
    "files": 25,
    "stacks": 5,
    "masked": 4,
    "public-keys": 3,
    "published": 1,
    "broken": 2,
}
Made = tuple[str, str, str]


def _makers() -> dict[str, list[tuple[Template, Callable[[Random], str]]]]:
    fields = FIELDS | HARMLESS
    found = {kind: [] for kind in SHARES}
    for template in read("quiet"):
        if template.marks():
            found[template.heading].append((template, template.maker(fields)))
    return found


def stream(count: int, seed: int = 1) -> Iterator[Made]:
    """So many benign values: the kind, the key, and the value."""
    rng = Random(seed)
    makers = _makers()
    kinds, weights = list(SHARES), list(SHARES.values())
    block = 10_000
    for start in range(0, count, block):
        for kind in rng.choices(kinds, weights, k=min(block, count - start)):
            template, make = rng.choice(makers[kind])
            yield kind, template.key, make(rng)
