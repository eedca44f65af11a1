"""Starts each service as a process of its own, and ends all of them."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
LEASH = HERE / "leash.py"
LOOPBACK = "127.0.0.1"
GRPC, HTTP = "grpc", "http/protobuf"

# Each service and the protocol it sends OTLP with.
SERVICES: Mapping[str, str] = {
    "catalog": GRPC,
    "inventory": HTTP,
    "cart": GRPC,
    "checkout": GRPC,
    "payments": HTTP,
    "search": GRPC,
    "pricing": GRPC,
    "shipping": GRPC,
    "warehouse": HTTP,
    "billing": GRPC,
    "orders": GRPC,
    "frontend": GRPC,
}
TRAFFIC = "traffic"
# Callers before those they call, so that no request is cut off.
STOP_ORDER: Sequence[Sequence[str]] = (
    (TRAFFIC,),
    ("frontend", "orders"),
    ("inventory", "billing", "warehouse"),
    ("catalog", "cart", "checkout", "payments", "search", "pricing", "shipping"),
)
STOP_SECONDS = 12.0  # more than a service gives itself to drain and flush
BACKLOG = 256  # requests wait here until a service has started


def leashed(command: Sequence[str]) -> list[str]:
    """The same command, ended with SIGTERM when this process ends.

    Args:
        command: Path of a program and its arguments.
    """
    return [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), *command]


def end(processes: Sequence[subprocess.Popen[bytes]], seconds: float) -> None:
    """Send SIGTERM to each, wait for all, and kill what is left.

    Args:
        processes: Ours.
        seconds: How long they have together.
    """
    deadline = time.monotonic() + seconds
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Shop:
    """The services' processes.

    Args:
        endpoints: Where OTLP goes, for each protocol, such as http://127.0.0.1:4317.
        logs: Directory for what the processes print.
        clean: Whether the services do right what they else do wrong.
    """

    def __init__(self, endpoints: Mapping[str, str], logs: Path, *, clean: bool = False) -> None:
        self._clean = clean
        self._endpoints = endpoints
        self._logs = logs
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Listen for every service first, so that no early request is refused; then start them."""
        listeners = {
            name: socket.create_server((LOOPBACK, 0), backlog=BACKLOG) for name in SERVICES
        }
        ports = {name: listener.getsockname()[1] for name, listener in listeners.items()}
        try:
            for name, protocol in SERVICES.items():
                descriptor = listeners[name].fileno()
                own = {
                    "SHOP_SOCKET": str(descriptor),
                    "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
                    "OTEL_EXPORTER_OTLP_ENDPOINT": self._endpoints[protocol],
                }
                self._start(name, ports, own, (descriptor,))
            self._start(TRAFFIC, ports, {}, ())
        finally:
            for listener in listeners.values():
                listener.close()

    def _start(
        self,
        name: str,
        ports: Mapping[str, int],
        own: Mapping[str, str],
        descriptors: Sequence[int],
    ) -> None:
        # The reader's own OTEL_* and proxy settings are for other programs.
        ours = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
        environment = ours | {
            "SHOP_PEERS": json.dumps(ports),
            "SHOP_CLEAN": "1" if self._clean else "0",
            "PYTHONPATH": str(HERE.parent),
            "NO_PROXY": LOOPBACK,
            "no_proxy": LOOPBACK,
            **own,
        }
        with (self._logs / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                leashed([sys.executable, "-m", f"shop.{name}"]),
                env=environment,
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the parent, which ends them in order
            )

    def ended(self) -> list[str]:
        """Names of services that ended although nobody asked them to."""
        return [name for name, process in self.processes.items() if process.poll() is not None]

    def stop(self) -> None:
        """End all, callers first; each sends its last telemetry."""
        for group in STOP_ORDER:
            end([self.processes[name] for name in group if name in self.processes], STOP_SECONDS)
