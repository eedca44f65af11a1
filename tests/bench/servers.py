"""Servers that are measured from outside: this auditor, and others where they are installed."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_READY = re.compile(r"ready: grpc=(\S+) http=(\S+) admin=(\S+)")
_TICK = os.sysconf("SC_CLK_TCK")

#: The server's core; the load generator has the others.
CORE = 0

_ENVIRONMENT = {
    "TELEMETRY_AUDITOR_TRACES_MAX_SPANS": "2000000",
    "TELEMETRY_AUDITOR_TRACES_WAIT_SECONDS": "1",
}

_COLLECTOR = """
receivers:
  otlp:
    protocols:
      grpc: {{endpoint: "{grpc}", max_recv_msg_size_mib: 64}}
      http: {{endpoint: "{http}"}}
exporters: {{nop: {{}}}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    traces: {{receivers: [otlp], exporters: [nop]}}
"""


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        name: as the table shows it.
        process: to be read from /proc.
        grpc: address.
        http: address.
        admin: address of health checks; empty when it has none.
    """

    name: str
    process: subprocess.Popen[str]
    grpc: str
    http: str
    admin: str = ""

    def cpu_seconds(self) -> float:
        """Time on a processor so far, of all its threads."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / _TICK

    def rss(self) -> float:
        """Resident memory now, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024

    def peak_rss(self) -> int:
        """Largest resident memory so far, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) // 1024


def _started(command: Sequence[str], environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {CORE}),  # noqa: PLW1509 (no threads yet)
    )


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


@contextmanager
def auditor(environment: dict[str, str] | None = None) -> Iterator[Server]:
    """This project, with the default packs.

    Args:
        environment: of its configuration; room for many open spans without it.
    """
    command = [sys.executable, "-m", "collector.cli", "run"]
    for one in ("grpc", "http", "admin"):
        command += [f"--{one}", "127.0.0.1:0"]
    process = _started(command, _ENVIRONMENT if environment is None else environment)
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if found := _READY.search(line):
                yield Server("auditor", process, *found.groups())
                return
        raise SystemExit("the auditor did not start")
    finally:
        _stop(process)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _await_port(address: str, process: subprocess.Popen[str]) -> None:
    host, _, port = address.rpartition(":")
    while process.poll() is None:
        try:
            socket.create_connection((host, int(port)), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"{process.args!r} did not start")


@contextmanager
def _other(
    name: str, command: Sequence[str], grpc: str, http: str, environment: dict[str, str]
) -> Iterator[Server]:
    process = _started(command, environment)
    try:
        _await_port(grpc, process)
        yield Server(name, process, grpc, http)
    finally:
        _stop(process)


def rotel_agent() -> str:
    """The path of rotel's binary inside its wheel; empty when it is not installed."""
    found = importlib.util.find_spec("rotel")
    if found is None or found.origin is None:
        return ""
    return str(Path(found.origin).parent / "rotel-agent")


@contextmanager
def rotel(binary: str) -> Iterator[Server]:
    """Rotel, which receives and drops."""
    grpc, http = (f"127.0.0.1:{_free_port()}" for _ in range(2))
    options = ["--otlp-grpc-endpoint", grpc, "--otlp-http-endpoint", http]
    command = [binary, "start", "--exporter", "blackhole", *options]
    with _other("rotel, drops", command, grpc, http, {}) as server:
        yield server


@contextmanager
def collector(binary: str, folder: Path) -> Iterator[Server]:
    """An OpenTelemetry Collector that receives and drops."""
    grpc, http = (f"127.0.0.1:{_free_port()}" for _ in range(2))
    path = folder / "collector.yaml"
    path.write_text(_COLLECTOR.format(grpc=grpc, http=http))
    command = [binary, "--config", str(path)]
    with _other("Collector, drops", command, grpc, http, {"GOMAXPROCS": "1"}) as server:
        yield server


@contextmanager
def weaver(binary: str, registry: str) -> Iterator[Server]:
    """Weaver's live check of a registry, over gRPC."""
    grpc, admin = (f"127.0.0.1:{_free_port()}" for _ in range(2))
    host, _, port = grpc.rpartition(":")
    command = [
        *(binary, "registry", "live-check", "--registry", registry, "--input-source", "otlp"),
        *("--otlp-grpc-address", host, "--otlp-grpc-port", port, "--no-stream"),
        *("--admin-port", admin.rpartition(":")[2], "--inactivity-timeout", "600"),
    ]
    with _other("weaver live-check", command, grpc, "", {}) as server:
        yield server


def livez(server: Server) -> float:
    """Seconds until the liveness probe was answered."""
    began = time.perf_counter()
    with urllib.request.urlopen(f"http://{server.admin}/livez", timeout=10) as answer:
        answer.read()
    return time.perf_counter() - began


def installed(name: str, given: str) -> str:
    """The path of a program that was given, or is on the PATH; empty when there is none."""
    return given or shutil.which(name) or ""
