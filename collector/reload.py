"""New policies in a running auditor: what has not changed keeps what it has seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from collector.evaluate.policy import AnyPolicy
from collector.policyfile import is_pack


def kept(before: Iterable[AnyPolicy], after: Iterable[AnyPolicy]) -> list[AnyPolicy]:
    """The policies to run from now on: the old object where nothing about a policy has changed.

    Args:
        before: those that run.
        after: those that were loaded.
    """
    known = {policy.terms.id: policy for policy in before}
    return [_same(known.get(policy.terms.id), policy) for policy in after]


def _same(old: AnyPolicy | None, new: AnyPolicy) -> AnyPolicy:
    if old is None or type(old) is not type(new):
        return new
    unchanged = old.options == new.options and old.terms == new.terms
    return old if unchanged else new


class Files:
    """Tells when policy files have changed, were added or removed.

    Args:
        paths: files and directories.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = tuple(paths)
        self._seen = self._state()

    def changed(self) -> bool:
        """Whether anything is different since this was asked last."""
        before, self._seen = self._seen, self._state()
        return before != self._seen

    def _state(self) -> tuple[object, ...]:
        return tuple(_stamp(file) for path in self._paths for file in _files(path))


def _files(path: Path) -> list[Path]:
    try:
        return sorted(one for one in path.iterdir() if is_pack(one)) if path.is_dir() else [path]
    except OSError:
        return [path]


def _stamp(path: Path) -> object:
    """Equal while a file is the same; a ConfigMap of Kubernetes changes by way of a link."""
    try:
        found = path.stat()
    except OSError:
        return str(path), None
    return str(path), found.st_mtime_ns, found.st_ino, found.st_size


class Attempts:
    """What came of loading files again, for `/readyz` and metrics.

    Args:
        what: is in them.
        clock: seconds since 1970.
    """

    def __init__(self, what: str, clock: Callable[[], float]) -> None:
        self._what = what
        self._clock = clock
        self.loaded = 0
        self.failed = 0
        self.last_loaded = clock()
        self.problem = ""

    def succeeded(self) -> None:
        """What is in them now is in force."""
        self.loaded += 1
        self.last_loaded = self._clock()
        self.problem = ""

    def failed_for(self, problem: str) -> None:
        """What was good last stays in force.

        Args:
            problem: the first thing that is wrong, in a line.
        """
        self.failed += 1
        self.problem = problem

    def notes(self) -> list[str]:
        """What whoever asks for readiness should know, though it changes nothing."""
        return [f"{self._what} were not loaded again: {self.problem}"] if self.problem else []
