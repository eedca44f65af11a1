"""Policy files and configuration files: loaded, or refused with the file and the line.

An input is a byte that says which of the two it is, and a file.
"""

from __future__ import annotations

import atexit
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

from inputs.target import Target

from collector import configload, policyfile
from collector.problem import Problem, ProblemsError

_NOW = 1_800_000_000.0
_LINE_END = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
#: What concerns a file as such and no line of it.
_WHOLE_FILE = re.compile(r"larger than \d+ bytes|nothing stands where keys are expected")
_FOLDER = Path(tempfile.mkdtemp(prefix="fuzz-policies-"))
_PATH = _FOLDER / "policies.yaml"
_PACKS = policyfile.packs_directory()
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)


def run(data: bytes) -> None:
    """The same comes out twice, and whatever is refused is refused legibly and in its place."""
    read = _configuration if data[:1] == b"c" else _policies
    _PATH.write_bytes(data[1:])
    first = _outcome(read)
    assert _outcome(read) == first
    if isinstance(first, list):
        assert first
        for problem in first:
            _is_legible(problem, data[1:])


def _policies() -> Any:
    """All that a policy file says, as it can be compared."""
    loaded = policyfile.load([_PATH], now=_NOW)
    assert len(loaded.fresh()) == len(loaded.policies)
    for warning in loaded.warnings:
        _is_printable(warning.render())
    return (
        [(one.terms, one.options) for one in (*loaded.policies, *loaded.disabled)],
        [astuple(one) for one in loaded.exemptions],
        loaded.warnings,
        loaded.packs,
        [one.name for one in loaded.detectors],
    )


def _configuration() -> Any:
    config = configload.load(_PATH)
    again = configload.as_yaml(config)
    _is_printable(again)
    return config, again


def _outcome(read: Callable[[], Any]) -> Any:
    """What was read, or the list of what is wrong."""
    try:
        return read()
    except ProblemsError as refused:
        _is_printable(str(refused))
        return refused.problems


def _is_legible(problem: Problem, data: bytes) -> None:
    assert problem.path == str(_PATH), problem
    assert problem.message, problem
    if _WHOLE_FILE.fullmatch(problem.message):
        return
    lines = len(_LINE_END.split(data.decode("utf-8-sig", "replace")))
    assert 1 <= problem.line <= lines, problem
    assert problem.column >= 1, problem


def _is_printable(text: str) -> None:
    text.encode()
    assert text.replace("\n", "").isprintable(), ascii(text)


def seeds() -> Iterator[bytes]:
    """Shipped packs in pieces, every part of a file, and what YAML has that no pack needs."""
    for path in sorted(_PACKS.glob("*.yaml")):
        if not path.name.endswith(policyfile.TEST_SUFFIX):
            head, *policies = path.read_text().split("\n  - id: ")
            for one in policies[:2]:
                yield f"p{head}\n  - id: {one}".encode()
    for text in (_EVERYTHING, *_YAML):
        yield b"p" + text.encode()
    for text in (_CONFIGURATION, *_YAML):
        yield b"c" + text.encode()


_EVERYTHING = """\
pack: own
summary: ours
detectors:
  - {name: acme-token, literals: [acme_], expression: "acme_(?P<secret>[a-z0-9]{20})"}
policies:
  - id: no-retries
    kind: retry_storm
    summary: too many
    remedy: back off
    severity: warning
    select: {services: ["shop*"], exclude_services: [test]}
    options: {min_calls: 20}
exemptions:
  - {policy: no-retries, service: shop, owner: us, reason: known, expires: 2030-01-01}
overrides:
  - {policy: no-retries, enabled: false}
"""
_CONFIGURATION = """\
grpc: {address: "127.0.0.1:4317", max_bytes: 1000}
http: {address: "unix:/run/a.sock", body_timeout_seconds: 1.5}
tls: {certificate_file: a, key_file: b}
forward: {endpoint: "https://hop:4317", protocol: grpc, headers: {x-a: b}, pass_headers: [authorization]}
policies: {paths: [a.yaml], shipped: false}
otlp: {endpoint: "http://a:4318", headers: {authorization: b}}
"""  # noqa: E501 (a line of a file)
_YAML = (
    "", "a", "[1]", "a: &x {b: 1}\nc: *x\n", "<<: {a: 1}", "a: 1\na: 2", "? [a]\n: b",
    "%YAML 1.1\n---\na: b", "a: !!int '1'\nb: !!binary aGk=\nc: !!timestamp 2001-01-01",
    'a: "\\U0010FFFF\\ud800\\x41"', "a: |\n  b\n",
    "a: 0x1F\nb: 1:30\nc: 2001-12-14t21:59:43.10-05:00\nd: .inf\ne: .nan", "a:\n\t- b",
    "\ufeffa: b", "--- a\n...\n--- b", "policies: [" + "[" * 60, "a: \u2028 b",
    "policies:\n  - kind: [x]\n    id: 5\n", "!!set {a}", "#\n# x\n- ",
)  # fmt: skip

WORDS = tuple(
    word.encode()
    for word in (
        "policies:\n", "  - id: a-b\n", "    kind: ", "    options: {", "    select: {",
        "exemptions:\n", "overrides:\n", "detectors:\n", "enabled: false\n", "expires: 2030-01-01",
        "fingerprint: 0123456789abcdef", "severity: critical\n", "!!", "!!int ", "!!bool ",
        "!!timestamp ", "!!binary ", "!!python/object:a ", "&a ", "*a", "<<: ", "? ", "- ", ": ",
        "{", "}", "[", "]", "'", '"', "|\n", ">-\n", "#", "%TAG ", "---\n", "...\n",
        '"\\U00110000"', '"\\ud800"', "\t", "\r\n", "\u2028", "\x85", "\ufeff", "0x" + "f" * 40,
        "9" * 40, ".inf", ".nan", "1_000", "null", "~", "expression: ", "(?P<secret>",
        "literals: [", "keys: [", "min_entropy: ", "exclude_keys: ", "*" * 9, "grpc: ", "http: ",
        "address: ",
    )
)  # fmt: skip

TARGET = Target(run, seeds, WORDS)
