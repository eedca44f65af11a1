"""A mistake in what a user wrote: where it stands, what was found, and what is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

_LONGEST_LINE = 160
_LONGEST_FOUND = 60
_MOST_ALLOWED = 40


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake, at one place.

    Attributes:
        path: the file, or the environment variable or flag, as a user would name it.
        line: counted from 1; 0 when the problem concerns the whole of `path`.
        column: counted from 1.
        message: what was found, and what is wrong with it.
        allowed: what may stand there instead.
        found: the word to which the nearest allowed one is suggested, or empty.
        advice: what to do.
        source: the line of the file, or empty.
    """

    path: str
    line: int = 0
    column: int = 0
    message: str = ""
    allowed: tuple[str, ...] = ()
    found: str = ""
    advice: str = ""
    source: str = ""

    @property
    def suggestion(self) -> str:
        """The allowed word that is nearest to the one found, or empty."""
        near = get_close_matches(self.found.lower(), [word.lower() for word in self.allowed], n=1)
        return next((word for word in self.allowed if near and word.lower() == near[0]), "")

    @property
    def place(self) -> str:
        """Path, line and column, as compilers print them and editors follow them."""
        return f"{self.path}:{self.line}:{self.column}" if self.line else self.path

    def render(self) -> str:
        """The problem as lines of text, safe to print on a terminal."""
        lines = [f"{self.place}: {self.message}", *self._excerpt()]
        if self.allowed:
            more = (
                [f"... ({len(self.allowed)} in all)"] if len(self.allowed) > _MOST_ALLOWED else []
            )
            shown = [*self.allowed[:_MOST_ALLOWED], *more]
            lines.append(f"    allowed: {', '.join(shown)}")
        if self.found and self.suggestion:
            lines.append(f"    did you mean {self.suggestion}?")
        if self.advice:
            lines.append(f"    {self.advice}")
        return "\n".join(printable(line) for line in lines)

    def _excerpt(self) -> list[str]:
        if not self.source.strip() or not 0 < self.column <= _LONGEST_LINE:
            return []
        number = str(self.line)
        shown = self.source[:_LONGEST_LINE].replace("\t", " ")
        return [
            f"    {number} | {shown}",
            f"    {' ' * len(number)} | {' ' * (self.column - 1)}^",
        ]


class ProblemsError(ValueError):
    """Everything that is wrong with what a user wrote.

    Args:
        problems: at least one; they are sorted by place.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems, key=lambda one: (one.path, one.line, one.column))
        super().__init__(render(self.problems))


def render(problems: Sequence[Problem]) -> str:
    """All problems, one below the other.

    Args:
        problems: in the order in which they are shown.
    """
    return "\n".join(problem.render() for problem in problems)


def printable(text: str) -> str:
    """The text without characters that would steer a terminal.

    Args:
        text: one line.
    """
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def quoted(value: object) -> str:
    """A value that a user wrote, short enough to stand in a sentence.

    Args:
        value: as it was read.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = str(value)
    return f"`{text if len(text) <= _LONGEST_FOUND else text[: _LONGEST_FOUND - 1] + '…'}`"
