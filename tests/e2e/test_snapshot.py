"""Windows of an hour survive a restart, and a broken snapshot stops nothing."""

from __future__ import annotations

import urllib.request

from collector import testing


def post(auditor, first):
    delivery = {
        "service": "shop",
        "repeat": 300,
        "metrics": [{"name": "orders", "labels": {"id": f"{first}-{{i}}"}}],
    }
    for name, body in testing.requests(delivery):
        request = urllib.request.Request(
            f"http://{auditor.http}/v1/{name}", body, {"Content-Type": "application/x-protobuf"}
        )
        urllib.request.urlopen(request, timeout=10).close()


def found(auditor):
    return "metric-label-cardinality" in {policy for policy, _, _ in auditor.findings()}


def test_counts_go_on_after_a_restart(start_auditor, tmp_path, steady_policies):
    env = {"TELEMETRY_AUDITOR_SNAPSHOT_FILE": str(tmp_path / "state")}
    first = start_auditor("--policies", steady_policies, env=env)
    post(first, "a")
    assert first.stop() == 0
    assert not found(first)

    second = start_auditor("--policies", steady_policies, env=env)
    post(second, "b")

    assert second.stop() == 0
    assert "goes on" in second.said
    assert found(second)


def test_a_broken_snapshot_is_set_aside(start_auditor, tmp_path):
    state = tmp_path / "state"
    state.write_bytes(b"not a snapshot")

    auditor = start_auditor(env={"TELEMETRY_AUDITOR_SNAPSHOT_FILE": str(state)})

    post(auditor, "a")
    assert auditor.stop() == 0
    assert "set" in auditor.said or "not used" in auditor.said
    assert (tmp_path / "state.broken").read_bytes() == b"not a snapshot"
    assert state.exists()


def test_a_disk_that_is_full_costs_a_count(start_auditor):
    env = {
        "TELEMETRY_AUDITOR_SNAPSHOT_FILE": "/dev/full/state",
        "TELEMETRY_AUDITOR_SNAPSHOT_INTERVAL_SECONDS": "0.1",
    }
    auditor = start_auditor(env=env)
    post(auditor, "a")

    while not auditor.total("bound_met_total", bound="snapshots_failed"):
        pass
    post(auditor, "b")
    assert auditor.total("requests_inspected_total") == 2
    assert auditor.stop() == 0
