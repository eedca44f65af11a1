"""How telemetry says whether a cache had what was asked for.

The semantic conventions have no attribute for it, so what libraries and teams use is accepted.
"""

from __future__ import annotations

from collector.demand import KeyMatch

#: Attributes that say whether a cache hit: a flag, or a word.
ANSWER_KEYS = (
    "cache.hit",
    "cache_hit",
    "cache.result",
    "cache.status",
    "cache.outcome",
    "cache.lookup.result",
    "db.cache.hit",
    "db.redis.hit",
    "redis.hit",
    "memcached.hit",
)

_MISSES = ("False", "false", "0", "miss", "Miss", "MISS", "cache_miss")

_ANSWERS = frozenset({"hit", "hits", "miss", "misses"})


def missed(keys: tuple[str, ...]) -> KeyMatch:
    """A condition that holds for spans that say that a cache missed.

    Args:
        keys: attributes that say whether a cache hit.
    """
    return KeyMatch(keys, _MISSES)


def names_answer(words: tuple[str, ...]) -> bool:
    """Whether the words of a metric's name, or a label's value, tell hits or misses."""
    return not _ANSWERS.isdisjoint(words)
