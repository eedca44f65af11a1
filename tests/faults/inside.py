"""Faults inside the auditor, and of what stands beside it."""

from __future__ import annotations

import socket

from conformance.samples import JSON, as_json, as_protobuf, span
from faults.outside import kind
from faults.scene import Scene, Unbalanced, until
from faults.table import fault

_PIPE = 100  # findings are more than a pipe of 64 KiB holds


def _send(scene: Scene, requests: int) -> None:
    for _ in range(requests):
        for signal in ("traces", "logs", "metrics"):
            if scene.post(signal, as_protobuf(signal)) != 200:
                raise Unbalanced("telemetry is refused")


def _plant(scene: Scene, number: int) -> bool:
    """Send a span with a secret of its own; whether it was taken."""
    attributes = [{"key": f"password{number}", "value": {"stringValue": f"9x!kQ2r7Zt{number}"}}]
    return scene.post("traces", as_json("traces", span(attributes=attributes)), JSON) == 200


def _unwritable(scene: Scene) -> None:
    """What cannot be written is counted, and telemetry is taken all the same."""
    for number in range(scene.many(100, 10)):
        if not _plant(scene, number):
            raise Unbalanced("telemetry waits for a disk")
    until(
        lambda: scene.metric("bound_met_total", bound="findings_lines") > 0,
        "lost findings are not counted",
    )
    until(
        lambda: scene.metric("bound_met_total", bound="snapshots_failed") > 0,
        "failed snapshots are not counted",
    )


@fault("a policy that raises on every item", env=kind("raises", "raise OSError(now)"))
def _(scene: Scene) -> None:
    scene.expects_errors = True
    _send(scene, scene.many(300, 20))
    if not scene.metric("policy_errors_total", policy="outside"):
        raise Unbalanced("its failures are not counted")


@fault("a policy that is slow", env=kind("is slow", "time.sleep(0.02); return ()"))
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
    _unwritable(scene)


@fault("a disk that becomes read-only, under findings and snapshot")
def _(scene: Scene) -> None:
    folder = scene.folder() / "disk"
    folder.mkdir()
    scene.replace(
        {
            "findings": {"file": str(folder / "findings.jsonl"), "rotate_bytes": 1000},
            "snapshot": {"file": str(folder / "state"), "interval_seconds": 0.1},
        }
    )
    # Root may write to a folder that forbids it, but nobody into one that is none.
    folder.rename(folder.with_name("elsewhere"))
    folder.write_text("no folder")
    _unwritable(scene)


@fault("nobody reads what is written", config={"findings": {"file": "-"}})
def _(scene: Scene) -> None:
    for number in range(scene.many(2_000, 400)):  # a pipe takes some 60 findings
        if not _plant(scene, number):
            raise Unbalanced("telemetry waits for a reader")
    if scene.metric("findings_open") < _PIPE:
        raise Unbalanced("the pipe never filled: the fault was none")


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
