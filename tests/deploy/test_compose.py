"""`deploy/compose.yaml`, as far as it can be judged without a container engine."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import tools
import yaml

DEPLOY = tools.ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
_TAG = re.compile(r".+:v?\d+\.\d+\.\d+")


def mounts(service):
    for text in SERVICES[service].get("volumes", ()):
        source, target, *_ = text.split(":")
        yield source, target


def test_it_is_what_the_specification_allows(tool):
    schema = json.loads(Path(tool("compose-schema")).read_text())

    jsonschema.validate(COMPOSE, schema)


@pytest.mark.parametrize("service", SERVICES)
def test_images_are_pinned_hardened_and_published_on_loopback_alone(service):
    said = SERVICES[service]

    assert _TAG.fullmatch(said["image"])
    assert said["read_only"] is True
    assert said["cap_drop"] == ["ALL"]
    assert all(port.startswith("127.0.0.1:") for port in said.get("ports", ()))


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_mounted_is_there(service):
    for source, _ in mounts(service):
        if source.startswith("."):
            assert (DEPLOY / source).exists(), source
        else:
            assert source in COMPOSE["volumes"]


@pytest.mark.parametrize("service", SERVICES)
def test_files_that_a_command_names_are_mounted(service):
    words = " ".join(SERVICES[service].get("command", ()))
    targets = [target for _, target in mounts(service)]
    for path in re.findall(r"(?<![\w.])/(?:etc|demo)/[\w./-]+", words):
        assert any(path == one or path.startswith(f"{one}/") for one in targets), path


def test_services_call_each_other_by_the_names_they_have():
    texts = [
        (DEPLOY / "compose" / name).read_text() for name in ("prometheus.yaml", "tracing.yaml")
    ]
    texts.append((DEPLOY / "grafana/provisioning/datasources/prometheus.yaml").read_text())
    texts.append(json.dumps([one.get("environment", {}) for one in SERVICES.values()]))
    called = set(re.findall(r"\b([a-z]+):(?:4317|4318|9464|9090|9093|16686)\b", "\n".join(texts)))

    assert called == {"auditor", "collector", "prometheus", "alertmanager", "jaeger"}
    assert called <= set(SERVICES)


def test_prometheus_takes_its_configuration_and_names_the_job_that_the_rules_know(tool, run):
    file = DEPLOY / "compose" / "prometheus.yaml"

    run(tool("promtool"), "check", "config", file)
    (scrape,) = yaml.safe_load(file.read_text())["scrape_configs"]
    assert scrape["job_name"] == "telemetry-auditor"


def test_exemplars_lead_to_the_data_source_of_traces():
    (tracing,) = yaml.safe_load((DEPLOY / "compose/tracing.yaml").read_text())["datasources"]
    provisioned = DEPLOY / "grafana/provisioning/datasources/prometheus.yaml"
    (prometheus,) = yaml.safe_load(provisioned.read_text())["datasources"]
    (destination,) = prometheus["jsonData"]["exemplarTraceIdDestinations"]

    assert destination["datasourceUid"] == tracing["uid"]
