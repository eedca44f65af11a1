"""More calls at once than the load ever makes, so that each pool of threads is as large as it gets.

A pool starts a thread when no other happens to be idle, which may be after hours: only behind this
is one thread more a thread that was left behind.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
from conformance.samples import SERVICES
from faults.scene import Scene, until
from soak.churn import Kind

_SECONDS = 60
_CALLS = 8  # several times as many as the load makes
_SCRAPES = 32  # more than there are threads to answer them


def fill(scene: Scene, signal: str, make: Kind) -> None:
    """Hold calls open until each has a thread, then let them all end; and scrape all at once.

    Args:
        scene: whose auditor is called, and whose books note the calls.
        signal: that is sent.
        make: gives its requests.
    """
    go = threading.Event()

    def when_all_wait(body: bytes) -> Iterator[bytes]:
        go.wait()
        yield body

    program, bodies = scene.program, make()
    before = program.threads()
    with grpc.insecure_channel(program.grpc) as channel:
        export = channel.stream_unary(f"/{SERVICES[signal]}/Export")
        try:
            calls = [
                export.future(when_all_wait(next(bodies)), timeout=_SECONDS) for _ in range(_CALLS)
            ]
            until(lambda: program.threads() >= before + _CALLS, "a call has no thread")
        finally:
            go.set()
        for call in calls:
            call.result()
            scene.books.note(200)
    with ThreadPoolExecutor(_SCRAPES) as scraping:
        pages = list(scraping.map(lambda _: program.page("/metrics"), range(_SCRAPES)))
    assert all(status == 200 for status, _ in pages)
