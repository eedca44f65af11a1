"""Which metrics and labels a PromQL expression uses, and which there are.

Rules and dashboards are held against `collector.telemetry.METRICS` with it. It reads tokens and
does not parse: whether an expression is right is promtool's to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import tools
import yaml

from collector.telemetry import METRICS

#: What Prometheus, or the operator, adds to every sample.
SCRAPED = frozenset({"job", "instance", "cluster", "namespace", "pod", "container", "endpoint"})
PROCESS = (
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_virtual_memory_bytes",
)
RECORDING = tools.ROOT / "deploy" / "alerts" / "rules" / "recording.yaml"

_LISTS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_WORDS = frozenset({"and", "or", "unless", "atan2", "bool", "offset", "inf", "nan"})
_AGGREGATIONS = frozenset(
    {"avg", "bottomk", "count", "count_values", "group", "limitk", "limit_ratio", "max", "min"}
    | {"quantile", "stddev", "stdvar", "sum", "topk"}
)
_TOKEN = re.compile(
    r"""
    (?P<space> \s+ | \#[^\n]* )
  | (?P<string> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | `[^`]*` )
  | (?P<variable> \$\{[^}]*\} | \$\w+ | \[\[\w+\]\] )
  | (?P<number> \.?\d[\d.]*(?:e[+-]?\d+)?\w* )
  | (?P<name> [A-Za-z_][A-Za-z0-9_:]* )
  | (?P<sign> =~ | !~ | [=!<>]= | [-+*/%^=<>@,:(){}\[\]] )
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Used:
    """What an expression uses.

    Attributes:
        metrics: names of samples, recorded ones too.
        labels: by metric, the labels that it is matched by; a selector without a name has "".
        grouping: labels in lists: by, without, on, ignoring, group_left, group_right.
    """

    metrics: set[str] = field(default_factory=set)
    labels: dict[str, set[str]] = field(default_factory=dict)
    grouping: set[str] = field(default_factory=set)


class _Token(NamedTuple):
    kind: str
    text: str


def used(expression: str) -> Used:
    """What an expression uses.

    Args:
        expression: PromQL, which may hold variables of Grafana.

    Raises:
        ValueError: if it holds what is no token of PromQL.
    """
    found = Used()
    tokens = [*_tokens(expression), _Token("end", "")]
    at = 0
    while (token := tokens[at]).kind != "end":
        after = tokens[at + 1].text
        at += 1
        if token.text == "{":
            at = _selector(tokens, at, "", found)
        elif token.kind != "name":
            continue
        elif token.text.lower() in _LISTS:
            at = _list(tokens, at, found)
        elif not _is_word(token.text, after):
            found.metrics.add(token.text)
            if after == "{":
                at = _selector(tokens, at + 1, token.text, found)
    return found


def _is_word(text: str, after: str) -> bool:
    """Whether a name is one of the language: a keyword, an aggregation or a function."""
    return after == "(" or text.lower() in _WORDS or text.lower() in _AGGREGATIONS


def _tokens(expression: str) -> Iterator[_Token]:
    at = 0
    while at < len(expression):
        found = _TOKEN.match(expression, at)
        if found is None:
            raise ValueError(f"no token of PromQL: {expression[at : at + 20]!r}")
        at = found.end()
        if found.lastgroup != "space":
            yield _Token(found.lastgroup or "", found.group())


def _list(tokens: list[_Token], at: int, found: Used) -> int:
    """Read the labels in brackets, where there are brackets; where it ends."""
    if tokens[at].text != "(":
        return at
    while tokens[at].text not in {")", ""}:
        if tokens[at].kind == "name":
            found.grouping.add(tokens[at].text)
        at += 1
    return at


def _selector(tokens: list[_Token], at: int, metric: str, found: Used) -> int:
    """Read the matchers in braces; where they end."""
    labels: set[str] = set()
    while tokens[at].text not in {"}", ""}:
        if tokens[at].kind == "name":
            name, sign, value = tokens[at].text, tokens[at + 1].text, tokens[at + 2].text
            if name == "__name__" and sign == "=":
                metric = value[1:-1]
                found.metrics.add(metric)
            elif name != "__name__":
                labels.add(name)
        at += 1
    found.labels.setdefault(metric, set()).update(labels)
    return at


@cache
def known_metrics() -> dict[str, frozenset[str]]:
    """The labels that the samples of each metric can have, by the name of the samples."""
    own = {metric.shown: SCRAPED.union(metric.labels) for metric in METRICS}
    scraped = dict.fromkeys((*PROCESS, "up"), SCRAPED)
    labels = frozenset().union(*own.values())
    recorded = {name: level(name) for name in recorded_metrics()}
    return own | scraped | recorded | {"ALERTS": labels | {"alertname", "alertstate"}}


@cache
def recorded_metrics() -> tuple[str, ...]:
    """Names of the recording rules."""
    if not RECORDING.exists():
        return ()
    groups = yaml.safe_load(RECORDING.read_text())["groups"]
    return tuple(rule["record"] for group in groups for rule in group["rules"])


def level(recorded: str) -> frozenset[str]:
    """The labels of a recorded metric, which its name begins with: level:metric:operations.

    Args:
        recorded: name of a recording rule; a level of no labels is called `all`.

    Raises:
        ValueError: if the level is made of anything but labels.
    """
    rest = recorded.partition(":")[0]
    labels = sorted(SCRAPED.union(*(metric.labels for metric in METRICS)), key=len, reverse=True)
    found: set[str] = set()
    while rest and rest != "all":
        first = next((one for one in labels if f"{rest}_".startswith(f"{one}_")), None)
        if first is None:
            raise ValueError(f"{recorded}: its level is made of labels, {rest!r} is none")
        found.add(first)
        rest = rest[len(first) + 1 :]
    return frozenset(found)


def unknown(expression: str) -> list[str]:
    """What an expression uses and nobody shows: metrics, labels of them, and labels in lists.

    Args:
        expression: PromQL, which may hold variables of Grafana.
    """
    known, found = known_metrics(), used(expression)
    labels = frozenset().union(*known.values())
    problems = [f"metric {name}" for name in sorted(found.metrics - known.keys())]
    for metric, names in found.labels.items():
        allowed = known.get(metric, labels)
        problems += [f"label {name} of {metric}" for name in sorted(names - allowed)]
    shown = frozenset().union(*(known.get(name, labels) for name in found.metrics))
    return problems + [f"label {name}" for name in sorted(found.grouping - shown)]
