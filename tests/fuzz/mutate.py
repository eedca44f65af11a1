"""Changes to an input that leave the lengths around them right.

A byte that comes or goes breaks every message around it, and the checker then refuses the rest.
Here one field is changed, wherever it is nested, and all that holds it is written anew.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from case import Case

sys.path.insert(0, str(Path(__file__).parents[1] / "decode" / "native"))
from generate import field_of, fields_of

_DEEPEST = 12
_DELIMITED = 2
_LONGEST = 65_535
_WAYS = ("inside", "without", "twice", "shuffled", "other", "bytes")
_WEIGHTS = (12, 1, 1, 1, 2, 1)


def mutated(data: bytes, seed: int, change: Callable[[bytes], bytes]) -> bytes:
    """An input with one field of one request changed.

    Args:
        data: any input.
        seed: equal seeds change the same.
        change: what the fuzzer does to bytes of which it knows nothing.
    """
    rng, case = random.Random(seed), Case.read(data)
    requests = list(case.requests)
    which = rng.randrange(len(requests))
    kind, body = requests[which]
    requests[which] = (kind, _Change(rng, change, case).of(body)[:_LONGEST])
    return case._replace(requests=requests).written()


class _Change:
    """One change to one message."""

    def __init__(self, rng: random.Random, change: Callable[[bytes], bytes], case: Case) -> None:
        self.rng = rng
        self.case = case
        self._change = change

    def of(self, body: bytes, depth: int = 0) -> bytes:
        """A message with a change to it, or to what stands in it."""
        rng, fields = self.rng, fields_of(body)
        if not fields or depth > _DEEPEST:
            return self._change(body)
        at = rng.randrange(len(fields))
        tag, value = fields[at]
        way = rng.choices(_WAYS, _WEIGHTS)[0]
        if way == "inside" and tag & 7 == _DELIMITED:
            fields[at] = (tag, self.of(value, depth + 1))
        elif way == "without":
            del fields[at]
        elif way == "twice":
            fields.insert(rng.randrange(len(fields) + 1), fields[at])
        elif way == "shuffled":
            rng.shuffle(fields)
        elif way == "other":
            fields[at] = (tag, self._other(tag, value))
        else:
            return self._change(body)
        return b"".join(field_of(tag, value, 0) for tag, value in fields)

    def _other(self, tag: int, value: bytes) -> bytes:
        """What stands in such a field elsewhere in the input."""
        found = {one for _, body in self.case.requests for one in _values(body, tag, 0)}
        return self.rng.choice(sorted(found - {value}) or [value])


def _values(body: bytes, wanted: int, depth: int) -> Iterator[bytes]:
    for tag, value in fields_of(body) or ():
        if tag == wanted:
            yield value
        if tag & 7 == _DELIMITED and depth < _DEEPEST:
            yield from _values(value, wanted, depth + 1)
