"""Detectors of a user's own: data only, in expressions that take linear time on any text.

The expressions are RE2's (https://github.com/google/re2/wiki/Syntax), which knows neither look
around nor references back, so no text can make one of them slow.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import import_module
from typing import Any, cast

from collector.evaluate.detectors.base import Detector, Rank
from collector.evaluate.detectors.checks import entropy
from collector.evaluate.detectors.placeholders import is_placeholder
from collector.evaluate.detectors.table import NAMES, OPT_IN_NAMES
from collector.violation import Severity

try:
    re2: Any = import_module("re2")
except ImportError:  # no wheel for this platform
    re2 = None

#: Bytes that a compiled expression may take (ours): some thousand states, 1 in 8 of RE2's default.
_MEMORY = 1_048_576
#: Characters of a literal that tell its text from any other (ours).
SHORTEST_LITERAL = 3

_RANKS = {Severity.INFO: Rank.LOW, Severity.WARNING: Rank.MEDIUM, Severity.CRITICAL: Rank.CRITICAL}


class _Expression:
    """An expression of RE2 where `re` is expected: positions by number, names by number."""

    def __init__(self, compiled: Any) -> None:  # noqa: ANN401 (re2 has no types)
        self.finditer = compiled.finditer
        self.groupindex = dict(compiled.groupindex)


def expression(text: str) -> re.Pattern[str]:
    """Compile an expression.

    Args:
        text: in RE2's syntax; the group ``secret`` when there is one is the secret, else all.

    Raises:
        ValueError: if RE2 does not take it, or it finds a secret in nothing.
    """
    if re2 is None:
        raise ValueError(
            "detectors of one's own need the package google-re2, which has no wheel for this "
            "platform"
        )
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        compiled = re2.compile(text, options)
    except re2.error as error:
        said = error.args[0]
        reason = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        raise ValueError(f"RE2 does not take it: {reason}") from None
    if compiled.search("") is not None:
        raise ValueError("it matches the empty text, so it would find a secret everywhere")
    return cast("re.Pattern[str]", _Expression(compiled))


def detector(
    name: str,
    severity: Severity,
    found_by: re.Pattern[str],
    *,
    literals: Sequence[str] = (),
    keys: Sequence[str] = (),
    min_entropy: float = 0.0,
    public: int = 0,
) -> Detector:
    """A detector as the table has them.

    Args:
        name: as findings spell it; not one of the shipped.
        severity: of its finds.
        found_by: from `expression`.
        literals: one of them stands in every text in which something is found.
        keys: segments of attribute names under which the expression is tried without them.
        min_entropy: bits per character below which a match is none.
        public: leading characters that may be shown.

    Raises:
        ValueError: if the name is taken, or there are neither literals nor keys.
    """
    if name in NAMES or name in OPT_IN_NAMES:
        raise ValueError(f"the name {name} is taken by a shipped detector")
    if not (literals or keys):
        raise ValueError("it needs literals or keys: nothing is searched by its form alone")
    group = found_by.groupindex.get("secret", 0)

    def confirm(match: re.Match[str]) -> bool:
        secret = cast("str", match.group(group))
        return entropy(secret) >= min_entropy and not is_placeholder(secret)

    return Detector(
        name,
        _RANKS[severity],
        "|".join(f"(?:{_escaped(one)})" for one in literals),
        found_by,
        confirm,
        words=frozenset(key.lower() for key in keys),
        bare=found_by if keys else None,
        public=public,
    )


def _escaped(literal: str) -> str:
    """A literal as an expression on UTF-8 bytes that hyperscan and `re` read alike."""
    return "".join(
        chr(byte) if chr(byte).isalnum() and byte < 128 else f"\\x{byte:02x}"  # noqa: PLR2004 (ASCII)
        for byte in literal.encode()
    )
