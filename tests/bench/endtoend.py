"""What a server costs with its network, measured from outside while another process sends."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import quantiles

import servers
from corpus import FULL, Corpus
from servers import CORE, Server, livez

Row = tuple[str, ...]
HEAD: Row = (
    "",
    "thousand spans/s a core",
    "as sent",
    "peak RSS, MiB",
    "livez p50, ms",
    "livez p99, ms",
)
_HERE = Path(__file__).parent

#: Spans of a request that is nearly as large as may be.
LARGE = 105_000


class _Probe(threading.Thread):
    """Asks for /livez without pause."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self._server = server
        self._stop_asking = threading.Event()
        self.answers: list[float] = []

    def run(self) -> None:
        while not self._stop_asking.wait(0.01):
            self.answers.append(livez(self._server))

    def stop(self) -> None:
        self._stop_asking.set()
        self.join()


def measured(server: Server, way: str, requests: int, seed: int) -> Row:
    """Send requests to a server.

    Args:
        server: runs on a core of its own.
        way: grpc, http or gzip.
        requests: of 512 spans.
        seed: of what is sent.
    """
    address = server.grpc if way == "grpc" else server.http
    others = set(range(os.cpu_count() or 1)) - {CORE} or {CORE}
    load = subprocess.Popen(
        [sys.executable, str(_HERE / "load.py"), way, address, str(requests), str(seed)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, others),  # noqa: PLW1509 (no threads yet)
    )
    assert load.stdout is not None
    assert load.stdin is not None
    if load.stdout.readline() != "ready\n":
        raise SystemExit("the load generator did not start")
    probe = _Probe(server) if server.admin else None
    before = server.cpu_seconds()
    if probe is not None:
        probe.start()
    load.stdin.write("\n")
    load.stdin.flush()
    took = load.stdout.readline()
    if probe is not None:
        probe.stop()
    spent = server.cpu_seconds() - before
    if load.wait(60) or not took:
        raise SystemExit(f"the load on {server.name} failed")
    spans = requests * FULL
    answers = quantiles(probe.answers, n=100) if probe and len(probe.answers) > 1 else []
    return (
        f"{server.name}, {way}",
        f"{spans / spent / 1e3:,.0f}",
        f"{spans / float(took) / 1e3:,.0f}",
        f"{server.peak_rss()}",
        f"{answers[49] * 1e3:.1f}" if answers else "",
        f"{answers[98] * 1e3:.1f}" if answers else "",
    )


def large(server: Server, corpus: Corpus) -> Row:
    """The longest wait for /livez while four requests of nearly 64 MiB are inspected."""
    body = corpus.traces(LARGE)
    assert len(body) < 64 * 1024 * 1024

    def send(_: int) -> None:
        headers = {"Content-Type": "application/x-protobuf"}
        connection = http.client.HTTPConnection(server.http, timeout=120)
        connection.request("POST", "/v1/traces", body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"the server answered {answer.status}")

    probe = _Probe(server)
    probe.start()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(4)))
    probe.stop()
    what = f"four requests of {len(body) / 2**20:.0f} MiB at once: longest livez"
    return (what, "", "", f"{server.peak_rss()}", "", f"{max(probe.answers) * 1e3:.0f}")


def table(
    start: list[Callable[[], AbstractContextManager[Server]]],
    requests: int,
    seed: int,
    tell: Callable[[], None],
) -> list[Row]:
    """All servers one after another, each over gRPC, HTTP, and HTTP with gzip."""
    rows = []
    with servers.auditor() as server:
        rows.append(large(server, Corpus(seed)))
    tell()
    for way, share in (("grpc", 1.0), ("http", 1.0), ("gzip", 0.5)):
        for begin in start:
            with begin() as server:
                if way == "grpc" or server.http:
                    rows.append(measured(server, way, int(requests * share), seed))
            tell()
    return rows
