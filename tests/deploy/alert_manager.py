"""An Alertmanager that runs for a test: alerts go in, what is inhibited comes out."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import yaml

_DEADLINE_SECONDS = 20


def _quiet(config: Path, folder: Path) -> Path:
    """The configuration without where it sends to."""
    document = yaml.safe_load(config.read_text())
    document["receivers"] = [{"name": one["name"]} for one in document["receivers"]]
    file = folder / "alertmanager.yaml"
    file.write_text(yaml.safe_dump(document))
    return file


@contextmanager
def running(program: str, config: Path, folder: Path) -> Iterator[str]:
    """An Alertmanager on a free port of the loopback address.

    Args:
        program: where it is.
        config: what it obeys, but for its receivers, which are told nothing.
        folder: for what it stores.

    Yields:
        Where its API is.
    """
    process = subprocess.Popen(
        [
            program,
            f"--config.file={_quiet(config, folder)}",
            f"--storage.path={folder / 'data'}",
            "--web.listen-address=127.0.0.1:0",
            "--cluster.listen-address=",
            "--log.format=json",
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield f"http://{_address(process)}/api/v2/alerts"
    finally:
        process.kill()
        process.communicate()


def _address(process: subprocess.Popen[str]) -> str:
    said = []
    for line in process.stderr or ():
        said.append(line)
        entry = json.loads(line)
        if "listening on" in entry.get("msg", "").lower():
            return str(entry["address"])
    raise AssertionError("".join(said))


def inhibited(api: str, alerts: list[dict[str, str]], expected: int) -> list[dict[str, str]]:
    """Post alerts, and wait until so many are inhibited, or for the deadline.

    Args:
        api: where alerts are posted and read.
        alerts: labels of each.
        expected: how many will be.

    Returns:
        The labels of those that are.
    """
    body = json.dumps([{"labels": labels} for labels in alerts]).encode()
    headers = {"Content-Type": "application/json"}
    urlopen(Request(api, data=body, headers=headers), timeout=_DEADLINE_SECONDS).close()
    until = time.monotonic() + _DEADLINE_SECONDS
    while True:
        with urlopen(f"{api}?inhibited=true", timeout=_DEADLINE_SECONDS) as answer:
            known: list[dict[str, Any]] = json.load(answer)
        found = [one["labels"] for one in known if one["status"]["inhibitedBy"]]
        if (len(known) == len(alerts) and len(found) == expected) or time.monotonic() > until:
            return found
        time.sleep(0.05)  # it takes alerts in by itself, and tells nobody
