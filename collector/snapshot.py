"""State over restarts: one file, replaced as a whole, versioned and checked before it is believed.

It holds what policies with long windows have seen, as counts and keyed hashes, and the findings
that are open, masked as everywhere. The hashes' key is in it too, so only its owner may read it.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from collector.evaluate.policy import AnyPolicy

_LOG = logging.getLogger("telemetry_auditor")
_MAGIC = b"telemetry-auditor snapshot\n"
_VERSION = 1
_DIGEST = 32
_HEAD = len(_MAGIC) + _DIGEST
_SET_ASIDE = ".broken"


class PolicyState(msgspec.Struct, array_like=True):
    """What a policy has seen.

    Attributes:
        kind: of the policy.
        options: hash of its options; with others the state means something else.
        state: what `Policy.saved` gave.
    """

    kind: str
    options: bytes
    state: Any


class Snapshot(msgspec.Struct, array_like=True):
    """What is kept over a restart.

    Attributes:
        version: of this form.
        written: seconds since 1970.
        seed: of the decoder's hashes.
        policies: by id.
        findings: that are open.
    """

    version: int
    written: float
    seed: bytes
    policies: dict[str, PolicyState]
    findings: list[Any]


class BrokenError(Exception):
    """A file is no snapshot that this version can read; the text says why, in a few words."""


def options_hash(policy: AnyPolicy) -> bytes:
    """Equal for equal options."""
    return sha256(policy.options.model_dump_json().encode()).digest()[:16]


def encode(snapshot: Snapshot) -> bytes:
    """The snapshot as the bytes of a file."""
    content = msgspec.msgpack.encode(snapshot)
    return _MAGIC + sha256(content).digest() + content


def decode(data: bytes) -> Snapshot:
    """What `encode` made.

    Args:
        data: of a file.

    Raises:
        BrokenError: if it is anything else.
    """
    if not data.startswith(_MAGIC):
        raise BrokenError("it is no snapshot")
    content = data[_HEAD:]
    if sha256(content).digest() != data[len(_MAGIC) : _HEAD]:
        raise BrokenError("its checksum is wrong")
    try:
        found = msgspec.msgpack.decode(content, type=Snapshot)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError) as error:
        raise BrokenError("it cannot be read") from error
    if found.version != _VERSION:
        raise BrokenError(f"its version is {found.version}, not {_VERSION}")
    return found


def make(
    policies: Mapping[str, tuple[AnyPolicy, object]], findings: list[Any], seed: bytes, now: float
) -> Snapshot:
    """A snapshot.

    Args:
        policies: by id, each with what it saved.
        findings: that are open.
        seed: of the decoder's hashes.
        now: seconds since 1970.
    """
    states = {
        name: PolicyState(policy.terms.kind, options_hash(policy), state)
        for name, (policy, state) in policies.items()
    }
    return Snapshot(_VERSION, now, seed, states, findings)


class SnapshotFile:
    """Where the snapshot is. Whatever goes wrong with it, the program works as it does without.

    Args:
        path: of the file; its folder must be there.
        max_age_seconds: an older one is not believed: its windows have passed.
        failed: told each time when it cannot be written.
    """

    def __init__(self, path: Path, max_age_seconds: float, failed: Callable[[], None]) -> None:
        self._path = path
        self._max_age = max_age_seconds
        self._failed = failed
        self._told = False

    def load(self, now: float) -> Snapshot | None:
        """The snapshot; None when there is none, or it is too old, or from the future.

        One that is broken is set aside under a name of its own.

        Args:
            now: seconds since 1970.
        """
        try:
            found = decode(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            _LOG.warning("snapshot.file %s cannot be read: %s", self._path, error.strerror)
            return None
        except BrokenError as error:
            self._set_aside(error)
            return None
        if not 0 <= now - found.written <= self._max_age:
            _LOG.warning("snapshot.file %s is too old, or from the future", self._path)
            return None
        return found

    def store(self, snapshot: Snapshot) -> None:
        """Put a snapshot in the place of the one before."""
        try:
            handle, made = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}-")
            try:
                with os.fdopen(handle, "wb") as file:  # mkstemp lets its owner alone read it
                    file.write(encode(snapshot))
                    file.flush()
                    os.fsync(file.fileno())
                Path(made).replace(self._path)
            except OSError:
                Path(made).unlink(missing_ok=True)
                raise
        except OSError as error:
            self._failed()
            if not self._told:
                _LOG.error("snapshot.file %s cannot be written: %s", self._path, error.strerror)
            self._told = True
        else:
            self._told = False

    def _set_aside(self, error: BrokenError) -> None:
        aside = self._path.with_name(self._path.name + _SET_ASIDE)
        try:
            self._path.replace(aside)
        except OSError as failure:
            _LOG.warning(
                "snapshot.file %s is not used: %s, %s", self._path, error, failure.strerror
            )
        else:
            _LOG.warning("snapshot.file %s is not used: %s; see %s", self._path, error, aside)


def restore(snapshot: Snapshot, policies: tuple[AnyPolicy, ...], now: float) -> int:
    """Let policies go on from a snapshot.

    Args:
        snapshot: as loaded.
        policies: those that run; one whose kind or options have changed starts anew.
        now: seconds since 1970.

    Returns:
        How many did.
    """
    restored = 0
    for policy in policies:
        found = snapshot.policies.get(policy.terms.id)
        known = found is not None and found.kind == policy.terms.kind
        if found is None or not known or found.options != options_hash(policy):
            continue
        try:
            policy.restore(found.state, now)
        except Exception as error:  # noqa: BLE001 (whatever a file says, the program runs)
            _LOG.warning(
                "policy %s starts anew: %s in its snapshot", policy.terms.id, type(error).__name__
            )
            continue
        restored += 1
    return restored
