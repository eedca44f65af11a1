"""What stands in `deploy/alerts`: rules, their tests, runbooks and the blocks within these."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import tools
import yaml

ALERTS = tools.ROOT / "deploy" / "alerts"
RULES = ALERTS / "rules" / "alerts.yaml"
RECORDING = ALERTS / "rules" / "recording.yaml"
ALERTMANAGER = ALERTS / "alertmanager.yaml"
CASES = sorted((ALERTS / "tests").glob("*.yaml"))
RUNBOOKS = {file.stem: file for file in sorted((ALERTS / "runbooks").glob("*.md"))}

Rule = dict[str, Any]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')


class Block(NamedTuple):
    """A fenced block of a runbook."""

    runbook: str
    language: str
    text: str


class Case(NamedTuple):
    """What a promtool test says about one alert within one of its cases, in order of time."""

    file: str
    name: str
    alert: str
    fires: tuple[tuple[str, ...], ...]


def rules(path: Path) -> list[Rule]:
    """All rules of a file.

    Args:
        path: of a rule file.
    """
    groups = yaml.safe_load(path.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


ALERT_RULES = rules(RULES) if RULES.exists() else []
ALL_RULES = [*ALERT_RULES, *rules(RECORDING)] if RECORDING.exists() else ALERT_RULES


def named(rule: Rule) -> str:
    """A rule as a test shows it.

    Args:
        rule: of an alert or a record.
    """
    labels = rule.get("labels", {})
    more = [labels[key] for key in ("severity", "horizon") if key in labels]
    return " ".join([rule.get("alert") or rule["record"], *more])


@cache
def cases() -> tuple[Case, ...]:
    """What the promtool tests say, by case and alert."""
    return tuple(case for file in CASES for case in _cases(file))


def _cases(file: Path) -> Iterator[Case]:
    for test in yaml.safe_load(file.read_text())["tests"]:
        found: dict[str, list[tuple[float, tuple[str, ...]]]] = {}
        for one in test.get("alert_rule_test", []):
            fires = tuple(_fired(alert["exp_labels"]) for alert in one["exp_alerts"])
            minutes = float(one["eval_time"].removesuffix("m"))
            found.setdefault(one["alertname"], []).append((minutes, fires))
        for alert, times in found.items():
            yield Case(file.name, test["name"], alert, tuple(one for _, one in sorted(times)))


def _fired(labels: dict[str, str]) -> str:
    return " ".join(labels[key] for key in ("severity", "horizon") if key in labels)


def sections(runbook: str) -> list[str]:
    """Titles of the sections of a runbook.

    Args:
        runbook: name of its alert.
    """
    return _SECTION.findall(RUNBOOKS[runbook].read_text())


def blocks(*languages: str) -> list[Block]:
    """The fenced blocks of all runbooks.

    Args:
        languages: of the blocks.
    """
    return [
        Block(name, language, text)
        for name, file in RUNBOOKS.items()
        for language, text in _BLOCK.findall(file.read_text())
        if language in languages
    ]


def matches(matchers: list[tuple[str, str, str]], labels: dict[str, str]) -> bool:
    """Whether labels pass all matchers, as Prometheus and Alertmanager anchor them.

    Args:
        matchers: label, operator and value.
        labels: by name; one that is missing is empty.
    """
    return all(_passes(labels.get(label, ""), sign, value) for label, sign, value in matchers)


def _passes(text: str, sign: str, value: str) -> bool:
    equal = text == value if sign in {"=", "!="} else re.fullmatch(value, text) is not None
    return equal != sign.startswith("!")


def matchers(text: str) -> list[tuple[str, str, str]]:
    """The matchers in a text: of a selector, or one of Alertmanager's.

    Args:
        text: label, operator and quoted value, any number of them.
    """
    return _MATCHER.findall(text)
