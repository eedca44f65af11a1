"""``telemetry-auditor run``: receive, inspect and report until told to stop."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import click

from collector import __version__, configload
from collector.app import Auditor, Bound
from collector.cli.common import listener_options, load_all, load_policies, policies_option
from collector.config import Forward

_LOG = logging.getLogger("telemetry_auditor")
_FORMAT = "%(asctime)s %(levelname)s %(message)s"


@click.command()
@click.option(
    "--config",
    "config_file",
    envvar=configload.FILE_VARIABLE,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Configuration in YAML; without it, the file that "
    f"{configload.FILE_VARIABLE} names, if any.",
)
@policies_option
@listener_options
@click.option("--findings", help="File for findings as JSON lines; - is standard output.")
@click.option("--print-config", is_flag=True, help="Show what is in force, and exit.")
def run(
    config_file: Path | None,
    policies: tuple[str, ...],
    grpc: str | None,
    http: str | None,
    admin: str | None,
    findings: str | None,
    print_config: bool,
) -> None:
    """Receive OTLP, inspect it against policies, report violations, until SIGTERM.

    SIGHUP loads policies, certificates and tokens again.
    """
    flags = {
        "policies.paths": list(policies) or None,
        "grpc.address": grpc,
        "http.address": http,
        "admin.address": admin,
        "findings.file": findings,
    }
    config, loaded = load_all(config_file, flags)
    if print_config:
        click.echo(configload.as_yaml(config))
        return
    logging.basicConfig(level=config.log.level.upper(), format=_FORMAT, stream=sys.stderr)
    # The SDK warns of every attempt of a push; that all have failed, it logs as an error.
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
    for warning in loaded.warnings:
        _LOG.warning("%s", warning.render())
    stopping = stop_on_signals()
    auditor = Auditor(config, loaded, lambda: load_policies(config))
    signal.signal(signal.SIGHUP, lambda _number, _frame: auditor.ask_to_reload())
    bound = auditor.start()
    announce(bound, len(loaded.policies), config.forward)
    stopping.wait()
    _LOG.info("stopping: answering what is in flight, judging what is proven")
    auditor.stop()
    _LOG.info("stopped: %s", auditor.inspection.ledger.balance())


def announce(bound: Bound, policies: int, forward: Forward) -> None:
    """Say where it listens, in one line that scripts can wait for."""
    _LOG.info("telemetry-auditor %s, %d policies", __version__, policies)
    if forward.endpoint:
        hop = urlsplit(forward.endpoint)
        host = hop.netloc.rpartition("@")[2]  # what stands before it is a secret
        _LOG.info("sending on to %s://%s (%s)", hop.scheme, host, forward.protocol)
    _LOG.info("ready: grpc=%s http=%s admin=%s", *(one or "off" for one in bound))


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set; a second signal ends the process at once.

    As process 1 of a container, Python ignores SIGTERM unless a handler is there.
    """
    stopping = threading.Event()

    def handle(number: int, _frame: FrameType | None) -> None:
        if stopping.is_set():
            os._exit(128 + number)
        stopping.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    return stopping
