"""Opt-in detectors on what they were not made for: they change no other find, and rarely err."""

import os
from collections import Counter
from itertools import islice
from random import Random

import pytest
from sensitive.alphabets import DIGITS, UPPER, text
from sensitive.benign import stream
from sensitive.corpus import build

from collector.evaluate.detectors.contacts import CONTACTS
from collector.evaluate.detectors.national import NATIONAL
from collector.evaluate.detectors.scan import Detectors
from collector.evaluate.detectors.table import OPT_IN_NAMES
from collector.views import Value

LONG = "LONG" in os.environ
COUNT = 200_000 if LONG else 60_000
BLOCK = 20_000
#: Reports among ten thousand benign values, at most. The stream is made of UUIDs, digests and
#: public identifiers, and has one telephone number: what finds those is not counted here.
CEILINGS = dict.fromkeys({one.name for one in (*NATIONAL, *CONTACTS)} - {"phone-number"}, 0.5) | {
    "public-ip": 0.5,
    "mac-address": 0.5,
    "vault-legacy-token": 0.5,
    "generic-secret": 1.0,
}
EACH = 3000 if LONG else 1000


@pytest.fixture(scope="module")
def asked():
    return Detectors(b"key of the tests", opted=frozenset(OPT_IN_NAMES))


@pytest.fixture(scope="module")
def usual():
    return Detectors(b"key of the tests")


def blocks(seed):
    values = ((key, value) for _, key, value in stream(COUNT, seed))
    while block := list(islice(values, BLOCK)):
        yield [Value(key, value, new=True, sightings=()) for key, value in block]


def without_opt_in(found):
    kept = {at: tuple(hit for hit in hits if not hit.opt_in) for at, hits in found.items()}
    return {at: hits for at, hits in kept.items() if hits}


def test_on_benign_values_checked_identifiers_are_hardly_ever_reported(asked):
    reported = Counter()
    for block in blocks(11):
        for hits in asked.found(block).values():
            reported.update({hit.detector for hit in hits})

    rates = {name: reported[name] * 10_000 / COUNT for name in CEILINGS}
    assert {name: rate for name, rate in rates.items() if rate > CEILINGS[name]} == {}


def number(form):
    """Makes texts of a form in which # is a digit and @ a letter."""
    return lambda rng: "".join(
        text(rng, DIGITS if one == "#" else UPPER, 1) if one in "#@" else one for one in form
    )


#: Numbers as systems count, date and label, none of which says whose it is.
NUMBERS = [
    *(number("#" * length) for length in range(8, 17)),
    *map(
        number,
        (
            "order ######### of customer ###########", "paid ### ### ###,##", "#### #### ####",
            "####-####-####", "backup-20261102-####", "261102-####", "021126-####", "@@######@",
            "@@@#####", "########@", "#@#######", "###-##-####", "took ###.###.### ms", "@########",
            "since 1## ### ###", "+####", "2026-11-02 ##:##:##", "0.#########", "-#########",
        ),
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    "key", ["order.id", "message", "messaging.rabbitmq.destination.routing_key"]
)
def test_a_number_alone_is_nobodys_identifier(asked, key):
    rng = Random(3)
    values = [Value(key, make(rng), True, ()) for make in NUMBERS for _ in range(EACH)]

    found = asked.found(values)

    assert [(values[at].text, hits[0].detector) for at, hits in found.items()] == []


#: Forms that need no word, and how many of a thousand random texts of each are reported at most.
FORMS = [
    ("br-cpf", "###.###.###-##", 15),
    ("br-cnpj", "##.###.###/####-##", 15),
    ("ca-sin", "###-###-###", 95),
    ("fi-hetu", "######-###@", 3),
    ("fr-nir", "# ## ## ## ### ### ##", 5),
    ("it-codice-fiscale", "@@@@@@##@##@###@", 20),
    ("uk-nino", "@@ ## ## ## @", 100),
]


@pytest.mark.parametrize(("name", "form", "most"), FORMS)
def test_chance_seldom_makes_an_identifier_of_its_form(asked, name, form, most):
    rng, make = Random(4), number(form)
    values = [Value("note", make(rng), True, ()) for _ in range(10 * EACH)]

    found = asked.found(values)

    assert sum(hits[0].detector == name for hits in found.values()) * 1000 <= most * len(values)


def test_no_other_find_changes_whatever_is_asked_for(asked, usual):
    samples = [Value(one.key, one.value, new=True, sightings=()) for one in build()]

    assert without_opt_in(asked.found(samples)) == usual.found(samples)
    for one in build():
        always = [find for find in asked.find(one.value, one.key) if not find.detector.opt_in]
        found = usual.find(one.value, one.key)
        assert [find[2:] for find in always] == [find[2:] for find in found], one
