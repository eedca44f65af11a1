"""The command. Its parts are imported when they are called, so that help is quick."""

from __future__ import annotations

import platform
import sys
from importlib import import_module

import click

from collector import __version__
from collector.problem import ProblemsError

ERROR = 2
_COMMANDS = {
    "run": ("collector.cli.run", "Receive, inspect and report until told to stop."),
    "check": ("collector.cli.check", "Judge what a command sends; for continuous integration."),
    "scan": ("collector.cli.scan", "Look for secrets in a text or a file of OTLP/JSON."),
    "policies": ("collector.cli.policies", "List, explain, validate and test policies."),
    "version": ("collector.cli", "Show the version and what runs."),
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(_COMMANDS[cmd_name][0]), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=_Lazy)
def group() -> None:
    """Inspects live OpenTelemetry data against policies."""


@click.command()
def version() -> None:
    """Show the version and what runs."""
    click.echo(f"telemetry-auditor {__version__}, Python {platform.python_version()}")
    best = import_module("collector.decode.best")
    click.echo(
        f"decoder: {best.NAME}" + ("" if best.IS_NATIVE else " (slow: built without a C compiler)")
    )


def main() -> None:
    """Run the command; mistakes of the user end with exit code 2 and no traceback."""
    try:
        group(prog_name="telemetry-auditor")
    except ProblemsError as error:
        click.echo(str(error), err=True)
        sys.exit(ERROR)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        click.echo(f"error: {error.strerror or error}{where}", err=True)
        sys.exit(ERROR)
