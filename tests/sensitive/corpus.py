"""A corpus of realistic telemetry values, with and without secrets and personal data.

`build()` gives the same samples for the same seed. Four of ten hold something that must be found;
`family` is then the detector whose format or place it is. The other six must stay quiet, and
`family` says what kind of value each is.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from random import Random

from sensitive.azure import AZURE
from sensitive.contexts import context
from sensitive.fields import FIELDS
from sensitive.harmless import HARMLESS
from sensitive.hidden import HIDDEN
from sensitive.templates import Template, read
from sensitive.tokens import TOKENS

SEED = 1
# How many samples a family has that telemetry often leaks, and how many any other has.
COMMON = {
    "basic-auth-url": 106,
    "bearer-token": 84,
    "session-cookie": 96,
    "url-query-secret": 98,
    "password-assignment": 230,
    "private-key": 60,
    "jwt": 64,
    "aws-access-key-id": 60,
    "aws-secret-access-key": 60,
    "github-token": 64,
    "azure-account-key": 24,
    "azure-shared-access-key": 24,
    "azure-cask-key": 24,
    "azure-client-secret": 20,
    "azure-connection-string": 24,
    "azure-sas-token": 28,
    "credit-card": 86,
    "email": 96,
    "api-key-header": 88,
    "secret-attribute": 118,
    "secret-assignment": 92,
    "basic-auth-header": 32,
    "authorization-header": 26,
}
SOME = 15
# How many samples a template of benign values has, unless it has no field.
QUIET_EACH = 6
WEBHOOKS = ("slack-webhook", "teams-webhook", "discord-webhook")


@dataclass(frozen=True)
class Sample:
    """One value of telemetry, where it stood, and what of it must be found."""

    key: str
    value: str
    place: str
    family: str
    secrets: tuple[str, ...] = ()


def _rounds(templates: Iterable[Template], rng: Random) -> Iterator[Template]:
    """The templates over and over, in another order each time."""
    order = list(templates)
    while True:
        rng.shuffle(order)
        yield from order


def _leaks(
    family: str, templates: Iterable[Template], count: int, hidden: dict, fields: dict, rng: Random
) -> Iterator[Sample]:
    rounds = _rounds(templates, rng)
    for _ in range(count):
        template = next(rounds)
        value, secrets = template.fill(rng, fields, hidden)
        yield Sample(template.key, value, template.place, family, secrets)


def _by_heading(name: str) -> dict[str, list[Template]]:
    found = defaultdict(list)
    for template in read(name):
        found[template.heading].append(template)
    return found


def _token_samples(rng: Random) -> Iterator[Sample]:
    carriers = _by_heading("carriers")
    for family, makers in (TOKENS | AZURE).items():
        variable, host = context(family)
        fields = FIELDS | {"env": lambda _, v=variable: v, "host": lambda _, h=host: h}
        makes = _rounds(makers, rng)
        hidden = {"t": _next_of(makes)}
        some = carriers["url"] if family in WEBHOOKS else carriers["any"] + carriers.get(family, [])
        yield from _leaks(family, some, COMMON.get(family, SOME), hidden, fields, rng)


def _next_of(makers: Iterator[Callable[[Random], str]]) -> Callable[[Random], str]:
    def make(rng: Random) -> str:
        return next(makers)(rng)

    return make


def _placed_samples(rng: Random) -> Iterator[Sample]:
    for family, templates in _by_heading("leaks").items():
        count = COMMON.get(family, SOME)
        yield from _leaks(family, templates, count, HIDDEN, FIELDS, rng)


def _quiet_samples(rng: Random) -> Iterator[Sample]:
    fields = FIELDS | HARMLESS
    for template in read("quiet"):
        for _ in range(QUIET_EACH if template.marks() else 1):
            value, _ = template.fill(rng, fields)
            yield Sample(template.key, value, template.place, template.heading)


@cache
def build(seed: int = SEED) -> tuple[Sample, ...]:
    """All samples: those with secrets by family, then those without by kind."""
    rng = Random(seed)
    made = [*_token_samples(rng), *_placed_samples(rng), *_quiet_samples(rng)]
    seen: dict[tuple[str, str], Sample] = {}
    for sample in made:
        seen.setdefault((sample.key, sample.value), sample)
    return tuple(seen.values())
