"""What was found in a text: which of several finds at one place counts, and what may be shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import NamedTuple

from collector.evaluate.detectors.base import Detector, Rank
from collector.evaluate.policy import Hit

_KEY_BYTES = 64  # the longest key of BLAKE2b
_FINGERPRINT_BYTES = 8
_STRETCH = 64  # characters; a secret lies in one or two, and few others lie there too
_SHOWN = 4  # a preview shows no more, and no more than a quarter of the secret


class Find(NamedTuple):
    """A secret in a text.

    Attributes:
        detector: what found it.
        order: place of the detector in the table.
        start: index of its first character in the text that was received.
        end: index after its last one.
        secret: decoded.
        within: the member, parameter or inner key under which it stands, or empty.
        baggage: whether it is part of W3C baggage.
        expires: when it opens nothing any more, in seconds since 1970; None for never.
    """

    detector: Detector
    order: int
    start: int
    end: int
    secret: str
    within: str = ""
    baggage: bool = False
    expires: float | None = None


def settled(finds: Iterable[Find]) -> list[list[Find]]:
    """The finds that count: first those of detectors that are always on, then by opt-in detector.

    What one policy asked for must change nothing for another. So no opt-in detector displaces a
    find of any other, and at the place of a find that is always made there is no further one.
    """
    groups: dict[str, list[Find]] = {"": []}
    for find in finds:
        groups.setdefault(find.detector.name if find.detector.opt_in else "", []).append(find)
    always = _one_a_place(groups.pop(""))
    asked = (_one_a_place(groups[name]) for name in sorted(groups))
    return [always, *([find for find in one if not _touches(find, always)] for one in asked)]


def _touches(find: Find, others: Iterable[Find]) -> bool:
    return any(find.start < other.end and other.start < find.end for other in others)


def _one_a_place(finds: Iterable[Find]) -> list[Find]:
    """One find for each place: the highest rank, then the first in the table, then the leftmost.

    Its span grows over those that it displaces, so that whoever cuts it out leaves nothing.
    """
    kept = _Places()
    ranked = sorted(finds, key=lambda f: (-f.detector.rank, f.order, f.start, -f.end))
    for find in ranked:
        index = kept.first(find)
        if index is None:
            kept.add(find)
        else:
            kept.grow(index, find)
    return kept.finds


class _Places:
    """Finds that are kept, and which of them lie near a place: a text can have thousands.

    Attributes:
        finds: in the order in which they came.
    """

    def __init__(self) -> None:
        self.finds: list[Find] = []
        self._near: defaultdict[int, list[int]] = defaultdict(list)

    def first(self, find: Find) -> int | None:
        """The index of the first find that shares a character with another; None for none."""
        near = {index for one in _stretches(find) for index in self._near.get(one, ())}
        touched = (index for index in near if _touches(find, (self.finds[index],)))
        return min(touched, default=None)

    def add(self, find: Find) -> None:
        """Keep a find."""
        for one in _stretches(find):
            self._near[one].append(len(self.finds))
        self.finds.append(find)

    def grow(self, index: int, find: Find) -> None:
        """Let a find that is kept take the place of another as well."""
        before = self.finds[index]
        start, end = min(find.start, before.start), max(find.end, before.end)
        after = self.finds[index] = before._replace(start=start, end=end)
        for one in _stretches(after):
            if one not in _stretches(before):
                self._near[one].append(index)


def _stretches(find: Find) -> range:
    """The numbers of the stretches of text in which a find lies."""
    last = max(find.start, find.end - 1)
    return range(find.start // _STRETCH, last // _STRETCH + 1)


def preview(find: Find) -> str:
    """What may be shown of a secret: what all of its kind begin with, and its length."""
    detector, secret = find.detector, find.secret
    if detector.silent:
        return "…"
    shown = secret[: min(detector.public, _SHOWN, len(secret) // 4)]
    return f"{shown}… ({len(secret)} characters)"


class Fingerprints:
    """Keyed hashes, by which equal secrets are seen to be equal and nothing else.

    Args:
        key: any number of bytes, at least one.

    Raises:
        ValueError: if the key is empty.
    """

    def __init__(self, key: bytes) -> None:
        if not key:
            raise ValueError("the fingerprint key is empty: give at least one byte")
        self._key = key if len(key) <= _KEY_BYTES else blake2b(key).digest()

    def of(self, secret: str) -> str:
        """16 hex digits."""
        data = secret.encode("utf-8", "surrogatepass")
        return blake2b(data, digest_size=_FINGERPRINT_BYTES, key=self._key).hexdigest()

    def hits(self, finds: Iterable[Find], most: int) -> Iterator[Hit]:
        """Finds as policies see them: each secret once, at most so many."""
        found = list(finds)
        both = {"aws-access-key-id", "aws-secret-access-key"} <= {f.detector.name for f in found}
        seen: set[tuple[str, str, str]] = set()
        for find in found:
            name, rank = find.detector.name, find.detector.rank
            if both and name == "aws-access-key-id":
                rank = Rank.CRITICAL  # an identifier alone opens nothing; beside its secret it does
            fingerprint = self.of(find.secret)
            if (name, fingerprint, find.within) in seen:
                continue
            if len(seen) == most:
                return
            seen.add((name, fingerprint, find.within))
            yield Hit(
                name,
                rank.severity,
                preview(find),
                fingerprint,
                find.within,
                find.baggage,
                find.expires,
                find.detector.opt_in,
            )
