"""What a database call says: its query without values, its verb, its table.

Two calls run the same query when they differ in values alone, so literals read ``?``, lists of
them are folded, and comments, which often carry a trace id (sqlcommenter), are left out.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from collector import semconv, wholes
from collector.claims import claims
from collector.semconv import Attributes

_LONGEST_READ = 4096  # characters of a query that are looked at
_LONGEST_KEPT = 512
_HEAD = 96  # characters kept of the beginning of a longer one; its end tells more
_LONGEST_NAME = 128

#: Systems that keep copies: what is written there is no effect on the world. Their commands
#: hold keys and values and nothing that marks them, so no text of them is kept.
CACHES = frozenset({"redis", "memcached", "valkey", "hazelcast", "dragonfly", "keydb", "ehcache"})

#: Systems that quote as standard SQL does: names in double quotes, and no escapes by backslash.
#: Elsewhere (MySQL, BigQuery, JSON) double quotes stand around values.
_STANDARD_SYSTEMS = """
    actian.ingres aws.redshift cassandra cockroachdb db2 derby duckdb edb firebird
    firebirdsql greenplum h2 h2database hanadb hsqldb ibm.db2 ibm.informix ibm.netezza
    informix ingres interbase libsql maxdb microsoft.sql_server mssql mssqlcompact netezza
    oracle oracle.db other_sql pervasive postgres postgresql presto progress redshift
    sap.hana sap.maxdb sqlite sybase teradata timescaledb trino vertica yugabytedb
"""
STANDARD = frozenset(_STANDARD_SYSTEMS.split())

# A query is read once, from left to right, and the first alternative that fits takes what it
# can: so a quote in a comment opens no value, and two dashes in a value open no comment. A word is
# made of letters, digits, `_` and `$` of ASCII. What begins with a digit is a value to its end, a
# sign before it included unless that follows a word. Each alternative is closed by the end of the
# text too, and none goes back into what it took: the time is linear whatever is sent.
_FIRST = r"""(?=["'`/\-+.$0-9?:@%]|(?<![\w$])[a-fA-FnNqQuUxX])"""  # no other begins one; for speed
_COMMENT = r"(?P<comment>/\*.*?(?:\*/|\Z)|--[^\n]*)"
_STANDARD_QUOTES = r"""
    (?P<name>"[\w$ .\#-]*+"|`[^`]*(?:`|\Z))
    |(?<![\w$])[nN]?[qQ]'.*                                # Oracle: ends where it says itself
    |(?<![\w$])[eE]'(?:[^'\\]|''|\\.)*+(?:'|\\?\Z)
    |(?:(?<![\w$])(?:[nNbBxX]|[uU]&))?'(?:[^']|'')*+(?:'|\Z)
    |"(?:[^"]|"")*+(?:"|\Z)"""
_OTHER_QUOTES = r"""
    (?P<name>"[\w$ .*/-]*+"\s*:(?!:)|`[^`]*(?:`|\Z))       # a key of JSON
    |(?:(?<![\w$])[nNbBxX])?'(?:[^'\\]|''|\\.)*+(?:'|\\?\Z)
    |"(?:[^"\\]|""|\\.)*+(?:"|\\?\Z)"""
_BARE = r"""
    (?<![\w$])\$(?P<tag>(?:[A-Za-z_]\w*)?)\$.*?(?:\$(?P=tag)\$[\w$]*|\Z)
    |(?<![\w$])[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![\w$])
    |(?<![\w$])[+-]?\.?[0-9][\w$.]*(?:(?<=[eE])[+-][0-9]+)?
    |\?(?:[0-9][\w$]*)?|(?<![\w$:?\]]):[\w$]+|(?<!@)@[\w$]+|(?<![\w$])\$[0-9][\w$]*
    |%(?:\(\w+\))?s(?![\w$])"""


def _tokens(quotes: str) -> re.Pattern[str]:
    return re.compile(f"{_FIRST}(?:{_COMMENT}|{quotes}|{_BARE})", re.ASCII | re.DOTALL | re.VERBOSE)


_TOKENS = {True: _tokens(_STANDARD_QUOTES), False: _tokens(_OTHER_QUOTES)}
_SPACES = re.compile(r"\s+", re.ASCII)
_LISTS = re.compile(r"\?(?: ?, ?\?)+")
_ROWS = re.compile(r"\( ?\? ?\)(?: ?, ?\( ?\? ?\))*")

_TABLE = re.compile(
    r"\b(?:EXTRACT|SUBSTRING|TRIM|OVERLAY) ?\([^()]*|\bDISTINCT FROM\b"
    r"|\b(?:FROM|INTO|UPDATE|JOIN|TABLE) (?:ONLY |IF (?:NOT )?EXISTS )?([\w.\"`\[\]$-]+)",
    re.IGNORECASE,
)
_HALF_WORD = re.compile(r"\A[^ ?]*+ ?")
_QUOTES = str.maketrans("", "", '"`[]')
_MAIN = re.compile(r"(?<!FOR )(?<!KEY )\b(INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)
_BEGIN = re.compile(
    r"(?:BEGIN|START_?TRANSACTION|START(?= TRANSACTION))(?: (?:TRAN|TRANSACTION|WORK|DEFERRED"
    r"|IMMEDIATE|EXCLUSIVE|CONCURRENT|ISOLATION|READ)\b[^;]*)?(?:;|\Z)",
    re.IGNORECASE,
)
_DEFINES = re.compile(r"CREATE [A-Z]", re.IGNORECASE)
_SAVEPOINT = re.compile(r"ROLLBACK (?:(?:TRANSACTION|WORK) )?TO\b", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z_]+")
_REMOVALS = frozenset({"delete", "deleteone", "deletemany", "deleteitem", "remove", "truncate"})


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
        scan search hget hgetall hmget read show lookup""",
    Verb.INSERT: "insert insertone insertmany replace upsert create put putitem index add",
    Verb.WRITE: """update updateone updatemany updateitem delete deleteone deletemany deleteitem
        merge remove findandmodify findoneandupdate findoneandreplace findoneanddelete bulkwrite
        batchwriteitem transactwriteitems bulk truncate copy""",
    Verb.BEGIN: "begin start starttransaction",
    Verb.COMMIT: "commit committransaction end",
    Verb.ROLLBACK: "rollback abort aborttransaction",
}
_BY_WORD = {word: verb for verb, words in _VERBS.items() for word in words.split()}

#: Calls of drivers that wrap Go's database/sql, named after its methods, and have no text.
_BY_METHOD = {
    "sql.conn.begin_tx": Verb.BEGIN,
    "sql.tx.commit": Verb.COMMIT,
    "sql.tx.rollback": Verb.ROLLBACK,
    "db.begin": Verb.BEGIN,
    "tx.commit": Verb.COMMIT,
    "tx.rollback": Verb.ROLLBACK,
}


class Statement(NamedTuple):
    """A database call without its values.

    Attributes:
        text: the query with literals masked; empty when it was not sent, or is of a cache.
        verb: what it does.
        table: the first table or collection, lower case where no part of it may be a token; empty
            when not told.
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


def _stand_in(token: re.Match[str]) -> str:
    if token.lastgroup == "comment":
        return " "
    return token[0] if token.lastgroup == "name" else "?"


def masked(query: str, *, standard: bool = True) -> str:
    """A query without values: literals and parameters read ``?``, lists of them ``(?)``.

    Args:
        query: as it was sent.
        standard: whether it is quoted as in standard SQL.
    """
    return _masked(query[:_LONGEST_READ], standard)


@lru_cache(maxsize=2048)
def _masked(query: str, standard: bool) -> str:
    text = _SPACES.sub(" ", _TOKENS[standard].sub(_stand_in, query))
    text = _ROWS.sub("(?)", _LISTS.sub("?", text)).strip(" ,;")
    text = wholes.without_tokens(text, "?")
    if len(text) <= _LONGEST_KEPT:
        return text
    # Half a word could be half a token, which no detector knows; values are gone already.
    head, gap = _whole(text[:_HEAD]), " … "
    rest = text[_HEAD + len(gap) - _LONGEST_KEPT :]
    return head + gap + _HALF_WORD.sub("", rest, count=1)


def _whole(text: str) -> str:
    """A text that goes on, without its last word; a value has been masked, and is whole."""
    return text[: max(text.rfind(" "), text.rfind("?")) + 1].rstrip()


@lru_cache(maxsize=4096)
def _verb(told: str) -> Verb | None:
    """The verb that a text begins with; None when its first word tells nothing."""
    if told.lower() in _BY_METHOD:
        return _BY_METHOD[told.lower()]
    word = _WORD.search(told)
    name = word[0].lower() if word else ""
    if name == "with":
        main = _MAIN.search(told)
        name = main[1].lower() if main else "select"
    verb = _BY_WORD.get(name.replace("_", ""))
    if verb is Verb.BEGIN and not _BEGIN.match(told):
        return Verb.OTHER  # a block of PL/SQL
    if verb is Verb.ROLLBACK and _SAVEPOINT.match(told):
        return Verb.OTHER
    return Verb.WRITE if _DEFINES.match(told) else verb


@lru_cache(maxsize=4096)
def removes(told: str) -> bool:
    """Whether a query, or the name of an operation, only removes what it can remove once only."""
    word = _WORD.search(told)
    if word is None or word[0].lower().replace("_", "") not in _REMOVALS:
        return False
    return all(verb.upper() == "DELETE" for verb in _MAIN.findall(told))


@lru_cache(maxsize=4096)
def _table(text: str) -> str:
    names = (match[1] for match in _TABLE.finditer(text) if match[1])
    return wholes.lower(next(names, "").translate(_QUOTES))


def statement(name: str, attributes: Attributes) -> Statement:
    """What a call to a database says; `NO_STATEMENT` for every other span.

    Args:
        name: the span's, used when no attribute tells.
        attributes: the span's.
    """
    system = wholes.lower(semconv.text(attributes, "db.system.name"))
    if not system:
        return NO_STATEMENT
    query = semconv.first(attributes, "db.query.text")
    sent = query if isinstance(query, str) else ""
    text = "" if system in CACHES else masked(sent, standard=system in STANDARD)
    if len(sent) > _LONGEST_READ:
        text = _whole(text)
    operation = semconv.text(attributes, "db.operation.name")
    summary = semconv.text(attributes, "db.query.summary")
    first = text or sent[:_LONGEST_NAME].partition(" ")[0]
    told = (first, operation) if sent else (operation or summary or name,)
    verbs = (_verb(one[:_LONGEST_KEPT]) for one in told)
    table = wholes.lower(semconv.text(attributes, "db.collection.name")) or _table(text)
    if not table and summary:
        table = wholes.lower(summary.partition(" ")[2].partition(" ")[0])
    verb = next((one for one in verbs if one), Verb.OTHER)
    return Statement(
        text, verb, wholes.cut(table, _LONGEST_NAME), wholes.cut(system, _LONGEST_NAME)
    )
