"""Database calls that broke a unique constraint, and whether anybody dealt with it."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from collector import semconv
from collector.classify import mask_name
from collector.demand import KeyMatch, SpanSelection, any_of
from collector.evaluate.outcomes import erred
from collector.evaluate.places import doing
from collector.evaluate.policy import Options
from collector.evaluate.tree import OUTGOING, Tree
from collector.statements import Verb
from collector.views import Span

_CODE_KEYS = ("db.response.status_code", "pgx.sql_state")
_ERROR_TYPE = "error.type"
_ANY = "*"
_DATA = frozenset({Verb.READ, Verb.INSERT, Verb.WRITE})

_MYSQL = ("1062", "1586", "1169")
_SQL_SERVER = ("2627", "2601")
_ORACLE = ("ORA-00001", "1", "00001")


class ConflictOptions(Options):
    """How a unique violation is known."""

    codes: dict[str, tuple[str, ...]] = Field(
        default={
            _ANY: ("23505",),
            "mysql": _MYSQL,
            "mariadb": _MYSQL,
            "sqlite": ("2067", "1555", "2579"),
            "microsoft.sql_server": _SQL_SERVER,
            "mssql": _SQL_SERVER,
            "oracle.db": _ORACLE,
            "oracle": _ORACLE,
            "mongodb": ("11000", "11001"),
        },
        description="values of db.response.status_code by db.system.name, `*` for all "
        "(SQLSTATE of PostgreSQL, H2 and Db2; MySQL ER_DUP_ENTRY, ER_DUP_ENTRY_WITH_KEY_NAME, "
        "ER_DUP_UNIQUE; SQLite SQLITE_CONSTRAINT_UNIQUE, _PRIMARYKEY, _ROWID; SQL Server 2627, "
        "2601; ORA-00001; MongoDB DuplicateKey)",
    )
    error_types: tuple[str, ...] = Field(
        default=(
            "*UniqueViolation*", "*UniqueConstraint*", "*DuplicateKey*", "*DuplicatedKey*",
            "*RecordNotUnique*", "*DUP_ENTRY*", "*DUP_VAL_ON_INDEX*", "P2002",
            "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_ROWID",
        ),
        description="patterns of error.type (psycopg, Doctrine, Sequelize, Spring and MongoDB, "
        "GORM, ActiveRecord, mysql2, PL/SQL, Prisma, SQLite)",
    )  # fmt: skip


class Conflicts:
    """Tells the spans that broke a unique constraint.

    Args:
        options: how that is known.
    """

    def __init__(self, options: ConflictOptions) -> None:
        self._codes = {system.lower(): frozenset(one) for system, one in options.codes.items()}
        self._types = any_of(options.error_types)
        codes = tuple(sorted(frozenset[str]().union(*self._codes.values())))
        self.selections = (
            SpanSelection(where=(KeyMatch(_CODE_KEYS, codes),)),
            SpanSelection(where=(KeyMatch((_ERROR_TYPE,), (*codes, *options.error_types)),)),
        )

    def told(self, span: Span) -> str:
        """The code or type of error that says so; empty for every other span."""
        system = span.statement.system
        if not system:
            return ""
        codes = self._codes.get(system, frozenset()) | self._codes.get(_ANY, frozenset())
        for key in (*_CODE_KEYS, _ERROR_TYPE):
            value = semconv.text(span.attributes, key)
            if value in codes:
                return value
        error = semconv.text(span.attributes, _ERROR_TYPE)
        return error if error and self._types is not None and self._types.match(error) else ""


def last_activity(spans: Iterable[Span]) -> int:
    """When the last call started that changed or read data, or failed; 0 for none.

    After a conflict such a call says that the conflict was dealt with, or that what followed is
    to blame. To end the transaction is neither.
    """
    told = (one.start for one in spans if one.statement.verb in _DATA or _failed_call(one))
    return max(told, default=0)


def _failed_call(span: Span) -> bool:
    return span.kind in OUTGOING and not span.statement.system and erred(span)


class Activity:
    """The last activity below each entry of a trace, looked for once.

    Args:
        tree: of the trace.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._last: dict[bytes, int] = {}

    def after(self, entry: Span) -> int:
        """When the last activity below an entry, within its service, started."""
        if entry.span_id not in self._last:
            service = entry.resource.service
            below = self._tree.below(entry)
            self._last[entry.span_id] = last_activity(
                one for one in below if one.resource.service == service
            )
        return self._last[entry.span_id]


def attempted(span: Span) -> str:
    """What a call tried to do, in a few words."""
    said = span.statement
    return f"{said.verb.value} {mask_name(said.table)}" if said.table else doing(span)
