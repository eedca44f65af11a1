"""The auditor as a process, set up so that every row can be tried on it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import grpc
import yaml
from conformance.rows import Target
from conformance.samples import JSON, REJECTED, RESPONSES, SERVICES, as_json

_READY = re.compile(r"ready: grpc=(\S+) http=(\S+) admin=(\S+)")
_START_SECONDS = 60.0
_SEEN_SECONDS = 20.0
LIMIT = 2 * 1024 * 1024
DEFAULT_LIMIT = 64 * 1024 * 1024
MAX_REQUESTS = 4
TIMEOUT = 1.0
MAX_CONNECTIONS = 200
REJECTED_ITEMS = 3
_THREADS = 8


class Program:
    """One `telemetry-auditor run`.

    Args:
        folder: for its files.
        config: sections beside the addresses, which are free ports of the loopback address.
        env: beside the environment.
    """

    def __init__(
        self,
        folder: Path,
        config: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.findings = folder / "findings.jsonl"
        addresses = {name: {"address": "127.0.0.1:0"} for name in ("grpc", "http", "admin")}
        whole: dict[str, Any] = addresses | {"findings": {"file": str(self.findings)}}
        for section, keys in (config or {}).items():
            whole[section] = whole.get(section, {}) | keys
        path = folder / "auditor.yaml"
        path.write_text(yaml.safe_dump(whole))
        self._said: list[str] = []
        self._known = threading.Event()
        # Standard output is read by nobody: what waits there for a reader waits for ever.
        unread = whole["findings"]["file"] == "-"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "collector.cli", "run", "--config", str(path)],
            stdout=subprocess.PIPE if unread else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"} | (env or {}),
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._known.wait(_START_SECONDS)
        found = _READY.search(self.said)
        if found is None:
            self.kill()
            raise RuntimeError(f"the auditor did not start:\n{self.said}")
        self.grpc, self.http, self.admin = found.groups()

    def _read(self) -> None:
        for line in self.process.stderr or ():
            self._said.append(line)
            if _READY.search(line):
                self._known.set()
        self._known.set()

    @property
    def said(self) -> str:
        """Its log so far."""
        return "".join(self._said)

    def memory(self) -> int:
        """Bytes of memory that it holds."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(found[1]) * 1024 if found else 0

    def files(self) -> list[str]:
        """Files and sockets that it holds open."""
        found = []
        for one in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed since
                found.append(str(one.readlink()))
        return found

    def sockets(self) -> int:
        """How many sockets it holds open."""
        return sum(one.startswith("socket:") for one in self.files())

    def threads(self) -> int:
        """Threads that it has."""
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/task").iterdir())

    def page(self, path: str) -> tuple[int, str]:
        """Status and body of a page of the admin listener."""
        with urlopen(f"http://{self.admin}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()

    def stop(self, seconds: float = 30.0) -> int:
        """SIGTERM, and the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(seconds)
        self._reader.join(10)
        return code

    def kill(self) -> None:
        """End it, whatever it does."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self._reader.join(10)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def found(self) -> set[tuple[str, str]]:
        """Policy and service of each finding so far."""
        lines = self.findings.read_text().splitlines() if self.findings.exists() else []
        return {(one["policy"], one["service"]) for one in map(json.loads, lines)}

    def sees_trace(self, trace_id: str, span: dict[str, Any]) -> bool:
        """Whether a span's trace id stands in the finding on a secret in it."""
        token = os.urandom(24).hex()
        secret = {"arrayValue": {"values": [{"stringValue": f"Bearer {token}"}]}}
        key = f"http.request.header.x-{trace_id[:8]}.authorization"
        attributes = [
            {"key": key, "value": {"stringValue": f"Bearer {token}"}},
            {"key": "a", "value": secret},
        ]
        target = Target(self.http, self.grpc)
        target.post("traces", as_json("traces", span | {"attributes": attributes}), JSON)
        until = time.monotonic() + _SEEN_SECONDS
        while time.monotonic() < until:
            lines = self.findings.read_text().splitlines() if self.findings.exists() else []
            if any(json.loads(line).get("trace_id") == trace_id for line in lines):
                return True
            time.sleep(0.1)
        return False


class _Rejecting(grpc.GenericRpcHandler):  # type: ignore[misc] # grpc has no types
    """Takes every request, less some items."""

    def service(self, details: Any) -> Any:
        signal = next(
            one for one, name in SERVICES.items() if details.method.startswith(f"/{name}/")
        )
        response = RESPONSES[signal]()
        setattr(response.partial_success, REJECTED[signal], REJECTED_ITEMS)
        response.partial_success.error_message = "too old"
        answer = response.SerializeToString()
        return grpc.unary_unary_rpc_method_handler(lambda _body, _context: answer)


class Servers:
    """Starts auditors, and ends them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()
        self._started: list[Program] = []
        self._closing = ExitStack()

    def start(
        self, config: Mapping[str, Any] | None = None, env: Mapping[str, str] | None = None
    ) -> Program:
        """One more auditor."""
        self._started.append(Program(self.folder(), config, env))
        return self._started[-1]

    def rejecting(self) -> Program:
        """An auditor before a hop that rejects some items of each request."""
        pool = ThreadPoolExecutor(_THREADS)
        hop = grpc.server(pool, handlers=(_Rejecting(),), options=(("grpc.so_reuseport", 0),))
        self._closing.callback(lambda: (hop.stop(0).wait(), pool.shutdown()))
        port = hop.add_insecure_port("127.0.0.1:0")
        hop.start()
        return self.start({"forward": {"endpoint": f"http://127.0.0.1:{port}"}})

    def closes(self, what: Callable[[], object]) -> None:
        """Also call this at the end."""
        self._closing.callback(what)

    def folder(self) -> Path:
        """A new empty folder."""
        made = self._folder / str(next(self._numbers))
        made.mkdir(parents=True)
        return made

    def close(self) -> None:
        """End them all."""
        for one in self._started:
            one.kill()
        self._closing.close()


@contextmanager
def own(folder: Path) -> Iterator[Target]:
    """An auditor with small bounds, of which everything is known.

    Args:
        folder: for its files.
    """
    servers = Servers(folder)
    bounds = {"max_bytes": LIMIT, "body_timeout_seconds": TIMEOUT}
    admission = {"max_requests": MAX_REQUESTS, "retry_after_seconds": 3}
    try:
        web = bounds | {"header_timeout_seconds": TIMEOUT, "max_connections": MAX_CONNECTIONS}
        program = servers.start({"http": web, "grpc": bounds})
        yield Target(
            http=program.http,
            grpc=program.grpc,
            limit=LIMIT,
            facts={
                "default_limit": DEFAULT_LIMIT,
                "memory": program.memory,
                "sees_trace": program.sees_trace,
                "body_timeout": TIMEOUT,
                "header_timeout": TIMEOUT,
                "max_connections": MAX_CONNECTIONS,
                "start": servers.start,
                "folder": servers.folder,
                "max_requests": MAX_REQUESTS,
                "busy": lambda: servers.start({"admission": admission}),
                "warning": lambda: servers.start({"feedback": {"enabled": True}}),
                "rejecting": servers.rejecting,
                "rejected": REJECTED_ITEMS,
            },
        )
    finally:
        servers.close()
