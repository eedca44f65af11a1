"""Declared conditions on items, compiled: decoders and policies ask the same question."""

from __future__ import annotations

import re
from collections.abc import Iterable

from collector.classify import SpanKind
from collector.demand import KeyMatch, SpanSelection, any_of
from collector.semconv import Attributes

_ERROR = 2


class Conditions:
    """Conditions on attributes, all of which must hold.

    Args:
        where: each names spellings of an attribute and patterns of its value.
    """

    def __init__(self, where: Iterable[KeyMatch]) -> None:
        self._where = [(match.keys, any_of(match.patterns)) for match in where]
        self.keys = frozenset(key for keys, _ in self._where for key in keys)

    def hold(self, attributes: Attributes) -> bool:
        """Whether the attributes of an item meet all of them."""
        return all(_holds(keys, expression, attributes) for keys, expression in self._where)


def _holds(keys: Iterable[str], expression: re.Pattern[str] | None, attributes: Attributes) -> bool:
    values = (attributes.get(key) for key in keys)
    return any(
        value is not None and (expression is None or expression.match(str(value)) is not None)
        for value in values
    )


class Selected:
    """Tells whether a span matches one of some selections.

    Args:
        selections: any of them will do.
    """

    def __init__(self, selections: Iterable[SpanSelection]) -> None:
        self._all = [(one, Conditions(one.where)) for one in selections]
        self.keys = frozenset(key for _, where in self._all for key in where.keys)

    def takes(self, kind: SpanKind, status: int, attributes: Attributes, *, failed: bool) -> bool:
        """Whether a span is meant.

        Args:
            kind: of the span.
            status: 2 is an error.
            attributes: those under `keys`, at least.
            failed: see `collector.classify.failed`.
        """
        bad = failed or status == _ERROR
        return any(
            (not wanted.kinds or kind in wanted.kinds)
            and (bad or not wanted.failed)
            and where.hold(attributes)
            for wanted, where in self._all
        )
