"""``telemetry-auditor check``: a gate for continuous integration."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from collector import configload
from collector.app import Auditor, Bound
from collector.cli.common import load_all, policies_option
from collector.cli.run import stop_on_signals
from collector.cli.tables import findings_table, print_table
from collector.report.collapse import Finding
from collector.violation import Severity
from collector.wording import counted

CLEAN, FINDINGS, ERROR = 0, 1, 2
_LOCAL = "127.0.0.1:0"
_GRPC, _HTTP = "grpc", "http/protobuf"


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
@click.option(
    "--fail-on",
    type=click.Choice([severity.label for severity in Severity]),
    default=Severity.WARNING.label,
    show_default=True,
    help="Findings of this severity and above fail the check.",
)
@click.option("--seconds", type=click.FloatRange(min=0), help="Receive for so long.")
@click.option(
    "--protocol",
    type=click.Choice([_GRPC, _HTTP]),
    help="What OTEL_EXPORTER_OTLP_ENDPOINT points to; OTEL_EXPORTER_OTLP_PROTOCOL, else "
    "http/protobuf.",
)
@click.option("--grpc", metavar="HOST:PORT", default=_LOCAL, help="Address for OTLP/gRPC.")
@click.option("--http", metavar="HOST:PORT", default=_LOCAL, help="Address for OTLP/HTTP.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def check(
    config_file: Path | None,
    policies: tuple[str, ...],
    fail_on: str,
    seconds: float | None,
    protocol: str | None,
    grpc: str,
    http: str,
    command: tuple[str, ...],
) -> None:
    """Receive until COMMAND or the time ends, show the findings, and judge.

    COMMAND runs with OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_PROTOCOL set. Exit
    code 0: no findings; 1: findings; 2: an error, no telemetry, or a command that failed.
    """
    if bool(command) == (seconds is not None):
        raise click.UsageError("give either a command after -- or --seconds N")
    flags = {
        "policies.paths": list(policies) or None,
        "grpc.address": grpc,
        "http.address": http,
        "admin.address": "off",
    }
    config, loaded = load_all(config_file, flags)
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(message)s", stream=sys.stderr)
    stopping = stop_on_signals()
    auditor = Auditor(config, loaded)
    bound = auditor.start()
    try:
        if command:
            code = _run(command, bound, protocol or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL"))
        else:
            _say(f"receiving for {seconds:g} s on {bound.grpc} (gRPC) and {bound.http} (HTTP)")
            stopping.wait(seconds)
            code = CLEAN
    finally:
        auditor.stop()
    received = sum(auditor.inspection.ledger.snapshot().items.values())
    sys.exit(
        _verdict(auditor.inspection.reporter.findings(), received, Severity.parse(fail_on), code)
    )


def _run(command: Sequence[str], bound: Bound, protocol: str | None) -> int:
    """Run the command to its end, and return its exit code."""
    chosen = _GRPC if protocol == _GRPC else _HTTP
    address = bound.grpc if chosen == _GRPC else bound.http
    environment = os.environ | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{address}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol or chosen,
    }
    try:
        return subprocess.run(list(command), env=environment, check=False).returncode  # noqa: S603 (the user's own command)
    except OSError as error:
        _say(f"cannot run {command[0]}: {error.strerror}")
        return ERROR


def _verdict(findings: Sequence[Finding], received: int, fail_on: Severity, code: int) -> int:
    if not received:
        _say("no telemetry was received: nothing was checked. Does the command export OTLP to")
        _say("OTEL_EXPORTER_OTLP_ENDPOINT, and does it flush before it ends?")
        return ERROR
    if findings:
        print_table(findings_table(findings))
    failing = sum(finding.severity >= fail_on for finding in findings)
    click.echo(
        f"{counted(received, 'item')}, {counted(len(findings), 'finding')}, "
        f"{failing} of them {fail_on.label} or above"
    )
    if code:
        _say(f"the command ended with exit code {code}")
        return ERROR
    return FINDINGS if failing else CLEAN


def _say(text: str) -> None:
    click.echo(text, err=True)
