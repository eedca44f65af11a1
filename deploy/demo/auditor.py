"""The auditor as a child process: start it, ask it, end it."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from shop.launch import GRPC, HTTP, LOOPBACK, leashed

HERE = Path(__file__).resolve().parent
ASK_SECONDS = 5.0
READY_SECONDS = 30.0
DRAIN_SECONDS = 30.0
POLL_SECONDS = 0.1
TAIL_LINES = 15

# A proxy of the environment has no part in talking to this machine.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class DemoError(Exception):
    """The demo cannot go on; its text tells a person why and what to do."""


@dataclass(frozen=True)
class Ports:
    """Where the auditor listens on this machine."""

    grpc: int = 4317
    http: int = 4318
    admin: int = 9464

    @property
    def endpoints(self) -> dict[str, str]:
        """Where OTLP goes, for each protocol."""
        ports = {GRPC: self.grpc, HTTP: self.http}
        return {protocol: f"http://{LOOPBACK}:{port}" for protocol, port in ports.items()}


def taken_ports(ports: Ports) -> list[str]:
    """A message for each port that something else listens on."""
    messages = []
    uses = {"OTLP/gRPC": ports.grpc, "OTLP/HTTP": ports.http, "admin": ports.admin}
    for use, port in uses.items():
        with socket.socket() as probe:
            # As servers do, so that closed connections that linger are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                messages.append(
                    f"Port {port} ({use}) on {LOOPBACK} is taken. See who listens with: "
                    f"ss -ltnp 'sport = :{port}'; stop it and start the demo again."
                )
    return messages


def _program() -> str:
    beside = Path(sys.executable).parent
    found = shutil.which("telemetry-auditor", path=f"{beside}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        raise DemoError("telemetry-auditor is not installed. Run: make setup")
    return found


def _command(findings: Path, ports: Ports) -> list[str]:
    return [
        _program(),
        "run",
        *("--config", str(HERE / "auditor.yaml")),
        *("--policies", str(HERE / "policies.yaml")),
        *("--grpc", f"{LOOPBACK}:{ports.grpc}"),
        *("--http", f"{LOOPBACK}:{ports.http}"),
        *("--admin", f"{LOOPBACK}:{ports.admin}"),
        *("--findings", str(findings)),
    ]


class Auditor:
    """The process, its findings and its log.

    Args:
        directory: Where findings and log are written.
        ports: Where it listens.
    """

    def __init__(self, directory: Path, ports: Ports) -> None:
        self._ports = ports
        self._findings = directory / "findings.jsonl"
        self._log = directory / "auditor.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is ready.

        Raises:
            DemoError: It is not installed, ended, or is not ready in time.
        """
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                leashed(_command(self._findings, self._ports)),
                cwd=HERE.parents[1],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the demo, which ends it last
            )
        deadline = time.monotonic() + READY_SECONDS
        while not self._ready():
            if self._process.poll() is not None:
                raise DemoError(f"The auditor ended while it started.\n{self._tail()}")
            if time.monotonic() > deadline:
                raise DemoError(f"The auditor is not ready after {READY_SECONDS:.0f} s.")
            time.sleep(POLL_SECONDS)

    def _ready(self) -> bool:
        try:
            self._ask("/readyz")
        except OSError:
            return False
        return True

    def _ask(self, path: str) -> str:
        address = f"http://{LOOPBACK}:{self._ports.admin}{path}"
        with _DIRECT.open(address, timeout=ASK_SECONDS) as response:
            body: bytes = response.read()
        return body.decode()

    def _tail(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:])

    def metrics(self) -> str:
        """Its /metrics.

        Raises:
            DemoError: It does not answer.
        """
        try:
            return self._ask("/metrics")
        except OSError as error:
            address = f"{LOOPBACK}:{self._ports.admin}"
            raise DemoError(f"The auditor does not answer on {address}.\n{self._tail()}") from error

    def findings(self) -> str:
        """What it has written about findings so far."""
        return self._findings.read_text() if self._findings.exists() else ""

    def stop(self) -> None:
        """Let it judge what it holds and write its last records.

        Raises:
            DemoError: It did not end well.
        """
        if self._process is None:
            return
        self._process.terminate()
        try:
            code = self._process.wait(DRAIN_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise DemoError(f"The auditor did not end in {DRAIN_SECONDS:.0f} s.") from error
        if code:
            raise DemoError(f"The auditor ended with status {code}.\n{self._tail()}")

    def kill(self) -> None:
        """End it at once if it still runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
