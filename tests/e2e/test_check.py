"""`telemetry-auditor check`: a gate for continuous integration."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("program.py")
CLEAN = """
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
with provider.get_tracer("shop").start_as_current_span("GET /"):
    pass
provider.shutdown()
"""


def check(*arguments):
    command = [sys.executable, "-m", "collector.cli", "check", "--protocol", "grpc"]
    return subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )


def test_a_clean_program_passes():
    ended = check("--", sys.executable, "-c", CLEAN)

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_findings_fail_it_and_are_shown():
    ended = check("--", sys.executable, PROGRAM, "grpc", "from-environment")

    assert ended.returncode == 1, ended.stdout + ended.stderr
    for policy in ("secret-in-baggage", "liveness-calls-dependency", "logs-without-trace-id"):
        assert policy in ended.stdout
    assert "".join(reversed("9x!kQ2r7Zt")) not in ended.stdout + ended.stderr


@pytest.mark.parametrize(("fail_on", "code"), [("warning", 1), ("critical", 0)])
def test_only_findings_of_the_severity_fail_it(fail_on, code):
    personal = CLEAN.replace(
        '("GET /")', '("GET /", attributes={"to": "jane.doe@mail.example.org"})'
    )

    ended = check("--fail-on", fail_on, "--", sys.executable, "-c", personal)

    assert ended.returncode == code, ended.stdout + ended.stderr


def test_names_of_services_are_no_commands_to_a_terminal():
    named = CLEAN.replace('"shop"})', repr("\x1b[2J\x1b]0;t\x07\nshop\x9b31m") + "})").replace(
        '("GET /")', '("GET /", attributes={"to": "jane.doe@mail.example.org"})'
    )

    ended = check("--", sys.executable, "-c", named)

    assert "shop" in ended.stdout
    assert all(line.isprintable() for line in ended.stdout.split("\n"))


def test_no_telemetry_is_an_error_and_not_a_pass():
    ended = check("--", sys.executable, "-c", "pass")

    assert ended.returncode == 2
    assert "no telemetry" in (ended.stdout + ended.stderr).lower()


def test_no_telemetry_in_the_time_given_is_an_error():
    assert check("--seconds", "0.2").returncode == 2


def test_a_command_that_fails_is_an_error():
    assert check("--", sys.executable, "-c", CLEAN + "\nraise SystemExit(3)").returncode == 2


def test_a_command_that_does_not_exist_is_an_error():
    assert check("--", "no-such-command-anywhere").returncode == 2
