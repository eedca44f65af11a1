"""The configuration: defaults, file, variables, flags, and every mistake at once."""

import pytest
import yaml

from collector.config import Config, as_yaml, load, variables
from collector.problem import ProblemsError


def problems(path=None, environ=None, flags=None):
    with pytest.raises(ProblemsError) as refused:
        load(path, environ or {}, flags or {})
    return str(refused.value)


def test_without_anything_the_defaults_are_in_force():
    config = load(None, {"PATH": "/bin", "OTEL_SERVICE_NAME": "x"}, {})

    assert config == Config()
    assert config.grpc.address == "127.0.0.1:4317"
    assert config.http.max_bytes == 64 * 1024 * 1024


def test_flags_stand_above_variables_above_the_file(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("traces: {wait_seconds: 1, max_spans: 1}\ngrpc: {address: 'off'}\n")
    environ = {
        "TELEMETRY_AUDITOR_TRACES_WAIT_SECONDS": "2.5",
        "TELEMETRY_AUDITOR_GRPC_ADDRESS": "[::1]:1",
        "TELEMETRY_AUDITOR_POLICIES_PATHS": "a.yaml,b",
    }

    config = load(path, environ, {"grpc.address": "0.0.0.0:2"})

    assert (config.traces.wait_seconds, config.traces.max_spans) == (2.5, 1)
    assert config.grpc.address == "0.0.0.0:2"
    assert config.policies.paths == ("a.yaml", "b")


def test_every_key_has_a_variable_and_a_description():
    names = variables()

    for section, field in Config.model_fields.items():
        for key, inner in field.annotation.model_fields.items():
            assert f"TELEMETRY_AUDITOR_{section}_{key}".upper() in names
            assert inner.description


def test_all_mistakes_are_named_at_once_with_their_places(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("traces:\n  wait_second: 1\nlog:\n  level: loud\nhttp: {address: here}\n")

    said = problems(
        path,
        {"TELEMETRY_AUDITOR_GRPC_MAX_BYTES": "many", "TELEMETRY_AUDITOR_GRCP_ADDRESS": "off"},
        {"admin.address": "127.0.0.1:99999"},
    )

    for expected in (
        f"{path}:2:",
        "did you mean wait_seconds?",
        f"{path}:4:",
        "warning",
        f"{path}:5:",
        "TELEMETRY_AUDITOR_GRPC_MAX_BYTES",
        "did you mean TELEMETRY_AUDITOR_GRPC_ADDRESS?",
        "--admin",
        "65535",
    ):
        assert expected in said


def test_a_file_that_is_absent_or_no_yaml_is_a_problem(tmp_path):
    (tmp_path / "broken.yaml").write_text("a: [1\n")

    assert "absent.yaml" in problems(tmp_path / "absent.yaml")
    assert "broken.yaml:" in problems(tmp_path / "broken.yaml")


def test_what_is_printed_says_the_same_when_it_is_read_again(tmp_path):
    config = load(None, {}, {"findings.file": "-", "traces.wait_seconds": 3})
    path = tmp_path / "printed.yaml"
    path.write_text(as_yaml(config))

    assert load(path, {}, {}) == config
    assert yaml.safe_load(path.read_text())["traces"]["wait_seconds"] == 3
