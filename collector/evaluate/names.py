"""Names of attributes compared by what they say, however they are spelled."""

from __future__ import annotations

import re
from functools import lru_cache

# Shown in a subject: long enough for every name in use, short enough for a line.
_LONGEST_SHOWN = 128

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")


@lru_cache(maxsize=16_384)
def segments(name: str) -> tuple[str, ...]:
    """The words of a name: ``user.id``, ``userId`` and ``USER_ID`` are ``("user", "id")``.

    Args:
        name: of an attribute or label; only its first 256 characters are read.
    """
    return tuple(word.lower() for word in _WORDS.findall(name[:256]))


def spelled(name: str) -> str:
    """One spelling for all variants of a name: ``request-id`` and ``requestId`` are equal."""
    return "".join(segments(name))


def short(name: str) -> str:
    """A name, or its length alone: half a token would pass the detectors."""
    return name if len(name) <= _LONGEST_SHOWN else f"[{len(name)} characters]"
