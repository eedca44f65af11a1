"""Settings come from defaults, a file, the environment and flags, in this order."""

import pytest
import yaml

from collector.config import Config
from collector.configload import FILE_VARIABLE, as_yaml, keys, load, variable
from collector.problem import ProblemsError

WAIT = "TELEMETRY_AUDITOR_TRACES_WAIT_SECONDS"


@pytest.fixture
def write(tmp_path):
    def writer(text):
        file = tmp_path / "auditor.yaml"
        file.write_text(text)
        return file

    return writer


def mistakes(*arguments):
    with pytest.raises(ProblemsError) as caught:
        load(*arguments)
    return caught.value.problems


def test_nothing_needs_to_be_configured_and_listeners_are_local():
    config = load()

    assert config == Config()
    assert config.grpc.address == "127.0.0.1:4317"
    assert config.http.address == "127.0.0.1:4318"
    assert config.admin.address == "127.0.0.1:9464"


def test_flags_go_before_the_environment_before_the_file_before_defaults(write):
    file = write("traces: {wait_seconds: 1, max_spans: 10, max_spans_per_trace: 5}\n")
    environ = {WAIT: "2", "TELEMETRY_AUDITOR_TRACES_MAX_SPANS": "20"}

    config = load(file, environ, {"traces.wait_seconds": 3, "grpc.address": None})

    assert (config.traces.wait_seconds, config.traces.max_spans) == (3, 20)
    assert config.traces.max_spans_per_trace == 5
    assert config.source("traces", "wait_seconds") == "flag --traces-wait-seconds"
    assert config.source("traces", "max_spans").endswith("TELEMETRY_AUDITOR_TRACES_MAX_SPANS")
    assert config.source("traces", "max_spans_per_trace") == f"{file}:1"
    assert config.source("grpc", "address") == "default"


def test_every_key_has_a_variable_of_its_own_and_says_what_it_means():
    found = list(keys())

    assert len({variable(key) for key, _ in found}) == len(found)
    assert [key for key, field in found if not field.description] == []


EXAMPLES = {
    "endpoint": "http://127.0.0.1:4317",
    "drain_seconds": "5",
    "overload_unready": "true",
    "max_memory_bytes": "1000000",
    "headers": "x-tenant=shop,x-from=auditor",
    "pass_headers": "authorization",
    "enabled": "true",
    "findings": "true",
}
NEEDED_BY = {
    "certificate_file": ["key_file"],
    "key_file": ["certificate_file"],
    "client_ca_file": ["certificate_file", "key_file"],
}


@pytest.mark.parametrize(("section", "name"), [key for key, _ in keys()])
def test_every_key_can_be_set_by_its_variable(section, name):
    value = getattr(getattr(Config(), section), name)
    if isinstance(value, tuple) and value:
        value = ",".join(value)
    text = EXAMPLES.get(name) or str(value or "/x").lower()

    companions = {variable((section, other)): "/y" for other in NEEDED_BY.get(name, ())}
    config = load(None, companions | {variable((section, name)): text})

    assert config.source(section, name) == f"environment variable {variable((section, name))}"


def test_lists_are_split_at_commas():
    config = load(None, {"TELEMETRY_AUDITOR_POLICIES_PATHS": "a.yaml,b"})

    assert config.policies.paths == ("a.yaml", "b")


def test_an_empty_variable_counts_as_not_set():
    assert load(None, {WAIT: ""}) == Config()


def test_a_variable_that_sets_nothing_is_a_mistake_with_what_was_meant():
    (problem,) = mistakes(None, {"TELEMETRY_AUDITOR_TRACES_WAIT": "2"})

    assert problem.suggestion == WAIT
    assert problem.place == "environment variable TELEMETRY_AUDITOR_TRACES_WAIT"


@pytest.mark.parametrize(
    "name",
    [
        "TELEMETRY_AUDITOR_SERVICE_HOST",
        "TELEMETRY_AUDITOR_SERVICE_PORT",
        "TELEMETRY_AUDITOR_SERVICE_PORT_OTLP_GRPC",
        "TELEMETRY_AUDITOR_PORT",
        "TELEMETRY_AUDITOR_PORT_4317_TCP",
        "TELEMETRY_AUDITOR_PORT_4317_TCP_ADDR",
        "TELEMETRY_AUDITOR_PORT_4317_TCP_PORT",
        "TELEMETRY_AUDITOR_PORT_4317_TCP_PROTO",
        "TELEMETRY_AUDITOR_HEADLESS_SERVICE_HOST",
        FILE_VARIABLE,
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "PATH",
    ],
)
def test_variables_of_others_change_nothing(name):
    assert load(None, {name: "tcp://10.0.0.1:4317"}) == Config()


def test_no_setting_looks_like_a_variable_of_kubernetes():
    environ = {variable(key): "no value for any of them \x00" for key, _ in keys()}

    assert len(mistakes(None, environ)) > 20


def test_every_mistake_is_named_where_it_was_made(write):
    file = write("traces:\n  wait_secnds: 1\n  max_spans: 0\nlogg: {}\nlog: {level: loud}\n")
    environ = {"TELEMETRY_AUDITOR_GRPC_MAX_BYTES": "many"}
    flags = {"http.address": "nowhere", "admin.adress": "off"}

    found = {one.place: one for one in mistakes(file, environ, flags)}

    assert found[f"{file}:2:3"].suggestion == "wait_seconds"
    assert "greater than or equal to 1" in found[f"{file}:3:14"].allowed[0]
    assert found[f"{file}:4:1"].suggestion == "log"
    assert "debug" in found[f"{file}:5:14"].allowed
    assert "integer" in found["environment variable TELEMETRY_AUDITOR_GRPC_MAX_BYTES"].allowed[0]
    assert "HOST:PORT, [IPV6]:PORT, unix:/PATH" in found["flag --http-address"].message
    assert found["flag --admin-adress"].suggestion == "address"
    assert len(found) == 7


@pytest.mark.parametrize(
    "address", ["127.0.0.1:0", "localhost:65535", "[::1]:4317", "0.0.0.0:1", "off"]
)
def test_an_address_is_a_host_with_a_port_or_off(write, address):
    assert load(None, {}, {"grpc.address": address}).grpc.address == address
    assert load(write(f"grpc: {{address: '{address}'}}\n")).grpc.address == address


@pytest.mark.parametrize(
    "address", ["", ":4317", "4317", "localhost", "::1:4317", "h:65536", "h:-1", "h:1\n", "on"]
)
def test_anything_else_is_no_address(address):
    assert mistakes(None, {}, {"grpc.address": address})


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan"), 1e9])
def test_times_are_positive_and_end(seconds):
    assert mistakes(None, {}, {"traces.wait_seconds": seconds})


def test_a_listener_is_switched_off_without_quotes(write):
    assert load(write("grpc:\n  address: off\n")).grpc.address == "off"


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "{}\n", "grpc:\n", "grpc:\n  # all off\nlog:\n"]
)
def test_empty_files_and_sections_are_defaults(write, text):
    assert load(write(text)) == Config()


@pytest.mark.parametrize("text", ["[]\n", "text\n", "grpc: 3\n", "grpc: []\n"])
def test_what_is_no_mapping_is_a_mistake(write, text):
    assert mistakes(write(text))[0].line == 1


def test_a_variable_cannot_hide_that_a_section_of_the_file_is_wrong(write):
    assert mistakes(write("traces: 3\n"), {WAIT: "2"})[0].line == 1


def test_a_listener_is_needed_and_where_none_was_left_is_told(write):
    assert load(None, {}, {"http.address": "off"}).grpc.address != "off"
    both = {"grpc.address": "off", "http.address": "off"}
    with pytest.raises(ProblemsError) as found:
        load(None, {}, both)
    told = "grpc.address and http.address are both off: nothing is received"
    assert [one.render() for one in found.value.problems] == [f"the configuration: {told}"]
    file = write("http: {address: 'off'}\ngrpc: {address: 'off'}\n")
    assert f"{file}:1:1: {told}" in mistakes(file)[0].render()


def test_what_is_printed_can_be_loaded_again(write):
    flags = {
        "grpc.address": "[::1]:4317",
        "http.address": "off",
        "policies.paths": ["a b.yaml", "c: d"],
        "otlp.endpoint": "http://c:4317",
        "secrets.fingerprint_key_file": "/run/key",
    }
    config = load(None, {WAIT: "2"}, flags)

    text = as_yaml(config)

    assert load(write(text)).model_dump() == config.model_dump()
    assert "from a trace's first span" in text
    assert f"# environment variable {WAIT}" in text
    assert set(yaml.safe_load(text)) == set(Config.model_fields)


def test_a_file_that_is_absent_or_no_yaml_is_a_mistake(write, tmp_path):
    assert "no such file" in mistakes(tmp_path / "absent.yaml")[0].message
    assert mistakes(write("a: [1\n"))[0].line in (1, 2)
