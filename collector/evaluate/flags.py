"""Evaluations of feature flags, in each of the three ways in which telemetry tells of them.

Semantic conventions 1.44 have log records named ``feature_flag.evaluation``; before, they were
events of spans; and many set the attributes on the SERVER span itself.
"""

from __future__ import annotations

from typing import NamedTuple

from collector import semconv, wholes
from collector.classify import SpanKind
from collector.demand import KeyMatch, RowSelection
from collector.semconv import AttributeValue
from collector.views import Row
from collector.violation import Signal

_FLAG = "feature_flag.key"
_PROVIDER = "feature_flag.provider.name"
_REASON = "feature_flag.result.reason"
_VALUE = "feature_flag.result.value"
_VARIANT = "feature_flag.result.variant"
_EVENTS = frozenset({"feature_flag", "feature_flag.evaluation"})

# That one of them is there is enough; what they say may be personal.
_MESSAGES = frozenset({"feature_flag.error.message", "feature_flag.evaluation.error.message"})

_LONGEST = 128  # characters of a flag's name
_LONGEST_VALUE = 64  # characters; a longer value is a document, and no variant

_ERROR = 2
_HTTP_STATUS = "http.response.status_code"
_SERVER_ERRORS = range(500, 600)

_NAMED = (KeyMatch((_FLAG,), ()),)
_KEYS = semconv.families((_FLAG, _PROVIDER, _REASON, _VALUE, _VARIANT)) | {"error.type"}

#: The rows in which an evaluation can stand.
ROWS = (
    RowSelection(Signal.LOGS, where=_NAMED, keys=_KEYS),
    RowSelection(Signal.TRACES, where=_NAMED, keys=_KEYS, events=_EVENTS),
    RowSelection(
        Signal.TRACES,
        where=_NAMED,
        keys=_KEYS | semconv.families((_HTTP_STATUS,)),
        kinds=frozenset({SpanKind.SERVER}),
    ),
)


class Evaluation(NamedTuple):
    """What a flag was found to be.

    Attributes:
        flag: its key.
        variant: the variant, else its value where that is short; empty when neither is told.
        failed: whether it could not be evaluated, so that a default was served.
        error: the class of the error, lower case; empty when not told.
        provider: of flags; empty when not told.
    """

    flag: str
    variant: str
    failed: bool
    error: str
    provider: str


def evaluation(row: Row) -> Evaluation | None:
    """The evaluation that a row tells of, if it does.

    Args:
        row: that matches one of `ROWS`.
    """
    attributes = row.attributes
    flag = attributes.get(_FLAG)
    if not isinstance(flag, str) or not flag:
        return None
    whole_span = row.signal is Signal.TRACES and row.name not in _EVENTS
    # On a span, error.type is about the request.
    error = "" if whole_span else wholes.lower(semconv.text(attributes, "error.type"))
    reason = semconv.text(attributes, _REASON).lower()
    return Evaluation(
        flag=wholes.cut(flag, _LONGEST),
        variant=_variant(semconv.first(attributes, _VARIANT)) or _variant(attributes.get(_VALUE)),
        failed=reason == "error" or bool(error) or not _MESSAGES.isdisjoint(row.keys),
        error=wholes.cut(error, _LONGEST),
        provider=wholes.cut(semconv.text(attributes, _PROVIDER), _LONGEST),
    )


def request_failed(status: int, attributes: semconv.Attributes) -> bool:
    """Whether a request ended in an error of the server's.

    Args:
        status: of its SERVER span; 2 is an error.
        attributes: of the span.
    """
    http = semconv.integer(attributes, _HTTP_STATUS)
    return status == _ERROR or (http is not None and http in _SERVER_ERRORS)


def _variant(value: AttributeValue) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float) and len(text := str(value)) <= _LONGEST_VALUE:
        return text
    return ""
