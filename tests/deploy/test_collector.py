"""The Collector configurations, as far as they can be judged without a Collector."""

import pytest
import tools
import yaml

FILES = sorted((tools.ROOT / "deploy" / "collector").glob("*.yaml"))
SIGNALS = {"traces", "metrics", "logs"}


@pytest.fixture(params=FILES, ids=lambda file: file.name)
def config(request):
    return yaml.safe_load(request.param.read_text())


def test_every_signal_goes_to_the_auditor_and_meets_nothing_that_hides_telemetry(config):
    pipelines = config["service"]["pipelines"]
    audited = {
        name.partition("/")[0]
        for name, pipeline in pipelines.items()
        if any("backend" not in one for one in pipeline["exporters"])
    }

    assert audited == SIGNALS
    for pipeline in pipelines.values():
        assert set(pipeline["processors"]) <= {"memory_limiter", "batch/auditor"}


def test_what_is_defined_is_used_and_what_is_used_is_defined(config):
    for kind in ("receivers", "processors", "exporters"):
        used = {
            one for pipeline in config["service"]["pipelines"].values() for one in pipeline[kind]
        }
        assert used == set(config[kind])


def test_traces_are_shared_out_by_trace_and_the_rest_by_service():
    (file,) = [one for one in FILES if one.stem == "load-balancing"]
    config = yaml.safe_load(file.read_text())
    keys = {
        signal: config["exporters"][pipeline["exporters"][0]]["routing_key"]
        for signal, pipeline in config["service"]["pipelines"].items()
    }

    assert keys == {"traces": "traceID", "metrics": "service", "logs": "service"}


def test_errors_of_the_auditor_end_before_they_reach_the_receiver_of_the_backend():
    (file,) = [one for one in FILES if one.stem == "fan-out"]
    config = yaml.safe_load(file.read_text())

    for pipeline in config["service"]["pipelines"].values():
        assert len(pipeline["exporters"]) == 1
        if "auditor" in pipeline["exporters"][0]:
            assert pipeline["processors"] == ["batch/auditor"]
