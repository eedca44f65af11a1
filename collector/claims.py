"""Writes that only say that a request or message came, which is none of its effects.

So do those that keep it from having its effect twice.
"""

from __future__ import annotations

import re
from functools import lru_cache

_PERHAPS = re.compile(
    r"\bON CONFLICT\b.{0,200}\bDO NOTHING\b|\bINSERT (?:OR )?IGNORE\b", re.IGNORECASE
)
_SEEN = re.compile(
    r"idempot|dedup|inbox|audit_?(?:log|trail|event|record|s?$)|(?:processed|handled|consumed)_?(?:message|event|request)",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def claims(query: str, table: str) -> bool:
    """Whether a write only says that a key or message was seen, or may have changed nothing.

    Args:
        query: without its values.
        table: that it writes to, in any case.
    """
    return _SEEN.search(table) is not None or _PERHAPS.search(query) is not None
