"""Faults inside the auditor, and of what stands beside it."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path

from conformance.samples import JSON, as_json, as_protobuf, span
from faults.scene import Scene, Unbalanced, until
from faults.table import fault

_KIND = '''
"""A kind that {what}."""

import time

from collector.demand import Demand
from collector.evaluate.policy import Meta, Policy
from collector.violation import Severity, Signal
from collector.views import Place


class Faulty(Policy):
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0")

    def demand(self):
        return Demand(shapes=frozenset(Signal), places=frozenset(Place), series=True)

    def on_shape(self, count, now):
        {does}

    on_value = on_series = on_shape
'''
_POLICY = """
pack: faulty
summary: Of this test.
policies:
  - {id: faulty, kind: faulty, severity: warning, summary: It is faulty., remedy: Mend it.}
"""


def _faulty(what: str, does: str) -> Mapping[str, str]:
    """An environment in which a kind from outside is installed and used."""
    folder = Path(tempfile.mkdtemp(prefix="faulty-"))
    (folder / "faulty_kind.py").write_text(_KIND.format(what=what, does=does))
    about = folder / "faulty-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty\nVersion: 1\n")
    (about / "entry_points.txt").write_text(
        "[telemetry_auditor.kinds]\nfaulty = faulty_kind:Faulty\n"
    )
    (folder / "faulty.yaml").write_text(_POLICY)
    paths = ":".join([str(folder), str(Path(__file__).resolve().parents[2])])
    return {"PYTHONPATH": paths, "TELEMETRY_AUDITOR_POLICIES_PATHS": str(folder / "faulty.yaml")}


def _send(scene: Scene, requests: int) -> None:
    for _ in range(requests):
        for signal in ("traces", "logs", "metrics"):
            if scene.post(signal, as_protobuf(signal)) != 200:
                raise Unbalanced("telemetry is refused")


@fault("a policy that raises on every item", env=lambda: _faulty("raises", "raise OSError(now)"))
def _(scene: Scene) -> None:
    scene.expects_errors = True
    _send(scene, scene.many(300, 20))
    if not scene.metric("policy_errors_total", policy="faulty"):
        raise Unbalanced("its failures are not counted")


@fault("a policy that is slow", env=lambda: _faulty("is slow", "time.sleep(0.02); return ()"))
def _(scene: Scene) -> None:
    _send(scene, scene.many(100, 10))
    status, _ = scene.program.page("/livez")
    if status != 200:
        raise Unbalanced("/livez fails")


@fault("a disk that is full, under findings and snapshot", config={
    "findings": {"file": "/dev/full"},
    "snapshot": {"file": "/dev/full/state", "interval_seconds": 0.1},
})  # fmt: skip
def _(scene: Scene) -> None:
    for number in range(scene.many(100, 10)):
        attributes = [{"key": f"password{number}", "value": {"stringValue": f"9x!kQ2r7Zt{number}"}}]
        scene.post("traces", as_json("traces", span(attributes=attributes)), JSON)
    until(
        lambda: scene.metric("bound_met_total", bound="findings_lines") > 0,
        "lost findings are not counted",
    )
    until(
        lambda: scene.metric("bound_met_total", bound="snapshots_failed") > 0,
        "failed snapshots are not counted",
    )


@fault("nobody reads what is written", config={"findings": {"file": "-"}})
def _(scene: Scene) -> None:
    for number in range(scene.many(2_000, 200)):
        key = f"password{number}"
        attributes = [{"key": key, "value": {"stringValue": "9x!kQ2r7Zt"}} for _ in range(2)]
        if scene.post("traces", as_json("traces", span(attributes=attributes)), JSON) != 200:
            raise Unbalanced("telemetry waits for a reader")


def _closed_port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}"


@fault("the target of pushed metrics is down", config={
    "otlp": {"endpoint": _closed_port(), "interval_seconds": 0.2, "timeout_seconds": 0.2},
})  # fmt: skip
def _(scene: Scene) -> None:
    _send(scene, scene.many(200, 20))


@fault("the next hop is down", config={"forward": {"endpoint": _closed_port()}})
def _(scene: Scene) -> None:
    for _ in range(scene.many(200, 20)):
        status = scene.post("traces", as_protobuf("traces"))
        if status != 503:
            raise Unbalanced(f"answered {status}, not 503")
    if scene.metric("requests_inspected_total") != scene.metric("requests_received_total"):
        raise Unbalanced("what is not taken by the next hop is not inspected")
