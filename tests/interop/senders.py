"""Programs in other languages, each instrumented with its own OpenTelemetry SDK.

They are built from this folder into `.tools/interop` of the checkout, from versions that are
pinned beside their sources. All of them send the same, and read the variables that all SDKs read.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

SOURCES = Path(__file__).resolve().parent
BUILT = SOURCES.parents[1] / ".tools" / "interop"
_STAMP = "built-from"
_BUILD_SECONDS = 900
_RUN_SECONDS = 90

#: What each of them sends.
ITEMS = {"traces": 40, "logs": 30, "metrics": 7}
REQUESTS = {"traces": 4, "logs": 3, "metrics": 1}


class Missing(Exception):  # noqa: N818 (an outcome; its text says why)
    """A sender cannot be built here."""


class Sender(NamedTuple):
    """One program.

    Attributes:
        name: of the folder with its sources.
        sdk: what it is instrumented with.
        needs: commands that build and run it.
        build: makes it, in a folder.
        command: runs it from that folder.
        ways: protocols, each with a compression.
        warns_over: protocols over which its SDK logs a partial success.
        retries_over: protocols over which its SDK tries again when it is asked to.
    """

    name: str
    sdk: str
    needs: tuple[str, ...]
    build: Callable[[Path], None]
    command: Callable[[Path], list[str]]
    ways: tuple[tuple[str, str], ...]
    warns_over: frozenset[str]
    retries_over: frozenset[str]


def _run(*command: str | Path, cwd: Path) -> None:
    try:
        subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            check=True,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=_BUILD_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip().splitlines()[-1:] or ["no output"]
        raise Missing(f"{command[0]} failed: {said[0]}") from None
    except subprocess.TimeoutExpired:
        raise Missing(f"{command[0]} did not end") from None


def _node(folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SOURCES / "node" / name, folder)
    _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)


def _go(folder: Path) -> None:
    _run("go", "build", "-o", folder / "sender", ".", cwd=SOURCES / "go")


def _java(folder: Path) -> None:
    pom, jars = SOURCES / "java" / "pom.xml", f"-DoutputDirectory={folder}"
    _run("mvn", "-q", "-B", "-f", pom, "dependency:copy-dependencies", jars, cwd=folder)
    source = SOURCES / "java" / "Sender.java"
    _run("javac", "-d", folder, "-cp", f"{folder}/*", source, cwd=folder)


_GZIP = (("http/protobuf", "gzip"), ("grpc", "gzip"))
SENDERS = (
    Sender(
        name="node",
        sdk="JavaScript SDK",  # 0.223 and 2.12 are the last that run on Node 20
        needs=("node", "npm"),
        build=_node,
        command=lambda _: ["node", str(SOURCES / "node" / "sender.mjs")],
        ways=(("http/protobuf", "gzip"), ("http/json", "none"), ("grpc", "none")),
        warns_over=frozenset({"http/protobuf", "http/json", "grpc"}),
        retries_over=frozenset({"http/protobuf", "http/json"}),  # over gRPC it gives up
    ),
    Sender(
        name="go",
        sdk="Go SDK",
        needs=("go",),
        build=_go,
        command=lambda folder: [str(folder / "sender")],
        ways=_GZIP,
        warns_over=frozenset({"http/protobuf", "grpc"}),
        retries_over=frozenset({"http/protobuf", "grpc"}),
    ),
    Sender(
        name="java",
        sdk="Java SDK",
        needs=("java", "javac", "mvn"),
        build=_java,
        command=lambda folder: ["java", "-cp", f"{folder}:{folder}/*", "Sender"],
        ways=_GZIP,
        warns_over=frozenset(),  # it does not read the answer to what was taken
        retries_over=frozenset({"http/protobuf", "grpc"}),
    ),
)


class Way(NamedTuple):
    """A sender with a protocol."""

    sender: Sender
    protocol: str
    compression: str

    def __str__(self) -> str:
        compressed = "" if self.compression == "none" else f", {self.compression}"
        return f"{self.sender.name} over {self.protocol}{compressed}"

    __repr__ = __str__

    @property
    def service(self) -> str:
        """The service for which it sends."""
        return f"shop-{self.sender.name}"

    def start(self, endpoint: str, planted: str, **headers: str) -> subprocess.Popen[str]:
        """Run it against an address."""
        folder = BUILT / self.sender.name
        told = {
            "OTEL_EXPORTER_OTLP_PROTOCOL": self.protocol,
            "OTEL_EXPORTER_OTLP_COMPRESSION": self.compression,
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{endpoint}",
            "OTEL_EXPORTER_OTLP_HEADERS": ",".join(f"{k}={v}" for k, v in headers.items()),
            "OTEL_SERVICE_NAME": self.service,
            "PLANTED": planted,
        }
        return subprocess.Popen(
            self.sender.command(folder),
            cwd=folder,
            env=os.environ | told,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


WAYS = tuple(
    Way(sender, protocol, compression)
    for sender in SENDERS
    for protocol, compression in sender.ways
)


def ended(process: subprocess.Popen[str]) -> str:
    """Wait for the end of a sender; what it said."""
    try:
        return process.communicate(timeout=_RUN_SECONDS)[0]
    finally:
        process.kill()


def _parts(sender: Sender) -> Iterator[Path]:
    yield from sorted(file for file in (SOURCES / sender.name).iterdir() if file.is_file())


def _fingerprint(sender: Sender) -> str:
    made = hashlib.sha256()
    for file in _parts(sender):
        made.update(file.read_bytes())
    return made.hexdigest()


def lacks(sender: Sender) -> str:
    """Why a sender cannot be run as it stands; empty where it can."""
    stamp = BUILT / sender.name / _STAMP
    if not stamp.exists():
        return f"the {sender.sdk} has not been fetched, see: make interop"
    if stamp.read_text() != _fingerprint(sender):
        return f"the sender for the {sender.sdk} has changed, see: make interop"
    return ""


def build(sender: Sender) -> None:
    """Fetch and build a sender.

    Raises:
        Missing: if that cannot be done here.
    """
    missing = [name for name in sender.needs if shutil.which(name) is None]
    if missing:
        raise Missing(f"{', '.join(missing)} not on this machine")
    folder = BUILT / sender.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sender.build(folder)
    (folder / _STAMP).write_text(_fingerprint(sender))
