"""Kinds of policy from outside, installed for one auditor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

_KIND = '''
"""A kind that {what}."""

import os
import time

from collector.demand import Demand
from collector.evaluate.policy import Meta, Policy
from collector.violation import Severity, Signal
from collector.views import Place


class Outside(Policy):
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0")

    def demand(self):
        return Demand(shapes=frozenset(Signal), places=frozenset(Place), series=True)

    def on_shape(self, seen, now):
        {on_shape}

    def on_value(self, seen, now):
        {on_value}

    on_series = on_shape
'''
_POLICY = """
pack: outside
summary: Of this test.
policies:
  - {id: outside, kind: outside, severity: warning, summary: It is outside., remedy: Mend it.}
"""


def kind(
    what: str, on_value: str, on_shape: str | None = None
) -> Callable[[Path], Mapping[str, str]]:
    """An environment in which a kind from outside is installed and used.

    Args:
        what: it does, in words.
        on_value: what it does with a value, in a line of Python.
        on_shape: and with a shape or a series; without it the same.
    """

    def install(folder: Path) -> Mapping[str, str]:
        text = _KIND.format(what=what, on_value=on_value, on_shape=on_shape or on_value)
        (folder / "outside_kind.py").write_text(text)
        about = folder / "outside-1.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: outside\nVersion: 1\n")
        (about / "entry_points.txt").write_text(
            "[telemetry_auditor.kinds]\noutside = outside_kind:Outside\n"
        )
        (folder / "outside.yaml").write_text(_POLICY)
        paths = ":".join([str(folder), str(Path(__file__).resolve().parents[2])])
        return {
            "PYTHONPATH": paths,
            "TELEMETRY_AUDITOR_POLICIES_PATHS": str(folder / "outside.yaml"),
            "WITNESS_FILE": str(folder / "witness"),
        }

    return install
