"""Templates of telemetry values: text with marks such as «uuid» that fields fill.

A file of templates has a line for each value, under headings that give the family or the kind:

    # basic-auth-url
    log_body - connecting to amqp://«user»:«plain»@«service»:5672/ failed

The first word is the place, the second the attribute's key (`-`: none), and the rest the value.
`⏎` stands for a new line and `⇥` for a tab. A mark may name what is done to the text before it is
set in: «password|q» percent-encodes it.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from urllib.parse import quote

from sensitive.personal import grouped, in_fours

MARK = re.compile(r"«([a-z0-9_]+)((?:\|[a-z0-9]+)*)»")
PLACES = (
    "baggage",
    "span_attribute",
    "span_name",
    "event",
    "link",
    "log_body",
    "log_attribute",
    "metric_label",
    "resource_attribute",
    "messaging_header",
)


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


CHANGES: dict[str, Callable[[str], str]] = {
    "q": _quoted,
    "j": _escaped,
    "b": lambda text: base64.b64encode(text.encode()).decode(),
    "line": lambda text: text.strip().replace("\n", " "),
    "crlf": lambda text: text.replace("\n", "\r\n"),
    "indent": lambda text: text.replace("\n", "\n    "),
    "cut": lambda text: text[: max(90, len(text) // 2)],
    "spaced": lambda text: grouped(text, " "),
    "dashed": lambda text: grouped(text, "-"),
    "fours": in_fours,
}


@dataclass(frozen=True)
class Template:
    """One line of a file of templates."""

    heading: str
    place: str
    key: str
    text: str

    def fill(
        self, rng: Random, fields: Mapping, hidden: Mapping | None = None
    ) -> tuple[str, tuple[str, ...]]:
        """The value, and what of it came from the fields that are `hidden`.

        What is hidden is told as it stands in the value, and as it was before it was encoded. A
        field may make a pair: a text, and what in it is hidden.
        """
        told: list[str] = []

        def one(mark: re.Match) -> str:
            name, changes = mark[1], mark[2].split("|")[1:]
            make = (hidden or {}).get(name)
            made = (make or fields[name])(rng)
            text, *decoded = made if isinstance(made, tuple) else (made,)
            shown = text
            for change in changes:
                shown = CHANGES[change](shown)
            if make:
                inner = [part for part in decoded if part in shown]
                told.extend(inner or (shown, text, *decoded))
            return shown

        return MARK.sub(one, self.text), tuple(dict.fromkeys(told))

    def marks(self) -> set[str]:
        return {mark[1] for mark in MARK.finditer(self.text)}

    def maker(self, fields: Mapping) -> Callable[[Random], str]:
        """The same without `hidden`, made ready to be called a million times."""
        pieces = MARK.split(self.text)
        fixed, calls = pieces[::3], []
        for name, changes in zip(pieces[1::3], pieces[2::3], strict=True):
            call = fields[name]
            for change in changes.split("|")[1:]:
                call = _then(call, CHANGES[change])
            calls.append(call)
        pattern = "%s".join(part.replace("%", "%%") for part in fixed)
        return lambda rng: pattern % tuple([call(rng) for call in calls])


def _then(first: Callable, second: Callable) -> Callable:
    return lambda rng: second(first(rng))


def _parsed(lines: Iterator[str]) -> Iterator[Template]:
    heading = ""
    for line in lines:
        if line.startswith("# "):
            heading = line[2:].strip()
        elif line.strip() and not line.startswith("//"):
            place, key, text = line.split(" ", 2)
            text = text.replace("⏎", "\n").replace("⇥", "\t")
            yield Template(heading, place, "" if key == "-" else key, text)


@cache
def read(name: str) -> tuple[Template, ...]:
    """The templates of a file in this folder, in their order."""
    path = Path(__file__).with_name("templates") / f"{name}.txt"
    return tuple(_parsed(iter(path.read_text(encoding="utf-8").split("\n"))))
