"""Finds the kinds of policy: the modules of `collector.evaluate.kinds`, and entry points.

A package adds kinds of its own through the entry-point group ``telemetry_auditor.kinds``:
the entry's name is the kind's name, its value the class.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from inspect import getdoc
from types import MappingProxyType

from collector.evaluate import kinds
from collector.evaluate.policy import AnyPolicy, Policy

GROUP = "telemetry_auditor.kinds"


class KindError(ValueError):
    """An extension that offers something else than a kind of policy."""


def _built_in() -> dict[str, type[AnyPolicy]]:
    found: dict[str, type[AnyPolicy]] = {}
    for module in pkgutil.iter_modules(kinds.__path__):
        found[module.name] = import_module(f"{kinds.__name__}.{module.name}").Kind
    return found


@cache
def known() -> Mapping[str, type[AnyPolicy]]:
    """Every kind by name.

    Raises:
        KindError: if an entry point names something else than a kind, or a name that is taken.
    """
    found = _built_in()
    for entry in entry_points(group=GROUP):
        kind = entry.load()
        if not (isinstance(kind, type) and issubclass(kind, Policy)):
            raise KindError(f"entry point {entry.name} ({entry.value}) is not a kind of policy")
        if entry.name in found:
            raise KindError(f"entry point {entry.name} ({entry.value}): the name is taken")
        found[entry.name] = kind
    return MappingProxyType(dict(sorted(found.items())))


def documentation(name: str) -> str:
    """The documentation of a kind: its module's docstring, or its class's own."""
    kind = known()[name]
    module_doc = getdoc(import_module(kind.__module__)) or ""
    return module_doc if kind.__module__.startswith(kinds.__name__) else getdoc(kind) or module_doc
