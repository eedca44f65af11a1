"""The inputs with which the fuzzer begins: small requests, rearranged and damaged ones too."""

from __future__ import annotations

import random
import sys
from pathlib import Path

from case import MOST_REQUESTS, SIGNALS, Case

from collector.decode.anyvalue import MOST_KEYS
from collector.violation import Signal

sys.path.insert(0, str(Path(__file__).parents[1] / "decode" / "native"))
from generate import KEYS, TEXTS, Generator, field_of, fields_of
from lifelike import TELLING
from queries import PIECES

SEEDS = 600
LARGEST = 2500
LONGEST_LINE = 200
_DELIMITED = 2

WORDS = (*KEYS, *TEXTS, *TELLING, *PIECES)


def write(folder: Path) -> None:
    """Write the inputs, the same ones every time.

    Args:
        folder: is made when it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(SEEDS):
        (folder / f"{seed:04}").write_bytes(_case(seed).written())
    for number in range(len(SIGNALS)):
        (folder / f"many-{number}").write_bytes(_many(number).written())


def words(path: Path) -> None:
    """Write the names and texts that mean something to the decoder, as libFuzzer reads them."""
    lines = ("".join(f"\\x{byte:02x}" for byte in word.encode()) for word in WORDS if word)
    path.write_text("".join(f'"{line}"\n' for line in lines if len(line) < LONGEST_LINE))


def _many(number: int) -> Case:
    """An item with more attributes than are looked at; one of each kind is enough."""
    attribute, outside = {
        Signal.TRACES: (9, ()),
        Signal.LOGS: (6, ()),
        Signal.METRICS: (7, (1, 5)),
    }[SIGNALS[number]]
    item = b"".join(_inside(_inside(b"%03x" % key, 1), attribute) for key in range(MOST_KEYS + 1))
    return Case(0, 0, [(number, _inside(item, *outside, 2, 2, 1))])


def _inside(body: bytes, *numbers: int) -> bytes:
    for number in numbers:
        body = field_of(number << 3 | _DELIMITED, body, 0)
    return body


def _case(seed: int) -> Case:
    rng, generator = random.Random(seed), Generator(seed)
    requests: list[tuple[int, bytes]] = []
    for _ in range(rng.choice((1, 1, 2, MOST_REQUESTS))):
        number = rng.randrange(len(SIGNALS))
        body = _small(generator.request(SIGNALS[number]), rng)
        body = rng.choice((bytes, bytes, generator.rearranged, generator.damaged))(body)
        # 48 is divisible by 3: it changes the time that passes and leaves the signal.
        requests.append((number + 48 * rng.randrange(5), body))
        if rng.random() < 0.2 and len(requests) < MOST_REQUESTS:
            requests.append(requests[-1])
    return Case(rng.randrange(32), rng.choice((0, 0, *range(32))), requests[:MOST_REQUESTS])


def _small(body: bytes, rng: random.Random) -> bytes:
    """A request of which so many fields are left out that an input remains quick to run."""
    while len(body) > LARGEST:
        body = _thinned(body, rng, 0)
    return body


def _thinned(body: bytes, rng: random.Random, depth: int) -> bytes:
    made = []
    for tag, value in fields_of(body) or ():
        if depth > 1 and rng.random() < 0.2:
            continue
        kept = value
        if tag & 7 == _DELIMITED and len(value) > 1 and fields_of(value):
            kept = _thinned(value, rng, depth + 1)
        elif tag & 7 == _DELIMITED:
            kept = value[: rng.choice((100, 300))]
        made.append(field_of(tag, kept, 0))
    return b"".join(made)
