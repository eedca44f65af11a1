"""The demo as a person sees it, on other ports and for no longer than it takes."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from auditor import Auditor, Ports
from board import Verdict, clean_verdict, findings, verdict, violations
from shop.launch import LOOPBACK, Shop

MISBEHAVE_SECONDS = 60.0  # a bound for broken code: all shows after half of it
BEHAVE_SECONDS = 15.0
POLL_SECONDS = 2.0


def _free_ports() -> Ports:
    sockets = [socket.create_server((LOOPBACK, 0)) for _ in range(3)]
    try:
        return Ports(*(each.getsockname()[1] for each in sockets))
    finally:
        for each in sockets:
            each.close()


@contextmanager
def _running(directory: Path, *, clean: bool) -> Iterator[Auditor]:
    ports = _free_ports()
    auditor, shop = Auditor(directory, ports), Shop(ports.endpoints, directory, clean=clean)
    try:
        auditor.start()
        shop.start()
        yield auditor
        assert shop.ended() == []
        shop.stop()
        auditor.stop()
    finally:
        shop.stop()
        auditor.kill()


def _seen(auditor: Auditor) -> Verdict:
    return verdict(violations(auditor.metrics()), findings(auditor.findings()))


@pytest.mark.slow
def test_the_auditor_finds_whatever_the_shop_does_wrong(tmp_path: Path) -> None:
    with _running(tmp_path, clean=False) as auditor:
        deadline = time.monotonic() + MISBEHAVE_SECONDS
        while not _seen(auditor).passed and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
    seen = verdict({}, findings(auditor.findings()))
    assert seen.passed, seen.lines


@pytest.mark.slow
def test_the_auditor_leaves_the_twin_alone(tmp_path: Path) -> None:
    with _running(tmp_path, clean=True) as auditor:
        time.sleep(BEHAVE_SECONDS)
        counts = violations(auditor.metrics())
    assert clean_verdict(counts, findings(auditor.findings())).lines == (
        "no finding in any service",
    )
