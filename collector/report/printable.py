"""Text of a sender written so that it stays text: no new line, no command to a terminal.

Names of services and attributes come from whoever sends. A terminal takes some characters in them
for commands, an editor for a change of direction, and a reader of lines for the end of one.
"""

from __future__ import annotations

import json
from typing import Any


def one_line(text: str) -> str:
    """The text with a blank in the place of all that is not to be seen."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else " " for one in text)


def as_json(value: Any) -> str:  # noqa: ANN401 (whatever JSON can say)
    """One line of JSON in which only what can be seen stands as it is."""
    text = json.dumps(value, ensure_ascii=False)
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in text)
