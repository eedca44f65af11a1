"""What commands share: options, and loading the configuration with the policies."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from collector import configload, policyfile
from collector.config import Config

F = TypeVar("F", bound=Callable[..., Any])

policies_option = click.option(
    "--policies",
    multiple=True,
    metavar="PATH",
    help="Policy file or directory, beside the shipped packs; can be given several times.",
)


def listener_options(command: F) -> F:
    """``--grpc``, ``--http`` and ``--admin``."""
    for name, what in (
        ("admin", "metrics and health"),
        ("http", "OTLP/HTTP"),
        ("grpc", "OTLP/gRPC"),
    ):
        command = click.option(f"--{name}", metavar="HOST:PORT|off", help=f"Address for {what}.")(
            command
        )
    return command


def load_all(
    config_file: Path | None, flags: Mapping[str, Any]
) -> tuple[Config, policyfile.Loaded]:
    """The configuration and the policies that it names.

    Args:
        config_file: of the configuration.
        flags: from the command line, by dotted key; None is not given.

    Raises:
        ProblemsError: with everything that is wrong in any of the files.
    """
    given = {key: value for key, value in flags.items() if value is not None}
    config = configload.load(config_file, os.environ, given)
    return config, load_policies(config)


def load_policies(config: Config) -> policyfile.Loaded:
    """The policies that a configuration names.

    Raises:
        ProblemsError: with everything that is wrong in any of the files.
    """
    return policyfile.load(
        policyfile.paths_of(config.policies.shipped, config.policies.paths),
        lasting_fingerprints=config.secrets.fingerprint_key_file is not None,
    )
