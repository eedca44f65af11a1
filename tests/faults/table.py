"""Every fault, with what is set up for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faults.scene import Scene


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: in a few words.
        try_it: sends, and breaks; the books are checked after it.
        config: sections of the auditor's configuration.
        grown_mib: that memory may grow by.
        env: of the auditor, made in a folder.
    """

    name: str
    try_it: Callable[[Scene], None]
    config: Mapping[str, Any]
    grown_mib: int
    env: Callable[[Path], Mapping[str, str]]


FAULTS: list[Fault] = []


def fault(
    name: str,
    *,
    config: Mapping[str, Any] | None = None,
    grown_mib: int = 256,
    env: Callable[[Path], Mapping[str, str]] = lambda _: {},
) -> Callable[[Callable[[Scene], None]], Callable[[Scene], None]]:
    """Add a function to the table."""

    def add(try_it: Callable[[Scene], None]) -> Callable[[Scene], None]:
        FAULTS.append(Fault(name, try_it, config or {}, grown_mib, env))
        return try_it

    return add
