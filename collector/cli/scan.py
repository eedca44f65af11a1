"""``telemetry-auditor scan``: the detectors over a text, a log file or a file of OTLP/JSON."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from collector import configload
from collector.cli.common import load_all, policies_option
from collector.cli.tables import STYLES, print_table
from collector.decode.messages import DecodeError
from collector.evaluate.detectors.scan import Detectors
from collector.evaluate.detectors.table import OPT_IN_NAMES
from collector.evaluate.policy import opted
from collector.inspection import fingerprint_key
from collector.report.printable import as_json, one_line
from collector.scanfile import Scanned, otlp_requests, scan_otlp, scan_text

EVERY = "all"
CLEAN, FINDINGS, ERROR = 0, 1, 2


@click.command()
@click.option(
    "--config",
    "config_file",
    envvar=configload.FILE_VARIABLE,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Configuration in YAML; its secrets.fingerprint_key_file makes fingerprints comparable.",
)
@policies_option
@click.option(
    "--also",
    multiple=True,
    type=click.Choice([EVERY, *OPT_IN_NAMES]),
    metavar="NAME",
    help="Opt-in detector that runs as well, beside those that policies name; all for every one. "
    "May be repeated.",
)
@click.option("--key", default="", help="Attribute name under which a text would stand.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="What to print; json is one object a line.",
)
@click.argument("file", type=click.File("rb"))
def scan(
    config_file: Path | None,
    policies: tuple[str, ...],
    also: tuple[str, ...],
    key: str,
    form: str,
    file: BinaryIO,
) -> None:
    """Look for secrets and personal data in FILE, or in standard input when FILE is -.

    A file of OTLP/JSON (one object, or one a line) is read as telemetry, anything else as text.
    Exit code 0: nothing was found; 1: something was; 2: an error.
    """
    config, loaded = load_all(config_file, {"policies.paths": list(policies) or None})
    key_file = config.secrets.fingerprint_key_file
    named = frozenset(OPT_IN_NAMES if EVERY in also else also) | opted(loaded.policies)
    detectors = Detectors(fingerprint_key(key_file), own=loaded.detectors, opted=named)
    try:
        found = list(_progress(_scanned(file.read(), detectors, key)))
    except DecodeError as error:
        click.echo(f"error: {file.name}: {error}", err=True)
        sys.exit(ERROR)
    show = _as_table if form == "table" else _in_json
    show(found, lasting=key_file is not None)
    sys.exit(FINDINGS if found else CLEAN)


def _scanned(data: bytes, detectors: Detectors, key: str) -> Iterator[Scanned]:
    requests = otlp_requests(data)
    if requests is not None:
        return scan_otlp(requests, detectors, time.time())
    return scan_text(data.decode("utf-8", "replace"), detectors, time.time(), key)


def _progress(found: Iterator[Scanned]) -> Iterator[Scanned]:
    """The same, with a line on the terminal that tells how many there are so far."""
    console = Console(stderr=True)
    if not console.is_terminal:
        return found
    return iter(track(found, description="scanning", console=console, transient=True))


def _in_json(found: list[Scanned], *, lasting: bool) -> None:
    for one in found:
        shown = one._asdict() | {"severity": one.severity.label}
        if not lasting:
            del shown["fingerprint"]
        click.echo(as_json(shown))


def _as_table(found: list[Scanned], *, lasting: bool) -> None:
    if found:
        table = Table(pad_edge=False)
        columns = ["where", "detector", "severity", "what"] + ["fingerprint"] * lasting
        for column in columns:
            table.add_column(column, overflow="fold")
        for one in found:
            severity = Text(one.severity.label, STYLES[one.severity])
            what = Text(one_line(one.preview))
            row = [Text(one_line(one.place)), Text(one.detector), severity, what]
            table.add_row(*row, *[Text(one.fingerprint)] * lasting)
        print_table(table)
    click.echo(f"{len(found)} found")
