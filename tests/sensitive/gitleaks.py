"""The rules of gitleaks, read from its own TOML and applied to one text after another.

Expressions of RE2 are rewritten for `re`. Keywords, entropy, groups, stop words and allow lists
are honoured; what looks at paths and commits has nothing to look at here.
"""

import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FLAGS = re.compile(r"\(\?([a-zA-Z]+)\)")


def _token(text: str, at: int) -> str:
    """An escape, a class, the start of a group, or a letter."""
    if text[at] == "\\":
        return text[at : at + 2]
    if text[at] == "[":
        end = at + 1 + (text[at + 1] == "^")
        end += text[end] == "]"
        while text[end] != "]":
            end += 2 if text[end] == "\\" else 1
        return text[at : end + 1]
    found = FLAGS.match(text, at)
    return found[0] if found else text[at]


def translated(text: str) -> str:
    """An expression of RE2 for `re`: flags in the middle hold to the end of their group."""
    out: list[str] = []
    stack: list[list[str]] = [[]]
    at = 0
    while at < len(text):
        token = _token(text, at)
        at += len(token)
        if found := FLAGS.fullmatch(token):
            out.append(f"(?{found[1]}:")
            stack[-1].append(out[-1])
        elif token == "(":
            out.append(token)
            stack.append([])
        elif token == ")":
            out.append(")" * len(stack.pop()) + token)
        elif token == "|":
            out.append(")" * len(stack[-1]) + token + "".join(stack[-1]))
        else:
            out.append(_alike(token))
    return "".join(out) + ")" * len(stack[0])


def _alike(token: str) -> str:
    if token == r"\z":
        return r"\Z"
    return "[" + token[1:].replace("[", r"\[") if token.startswith("[") else token


def entropy(text: str) -> float:
    """Shannon's, in bits a letter."""
    shares = [count / len(text) for count in Counter(text).values()]
    return -sum(share * math.log2(share) for share in shares)


@dataclass(frozen=True)
class Allowed:
    """What is no leak: expressions over the secret, the match or the line, and words in it."""

    expressions: tuple[re.Pattern, ...]
    words: tuple[str, ...]
    target: str
    every: bool

    def allows(self, secret: str, match: str, line: str) -> bool:
        against = {"match": match, "line": line}.get(self.target, secret)
        checks = []
        if self.expressions:
            checks.append(any(one.search(against) for one in self.expressions))
        if self.words:
            checks.append(any(word in secret.lower() for word in self.words))
        return bool(checks) and (all(checks) if self.every else any(checks))


def _allowed(table: dict) -> Allowed:
    return Allowed(
        tuple(re.compile(translated(text)) for text in table.get("regexes", ())),
        tuple(word.lower() for word in table.get("stopwords", ())),
        table.get("regexTarget", "secret"),
        table.get("condition", "OR").upper() in ("AND", "&&") and not table.get("paths"),
    )


@dataclass(frozen=True)
class Rule:
    """One rule, ready to search."""

    name: str
    expression: re.Pattern
    keywords: tuple[str, ...]
    entropy: float
    group: int
    allowed: tuple[Allowed, ...]

    def find(self, text: str, lower: str) -> Iterator[tuple[int, int]]:
        if self.keywords and not any(word in lower for word in self.keywords):
            return
        for match in self.expression.finditer(text):
            group = self.group or next((at for at, got in enumerate(match.groups(), 1) if got), 0)
            secret = match[group] or ""
            if not secret or (self.entropy and entropy(secret) <= self.entropy):
                continue
            start = text.rfind("\n", 0, match.start()) + 1
            line = text[start:].split("\n", 1)[0]
            if not any(one.allows(secret, match[0], line) for one in self.allowed):
                yield match.span(group)


def _rule(table: dict, general: list[Allowed]) -> Rule:
    own = [*table.get("allowlists", ()), *([table["allowlist"]] if "allowlist" in table else [])]
    return Rule(
        table["id"],
        re.compile(translated(table["regex"])),
        tuple(word.lower() for word in table.get("keywords", ())),
        float(table.get("entropy", 0)),
        table.get("secretGroup", 0),
        (*general, *map(_allowed, own)),
    )


class Gitleaks:
    """All rules that have an expression, and do not ask for a path.

    Args:
        path: of gitleaks.toml.
    """

    def __init__(self, path: Path) -> None:
        config = tomllib.loads(path.read_text())
        general = [_allowed(config["allowlist"])] if "allowlist" in config else []
        tables = [one for one in config["rules"] if "regex" in one and "path" not in one]
        self.rules = [_rule(table, general) for table in tables]

    def find(self, text: str) -> list[tuple[int, int, str]]:
        """Where secrets stand, and the rule that says so."""
        lower = text.lower()
        return [(*span, rule.name) for rule in self.rules for span in rule.find(text, lower)]
