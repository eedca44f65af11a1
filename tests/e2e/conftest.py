"""A real auditor process on free ports, watched from outside."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

READY = re.compile(r"ready: grpc=(\S+) http=(\S+) admin=(\S+)")


class Auditor:
    """One `telemetry-auditor run`, and what it said."""

    def __init__(self, folder, *arguments, env=None):
        self.findings_file = folder / "findings.jsonl"
        self._said = []
        self._ready = threading.Event()
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "collector.cli", "run"),
                *("--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0"),
                *("--findings", str(self.findings_file)),
                *map(str, arguments),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | (env or {}),
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._ready.wait(30), self.said
        match = READY.search(self.said)
        assert match, self.said
        self.grpc, self.http, self.admin = match.groups()

    def _read(self):
        for line in self._process.stdout:
            self._said.append(line)
            if READY.search(line):
                self._ready.set()
        self._ready.set()

    @property
    def said(self):
        return "".join(self._said)

    def page(self, path, accept="text/plain"):
        request = urllib.request.Request(f"http://{self.admin}{path}", headers={"Accept": accept})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read().decode()

    def metrics(self):
        """Every sample of /metrics: {name: {sorted label pairs: value}}."""
        found = {}
        for family in text_string_to_metric_families(self.page("/metrics")):
            for sample in family.samples:
                labels = tuple(sorted(sample.labels.items()))
                found.setdefault(sample.name, {})[labels] = sample.value
        return found

    def total(self, name, **labels):
        """The sum of a metric's samples that have these labels."""
        samples = self.metrics().get(f"telemetry_auditor_{name}", {})
        return sum(value for key, value in samples.items() if labels.items() <= dict(key).items())

    @property
    def pid(self):
        return self._process.pid

    def send_signal(self, number):
        self._process.send_signal(number)

    def stop(self):
        """SIGTERM, and the exit code."""
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(30)
        self._reader.join(10)
        return code

    def kill(self):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(10)
        self._process.stdout.close()

    def findings(self):
        """The last line of each finding, by (policy, service, subject)."""
        lines = self.findings_file.read_text().splitlines() if self.findings_file.exists() else []
        found = {}
        for one in map(json.loads, lines):
            found[one["policy"], one["service"], one["subject"]] = one
        return found


@pytest.fixture
def start_auditor(tmp_path):
    started = []

    def start(*arguments, **options):
        folder = tmp_path / str(len(started))
        folder.mkdir()
        started.append(Auditor(folder, *arguments, **options))
        return started[-1]

    yield start
    for one in started:
        one.kill()


@pytest.fixture
def steady_policies(tmp_path) -> Path:
    """Overrides under which no judgement depends on when a window begins."""
    path = tmp_path / "steady.yaml"
    path.write_text(
        """
pack: steady
summary: Windows without a boundary.
overrides:
  - policy: metric-label-cardinality
    options: {window_seconds: 1000000000, growth_seconds: 1000000000}
  - policy: forbidden-metric-label
    options: {step_seconds: 1000000000}
  - policy: logs-without-trace-id
    options: {window_seconds: 1000000000}
  - policy: retry-backoff
    options: {window_seconds: 1000000000}
  - policy: retry-storm
    options: {window_seconds: 1000000000, hold_seconds: 1000000000}
"""
    )
    return path
