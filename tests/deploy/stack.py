"""The auditor, Prometheus and Alertmanager as real processes on loopback, and who is alerted."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import tools
import yaml

LOOPBACK = "127.0.0.1"
DEPLOY = tools.ROOT / "deploy"
T = TypeVar("T")

# Short windows, so that what has stopped is forgotten within the test.
POLICIES = """
pack: monitoring
summary: Short windows.
overrides:
  - policy: retry-storm
    options: {window_seconds: 2, hold_seconds: 4, min_originals: 10, critical_rate: 5}
  - policy: logs-without-trace-id
    options: {window_seconds: 4, min_records: 10}
  - policy: metric-label-cardinality
    options: {window_seconds: 30, growth_seconds: 5}
  - policy: forbidden-metric-label
    options: {step_seconds: 5}
"""
CONFIG = """
traces: {wait_seconds: 2}
decode: {series_refresh_seconds: 5}
findings: {fold_seconds: 20}
"""


def free_ports(count: int) -> list[int]:
    """Ports on which nothing listens."""
    sockets = [socket.create_server((LOOPBACK, 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def get(url: str, **parameters: Any) -> Any:
    """What an HTTP API answers, read as JSON where it is."""
    query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
    with urllib.request.urlopen(f"{url}{query}", timeout=10) as answer:
        body = answer.read().decode()
    return json.loads(body) if body.startswith(("{", "[")) else body


class Receiver:
    """Takes Alertmanager's webhooks, and keeps the last state of each alert by its labels."""

    def __init__(self) -> None:
        self.alerts: dict[tuple[str, str], tuple[str, str]] = {}
        self._changed = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.take(self.path.strip("/"), json.loads(body)["alerts"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self.url = f"http://{LOOPBACK}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, route: str, alerts: list[dict[str, Any]]) -> None:
        """Note what a webhook says."""
        with self._changed:
            for one in alerts:
                labels = one["labels"]
                if labels["severity"] == "critical":
                    key = labels["alertname"], labels.get("service_name", "")
                    self.alerts[key] = (one["status"], route)
            self._changed.notify_all()

    def wait(self, satisfied: Callable[[], bool], seconds: float) -> bool:
        """Whether a condition on the alerts came true in time."""
        with self._changed:
            return self._changed.wait_for(satisfied, seconds)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def until(ask: Callable[[], T], seconds: float = 60.0) -> T:
    """The first answer that is one; a service that does not listen yet is asked again."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if answer := ask():
                return answer
        except OSError:
            pass
        assert time.monotonic() < deadline, f"no answer in {seconds:g} s"
        time.sleep(0.2)


class Stack:
    """Everything between telemetry and whoever is woken by it.

    Args:
        folder: for configuration, logs and data.
        prometheus: the program.
        alertmanager: the program.
    """

    def __init__(self, folder: Path, prometheus: str, alertmanager: str) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        grpc, http, admin, prometheus_port, alertmanager_port = free_ports(5)
        self.endpoints = {
            "grpc": f"http://{LOOPBACK}:{grpc}",
            "http/protobuf": f"http://{LOOPBACK}:{http}",
        }
        self.admin = f"http://{LOOPBACK}:{admin}"
        self.prometheus = f"http://{LOOPBACK}:{prometheus_port}"
        self.receiver = Receiver()
        self._auditor(grpc, http, admin)
        self._alertmanager(alertmanager, alertmanager_port)
        self._prometheus(prometheus, prometheus_port, admin, alertmanager_port)

    def _write(self, name: str, content: object) -> Path:
        path = self._folder / name
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return path

    def _start(self, name: str, *command: object) -> None:
        with (self._folder / f"{name}.log").open("wb") as log:
            self._processes.append(
                subprocess.Popen(
                    [str(part) for part in command],
                    cwd=self._folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            )

    def _auditor(self, grpc: int, http: int, admin: int) -> None:
        self._start(
            "auditor",
            *(sys.executable, "-m", "collector.cli", "run"),
            *("--config", self._write("auditor.yaml", CONFIG)),
            *("--policies", self._write("policies.yaml", POLICIES)),
            *("--grpc", f"{LOOPBACK}:{grpc}", "--http", f"{LOOPBACK}:{http}"),
            *("--admin", f"{LOOPBACK}:{admin}"),
        )
        until(lambda: get(f"{self.admin}/readyz"))

    def _alertmanager(self, program: str, port: int) -> None:
        """The shipped example, with its receivers led here and its waits cut to seconds."""
        config = yaml.safe_load((DEPLOY / "alerts" / "alertmanager.yaml").read_text())
        for receiver in config["receivers"]:
            for hook in receiver.get("webhook_configs", ()):
                hook["url"] = f"{self.receiver.url}/{receiver['name']}"
        for route in _routes(config["route"]):
            route |= {"group_wait": "1s", "group_interval": "2s"}
        self._start(
            "alertmanager",
            program,
            f"--config.file={self._write('alertmanager.yaml', config)}",
            f"--storage.path={self._folder / 'alertmanager'}",
            f"--web.listen-address={LOOPBACK}:{port}",
            "--cluster.listen-address=",
        )
        until(lambda: get(f"http://{LOOPBACK}:{port}/-/ready"))

    def _prometheus(self, program: str, port: int, admin: int, alertmanager: int) -> None:
        labels = {"cluster": "test", "namespace": "shop", "pod": "auditor-0"}
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(self._rules(name)) for name in ("recording", "alerts")],
            "alerting": {
                "alertmanagers": [{"static_configs": [{"targets": [f"{LOOPBACK}:{alertmanager}"]}]}]
            },
            "scrape_configs": [
                {
                    "job_name": "telemetry-auditor",
                    "static_configs": [{"targets": [f"{LOOPBACK}:{admin}"], "labels": labels}],
                }
            ],
        }
        self._start(
            "prometheus",
            program,
            f"--config.file={self._write('prometheus.yaml', config)}",
            f"--storage.tsdb.path={self._folder / 'prometheus'}",
            f"--web.listen-address={LOOPBACK}:{port}",
            "--enable-feature=exemplar-storage",
        )
        until(lambda: get(f"{self.prometheus}/-/ready"))

    def _rules(self, name: str) -> Path:
        """Shipped rules; minutes of `for` become seconds, as promtool tests the minutes."""
        rules = yaml.safe_load((DEPLOY / "alerts" / "rules" / f"{name}.yaml").read_text())
        for group in rules["groups"]:
            group.pop("interval", None)
            for rule in group["rules"]:
                if "for" in rule:
                    rule["for"] = rule["for"].replace("m", "s").replace("h", "m")
        return self._write(f"{name}.rules.yaml", rules)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What Prometheus answers at this moment."""
        return get(f"{self.prometheus}/api/v1/query", query=expression)["data"]["result"]

    def query_range(self, expression: str) -> list[dict[str, Any]]:
        """What Prometheus answers for the last two minutes."""
        now = time.time()
        return get(
            f"{self.prometheus}/api/v1/query_range",
            query=expression,
            start=now - 120,
            end=now,
            step=5,
        )["data"]["result"]

    def exemplars(self, expression: str) -> list[dict[str, str]]:
        """The labels of the exemplars of the last five minutes."""
        now = time.time()
        url = f"{self.prometheus}/api/v1/query_exemplars"
        found = get(url, query=expression, start=now - 300, end=now)["data"]
        return [one["labels"] for series in found for one in series["exemplars"]]

    def stop(self) -> None:
        """End what was started, in the order of the data."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.receiver.close()


def _routes(route: dict[str, Any]) -> list[dict[str, Any]]:
    return [route, *(inner for one in route.get("routes", ()) for inner in _routes(one))]
