"""The Collector configurations on a real Collector, with real auditors behind it.

Not collected with the other tests, for the Collector is built from its modules, which takes some
minutes: make e2e-collector.
"""

import http.client
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import tools
import yaml
from prometheus_client.parser import text_string_to_metric_families
from stack import LOOPBACK, free_ports, get, until

from collector import testing

FOLDER = tools.ROOT / "deploy" / "collector"
#: Loopback too; the ports of the configurations are free there.
COLLECTOR = "127.0.0.2"
TRACES = 60
QUEUED = 200  # by the exporter of fan-out.yaml
SHOP = {
    "service": "shop",
    "repeat": TRACES,
    "spans": [{"trace": "t{i}", "id": "s{i}", "name": "GET /", "kind": "server"}],
}
CART = {"service": "cart", "logs": [{}], "metrics": [{"name": "m"}]}


class Auditor:
    """A real auditor, and what it has counted."""

    def __init__(self, start):
        self.grpc, admin = free_ports(2)
        self._admin = f"http://{LOOPBACK}:{admin}"
        start(
            *(sys.executable, "-m", "collector.cli", "run"),
            *("--grpc", f"{LOOPBACK}:{self.grpc}", "--http", "off"),
            *("--admin", f"{LOOPBACK}:{admin}"),
        )
        until(lambda: get(f"{self._admin}/readyz"))

    def items(self, signal):
        families = text_string_to_metric_families(get(f"{self._admin}/metrics"))
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == "telemetry_auditor_items_inspected_total"
            and sample.labels["signal"] == signal
        )


@pytest.fixture
def start(tmp_path):
    running = []

    def run(*command, **env):
        with (tmp_path / f"{len(running)}.log").open("wb") as log:
            running.append(
                subprocess.Popen(
                    [str(part) for part in command],
                    env=os.environ | env,
                    stdout=log,
                    stderr=log,
                    stdin=subprocess.DEVNULL,
                )
            )

    yield run
    for process in running:
        process.terminate()
    for process in running:
        process.wait(30)


def send(delivery):
    for signal, data in testing.requests(delivery):
        connection = http.client.HTTPConnection(COLLECTOR, 4318, timeout=10)
        headers = {"Content-Type": "application/x-protobuf"}
        connection.request("POST", f"/v1/{signal}", data, headers)
        assert connection.getresponse().status == 200
        connection.close()


def answers():
    try:
        get(f"http://{COLLECTOR}:4318/")
    except OSError as error:
        return getattr(error, "code", None) == 404
    return True


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yaml")), ids=lambda file: file.name)
def test_the_collector_takes_the_configuration(tool, run, file):
    env = os.environ | {"BACKEND_ENDPOINT": f"{LOOPBACK}:5317"}
    run(tool("otelcol"), "validate", "--config", file, env=env)


def test_the_collector_of_compose_takes_both_of_its_files(tool, run):
    files = (FOLDER / "fan-out.yaml", FOLDER.parent / "compose" / "collector.yaml")
    named = [word for file in files for word in ("--config", file)]
    run(tool("otelcol"), "validate", *named, env=os.environ | {"BACKEND_ENDPOINT": "a:1"})


def test_a_copy_of_everything_reaches_the_auditor(tool, start):
    backend, auditor = Auditor(start), Auditor(start)
    start(
        *(tool("otelcol"), "--config", FOLDER / "fan-out.yaml"),
        OTLP_HOST=COLLECTOR,
        BACKEND_ENDPOINT=f"{LOOPBACK}:{backend.grpc}",
        AUDITOR_ENDPOINT=f"{LOOPBACK}:{auditor.grpc}",
    )
    until(answers)

    send(SHOP)
    send(CART)

    for one in (backend, auditor):
        until(lambda one=one: one.items("traces") == TRACES)
        until(lambda one=one: one.items("logs") == one.items("metrics") == 1)


def test_an_auditor_that_hangs_is_felt_neither_by_the_sender_nor_by_the_backend(tool, start):
    backend = Auditor(start)
    with socket.create_server((LOOPBACK, 0)) as hanging:  # takes connections, answers nothing
        start(
            *(tool("otelcol"), "--config", FOLDER / "fan-out.yaml"),
            OTLP_HOST=COLLECTOR,
            BACKEND_ENDPOINT=f"{LOOPBACK}:{backend.grpc}",
            AUDITOR_ENDPOINT=f"{LOOPBACK}:{hanging.getsockname()[1]}",
        )
        until(answers)

        for _ in range(QUEUED + 60):
            send(CART)

    until(lambda: backend.items("logs") == QUEUED + 60)


def test_traces_are_shared_out_and_a_service_stays_in_one_place(tool, start, tmp_path):
    auditors = [Auditor(start), Auditor(start)]
    config = yaml.safe_load((FOLDER / "load-balancing.yaml").read_text())
    names = [f"{LOOPBACK}:{one.grpc}" for one in auditors]
    for exporter in config["exporters"].values():
        assert exporter["resolver"].keys() == {"dns"}
        exporter["resolver"] = {"static": {"hostnames": names}}  # two ports are no two addresses
    file = Path(tmp_path / "load-balancing.yaml")
    file.write_text(yaml.safe_dump(config))
    start(tool("otelcol"), "--config", file, OTLP_HOST=COLLECTOR)
    until(answers)

    send(SHOP)
    for _ in range(10):
        send(CART)

    until(lambda: sum(one.items("traces") for one in auditors) == TRACES)
    assert all(one.items("traces") for one in auditors)
    for signal in ("logs", "metrics"):
        until(lambda signal=signal: sum(one.items(signal) for one in auditors) == 10)
        assert sorted(one.items(signal) for one in auditors) == [0, 10]
