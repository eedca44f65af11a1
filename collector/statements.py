"""What a database call says: its query without values, its verb, its table.

Two calls run the same query when they differ in values alone, so literals read ``?``, lists of
them are folded, and comments, which often carry a trace id (sqlcommenter), are left out.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from collector import semconv
from collector.claims import claims
from collector.semconv import Attributes

_LONGEST_READ = 4096  # characters of a query that are looked at
_LONGEST_KEPT = 512
_LONGEST_NAME = 128

# Possessive, and closed by the end of the text too: the time is linear whatever is sent.
_COMMENTS = re.compile(r"/\*.*?(?:\*/|\Z)|--[^\n]*", re.DOTALL)
_VALUES = re.compile(
    r"'(?:[^'\\]|''|\\.?)*+(?:'|\Z)"
    r"|(?<![\w$])[+-]?(?:0[xX][0-9a-fA-F]+|[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![\w$])"
    r"|(?<![\w:]):\w+|@\w+|\$[0-9]+|%(?:\([A-Za-z_]\w*\))?s",
    re.ASCII | re.DOTALL,
)
_LISTS = re.compile(r"\(\s*\?(?:\s*,\s*\?)*\s*\)(?:\s*,\s*\(\s*\?(?:\s*,\s*\?)*\s*\))*")
_SPACES = re.compile(r"\s+")
_TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE|JOIN|TABLE)\s+([\w.\"`\[\]-]+)", re.IGNORECASE)
_MAIN = re.compile(r"\b(INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z_]+")


class Verb(Enum):
    """What a database call does to data."""

    NONE = "none"
    READ = "read"
    INSERT = "insert"
    WRITE = "write"
    BEGIN = "begin"
    COMMIT = "commit"
    ROLLBACK = "rollback"
    OTHER = "other"

    @property
    def writes(self) -> bool:
        """Whether it changes data."""
        return self in (Verb.INSERT, Verb.WRITE)


_VERBS: dict[Verb, str] = {
    Verb.READ: """select find findone aggregate count distinct get mget getitem batchgetitem query
        scan search hget hgetall hmget read show fetch lookup""",
    Verb.INSERT: "insert insertone insertmany replace upsert create put putitem index add",
    Verb.WRITE: """update updateone updatemany updateitem delete deleteone deletemany deleteitem
        merge remove findandmodify findoneandupdate findoneandreplace findoneanddelete bulkwrite
        batchwriteitem transactwriteitems bulk truncate copy""",
    Verb.BEGIN: "begin start starttransaction",
    Verb.COMMIT: "commit committransaction end",
    Verb.ROLLBACK: "rollback abort aborttransaction",
}
_BY_WORD = {word: verb for verb, words in _VERBS.items() for word in words.split()}

#: Systems that keep copies: what is written there is no effect on the world.
CACHES = frozenset({"redis", "memcached", "valkey", "hazelcast", "dragonfly", "keydb", "ehcache"})


class Statement(NamedTuple):
    """A database call without its values.

    Attributes:
        text: the query with literals masked; empty when it was not sent.
        verb: what it does.
        table: the first table or collection, lower case; empty when not told.
        system: of the database, lower case; empty for spans of other calls.
    """

    text: str
    verb: Verb
    table: str
    system: str

    @property
    def effect(self) -> bool:
        """Whether it changes data that are no mere copies, and not only claims a key."""
        copies = self.system in CACHES
        return self.verb.writes and not copies and not claims(self.text, self.table)


NO_STATEMENT = Statement("", Verb.NONE, "", "")


@lru_cache(maxsize=4096)
def masked(query: str) -> str:
    """A query without values: literals and parameters read ``?``, lists ``(?)``."""
    text = _COMMENTS.sub(" ", query[:_LONGEST_READ])
    text = _LISTS.sub("(?)", _VALUES.sub("?", text))
    return _SPACES.sub(" ", text).strip()[:_LONGEST_KEPT]


@lru_cache(maxsize=4096)
def _verb(word: str, text: str) -> Verb:
    if word.lower() == "with":
        main = _MAIN.search(text)
        word = main[1] if main else "select"
    return _BY_WORD.get(word.lower().replace("_", ""), Verb.OTHER)


@lru_cache(maxsize=4096)
def _table(text: str) -> str:
    found = _TABLE.search(text)
    return found[1].strip('"`[]').lower() if found else ""


def statement(name: str, attributes: Attributes) -> Statement:
    """What a call to a database says; `NO_STATEMENT` for every other span.

    Args:
        name: the span's, used when no attribute tells.
        attributes: the span's.
    """
    system = semconv.text(attributes, "db.system.name").lower()
    if not system:
        return NO_STATEMENT
    query = semconv.first(attributes, "db.query.text")
    text = masked(query) if isinstance(query, str) else ""
    summary = semconv.text(attributes, "db.query.summary")
    told = text or semconv.text(attributes, "db.operation.name") or summary or name
    word = _WORD.search(told[:_LONGEST_KEPT])
    table = semconv.text(attributes, "db.collection.name").lower() or _table(text)
    if not table and summary:
        table = summary.partition(" ")[2].partition(" ")[0].lower()
    verb = _verb(word[0], text) if word else Verb.OTHER
    return Statement(text, verb, table[:_LONGEST_NAME], system[:_LONGEST_NAME])
