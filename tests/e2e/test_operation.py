"""The running program: metrics from zero, health, its own telemetry, signals, ports in use."""

import http.client
import json
import subprocess
import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from collector import testing


def send(auditor, delivery):
    for signal, data in testing.requests(delivery):
        connection = http.client.HTTPConnection(auditor.http, timeout=10)
        connection.request(
            "POST", f"/v1/{signal}", data, {"Content-Type": "application/x-protobuf"}
        )
        assert connection.getresponse().status == 200
        connection.close()


def test_every_policy_counts_from_zero_before_its_first_violation(start_auditor):
    auditor = start_auditor()

    samples = auditor.metrics()["telemetry_auditor_violations_total"]

    policies = {dict(key)["policy"] for key in samples}
    assert {"metric-label-cardinality", "secret-in-baggage", "retry-storm"} <= policies
    assert set(samples.values()) == {0.0}
    assert {dict(key)["service_name"] for key in samples} == {""}


def test_a_first_violation_raises_the_gauge_of_open_findings(start_auditor):
    auditor = start_auditor()

    send(auditor, {"service": "shop", "metrics": [{"name": "m", "labels": {"user.id": "1"}}]})

    labels = {"policy": "forbidden-metric-label", "service_name": "shop", "severity": "critical"}
    assert auditor.total("findings_open", **labels) == 1
    assert auditor.total("violations_total", **labels) == 1


def test_liveness_readiness_and_grpc_health(start_auditor):
    auditor = start_auditor()

    assert auditor.page("/livez")
    assert auditor.page("/readyz")
    with grpc.insecure_channel(auditor.grpc) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(), timeout=10
        )
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_findings_are_listed_where_that_is_switched_on(start_auditor):
    auditor = start_auditor(env={"TELEMETRY_AUDITOR_ADMIN_FINDINGS": "true"})
    assert json.loads(auditor.page("/findings")) == {"open": 0, "findings": []}

    send(auditor, {"service": "shop", "logs": [{"body": "password=9x!kQ2r7Zt"}]})

    told = json.loads(auditor.page("/findings?limit=1"))
    assert told["open"] >= 1
    (one,) = told["findings"]
    assert (one["service"], one["severity"]) == ("shop", "critical")
    assert "9x!kQ2r7Zt" not in str(told)
    assert auditor.total("bound_met_total", bound="admin_connections") == 0


def test_own_metrics_that_come_round_are_left_out(start_auditor):
    first = start_auditor()
    second = start_auditor(
        env={
            "TELEMETRY_AUDITOR_OTLP_ENDPOINT": f"http://{first.grpc}",
            "TELEMETRY_AUDITOR_OTLP_PROTOCOL": "grpc",
        }
    )
    send(second, {"service": "shop", "metrics": [{"name": "m", "labels": {"user.id": "1"}}]})

    assert second.stop() == 0

    assert first.total("requests_inspected_total", signal="metrics") >= 1
    assert first.total("own_items_total") > 10
    assert first.total("items_inspected_total") == 0
    assert first.total("violations_total") == 0


def test_a_port_in_use_is_said_and_ends_with_exit_code_2(start_auditor):
    auditor = start_auditor()
    command = [sys.executable, "-m", "collector.cli", "run", "--admin", "off"]

    for other in (
        ["--grpc", auditor.grpc, "--http", "off"],
        ["--http", auditor.http, "--grpc", "off"],
    ):
        ended = subprocess.run(
            [*command, *other], capture_output=True, text=True, timeout=60, check=False
        )

        assert ended.returncode == 2
        assert other[1] in ended.stderr
        assert "Traceback" not in ended.stderr


def test_what_is_proven_is_judged_at_the_end(start_auditor):
    auditor = start_auditor()
    send(auditor, {"service": "shop", "spans": [{"trace": "a"}]})
    send(auditor, {"service": "shop", "repeat": 30, "logs": [{"body": "line {i}"}]})

    assert auditor.stop() == 0

    found = auditor.findings()
    assert [key[0] for key in found] == ["logs-without-trace-id"]
    (finding,) = found.values()
    assert set(finding) >= {
        "policy", "kind", "severity", "signal", "service", "subject", "basis", "count",
        "first_seen", "last_seen", "trace_id", "summary", "evidence", "remedy",
    }  # fmt: skip


def test_bad_input_leaves_the_auditor_alive_and_keeps_the_good_items_beside_it(start_auditor):
    auditor = start_auditor()
    odd = {
        "service": "shop",
        "spans": [
            {"trace": "a", "id": "1", "parent": "1"},
            {"trace": "a", "id": "2", "parent": "3"},
            {"trace": "a", "id": "3", "parent": "2"},
            {"trace": "a", "id": "4", "start": 10.0**9, "duration": -5.0},
        ],
        "metrics": [{"name": "m", "labels": {"user.id": "1"}}],
    }

    send(auditor, odd)

    assert auditor.total("oddities_total", oddity="own_parent") == 1
    assert auditor.total("oddities_total", oddity="end_before_start") == 1
    assert auditor.total("violations_total", policy="forbidden-metric-label") == 1
    assert auditor.stop() == 0


def test_states_are_shown_as_gauges(start_auditor, steady_policies):
    auditor = start_auditor(
        "--policies", steady_policies, env={"TELEMETRY_AUDITOR_TRACES_WAIT_SECONDS": "0.1"}
    )
    labels = [{"name": "m", "labels": {"l": "{i}"}}]
    send(auditor, {"service": "shop", "repeat": 30, "metrics": labels})

    wanted = {"service_name": "shop", "metric": "m", "label": "l"}
    while auditor.total("metric_label_values", **wanted) != 30:
        assert auditor.page("/livez")
    assert auditor.stop() == 0


EXTENSION = """
from collector.demand import Demand
from collector.evaluate.policy import Meta, Options, Policy
from collector.violation import Severity, Signal


class Kind(Policy[Options]):
    \"\"\"Any log at all.\"\"\"

    meta = Meta((Signal.LOGS,), (Severity.INFO,), "1")

    def demand(self):
        return Demand(shapes=frozenset({Signal.LOGS}))

    def on_shape(self, count, now):
        yield self.violation(
            severity=Severity.INFO, signal=Signal.LOGS, service=count.shape.resource.service,
            subject="logs", summary="a log", count=count.items,
        )
"""


def test_limits_and_the_process_are_shown_before_anything_arrived(start_auditor):
    samples = start_auditor().metrics()

    limits = samples["telemetry_auditor_metric_label_values_limit"]
    assert limits == {(("severity", "warning"),): 500, (("severity", "critical"),): 10_000}
    assert samples["process_resident_memory_bytes"][()] > 1_000_000
    assert samples["process_start_time_seconds"][()] > 0


def test_an_address_that_is_open_to_everybody_is_warned_of(start_auditor, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("a-token-that-is-long-enough\n")
    given = ("--http", "0.0.0.0:0")

    assert "whoever reaches 0.0.0.0:0 may send telemetry" in start_auditor(*given).said
    guarded = start_auditor(*given, env={"TELEMETRY_AUDITOR_AUTH_TOKENS_FILE": str(tokens)})
    assert "whoever" not in guarded.said
    assert "whoever" not in start_auditor().said


def test_a_findings_file_that_cannot_be_written_is_named_before_anything_is_received(tmp_path):
    target = tmp_path / "absent" / "findings.jsonl"
    done = subprocess.run(
        [sys.executable, "-m", "collector.cli", "run", "--findings", str(target)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 2
    assert f"findings.file {target} cannot be written: No such file" in done.stderr
    assert "ready" not in done.stderr


def test_an_exemption_that_has_expired_is_warned_of_in_a_sentence(start_auditor, tmp_path):
    file = tmp_path / "expired.yaml"
    file.write_text(
        "exemptions:\n  - {policy: retry-storm, service: a, owner: team-a, reason: b, "
        "expires: 2020-01-01}\n"
    )

    said = start_auditor("--policies", file).said

    assert f"{file}:2" in said
    assert "expired on 2020-01-01" in said
    assert "Problem(" not in said


def test_a_kind_from_another_package_is_found_by_its_entry_point(start_auditor, tmp_path):
    package = tmp_path / "extension"
    (package / "any_log-1.dist-info").mkdir(parents=True)
    (package / "any_log.py").write_text(EXTENSION)
    (package / "any_log-1.dist-info" / "METADATA").write_text("Name: any-log\nVersion: 1\n")
    (package / "any_log-1.dist-info" / "entry_points.txt").write_text(
        "[telemetry_auditor.kinds]\nany_log = any_log:Kind\n"
    )
    policy = tmp_path / "mine.yaml"
    policy.write_text("policies:\n  - {id: any-log, kind: any_log, summary: s, remedy: r}\n")
    auditor = start_auditor("--policies", policy, env={"PYTHONPATH": str(package)})

    send(auditor, {"service": "shop", "repeat": 3, "logs": [{"body": "x", "trace": "a"}]})

    assert auditor.total("violations_total", policy="any-log", service_name="shop") == 3
