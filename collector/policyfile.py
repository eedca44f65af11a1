"""Reads policy files: all their policies, or everything that is wrong with any of them."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from collector.evaluate import registry
from collector.evaluate.detectors.base import Detector
from collector.evaluate.exempt import Exemption
from collector.evaluate.policy import AnyPolicy
from collector.policycheck import Checker, Kinds
from collector.problem import Problem, ProblemsError
from collector.yamlmap import Document, read

SUFFIXES = (".yaml", ".yml")
TEST_SUFFIX = ".test.yaml"


@dataclass(frozen=True, slots=True)
class Pack:
    """A policy file that was loaded.

    Attributes:
        name: as the file says, else the file's own.
        summary: what it is for.
        path: of the file.
        policies: ids of its policies, disabled ones too.
        changes: ids of policies that its overrides change.
    """

    name: str
    summary: str
    path: Path
    policies: tuple[str, ...]
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """What policy files amount to.

    Attributes:
        policies: those that are enabled, in the order of files and lines.
        exemptions: those that have not expired.
        warnings: what a user should know; sorted by place.
        packs: the files.
        disabled: policies that are not enabled.
        detectors: those beside the shipped ones.
    """

    policies: tuple[AnyPolicy, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    warnings: tuple[Problem, ...] = ()
    packs: tuple[Pack, ...] = ()
    disabled: tuple[AnyPolicy, ...] = ()
    detectors: tuple[Detector, ...] = ()

    def pack_of(self, policy_id: str) -> str:
        """Name of the pack in which a policy stands, or empty."""
        return next((pack.name for pack in self.packs if policy_id in pack.policies), "")

    def of_pack(self, path: Path) -> Loaded:
        """The same with those policies alone that a file holds or changes.

        Args:
            path: of the file.
        """
        ids = {
            one
            for pack in self.packs
            if pack.path.resolve() == path.resolve()
            for one in (*pack.policies, *pack.changes)
        }
        return replace(
            self,
            policies=tuple(one for one in self.policies if one.terms.id in ids),
            disabled=tuple(one for one in self.disabled if one.terms.id in ids),
        )

    def fresh(self, enable: Collection[str] = ()) -> list[AnyPolicy]:
        """The enabled policies anew, without anything they have seen.

        Args:
            enable: ids of disabled policies that are to be among them.
        """
        further = (policy for policy in self.disabled if policy.terms.id in enable)
        return [type(one)(one.terms, one.options) for one in (*self.policies, *further)]


def packs_directory() -> Path:
    """Where the shipped packs are: inside an installed package, else in the checkout."""
    here = Path(__file__).parent
    installed = here / "packs"
    return installed if installed.is_dir() else here.parent / "policies"


def load(
    paths: Iterable[Path | str],
    known_kinds: Kinds | None = None,
    *,
    now: float | None = None,
    lasting_fingerprints: bool = True,
) -> Loaded:
    """Load policy files.

    Args:
        paths: files, or directories of which every `*.yaml` but `*.test.yaml` is loaded.
        known_kinds: by name; the registry's without it.
        now: seconds since the epoch, for exemptions; the present without it.
        lasting_fingerprints: whether a secret has the same fingerprint after each start; an
            exemption by fingerprint is refused where it has not.

    Raises:
        ProblemsError: with all problems of all files.
    """
    kinds = registry.known() if known_kinds is None else known_kinds
    checker = Checker(kinds, time.time() if now is None else now, lasting_fingerprints)
    packs = []
    documents = list(_read(_files(paths, checker.problems), checker.problems))
    for _, document in documents:
        checker.detect(document)
    for path, document in documents:
        said = checker.add(document)
        if said is not None:
            name = said.pack or path.name.split(".")[0]
            ids, changes = _texts(said.policies, "id"), _texts(said.overrides, "policy")
            packs.append(Pack(name, said.summary, path, ids, changes))
    policies = checker.finish()
    if checker.problems:
        raise ProblemsError(checker.problems)
    return Loaded(
        policies=tuple(policy for policy, enabled in policies if enabled),
        exemptions=tuple(checker.exemptions),
        warnings=tuple(sorted(checker.warnings, key=lambda one: (one.path, one.line))),
        packs=tuple(packs),
        disabled=tuple(policy for policy, enabled in policies if not enabled),
        detectors=tuple(checker.detectors),
    )


def _texts(items: Iterable[object], key: str) -> tuple[str, ...]:
    found = (item.get(key) for item in items if isinstance(item, dict))
    return tuple(text for text in found if isinstance(text, str))


def _read(files: Iterable[Path], problems: list[Problem]) -> Iterator[tuple[Path, Document]]:
    for path in files:
        try:
            yield path, read(path)
        except ProblemsError as error:
            problems += error.problems


def _files(paths: Iterable[Path | str], problems: list[Problem]) -> list[Path]:
    found: dict[Path, Path] = {}
    for path in map(Path, paths):
        files = [path]
        if path.is_dir():
            files = sorted(p for p in path.iterdir() if is_pack(p))
            if not files:
                advice = "Name a directory that holds policy files, or a file."
                problems.append(Problem(str(path), message="holds no *.yaml file", advice=advice))
        for file in files:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def is_pack(path: Path) -> bool:
    """Whether a file in a directory is taken for a policy file.

    Args:
        path: of the file.
    """
    is_test = path.name.endswith((TEST_SUFFIX, ".test.yml"))
    return path.suffix in SUFFIXES and not is_test and path.is_file()


def paths_of(shipped: bool, paths: Sequence[Path | str]) -> list[Path]:
    """Everything to load: the shipped packs when wanted, then what a user named.

    Args:
        shipped: whether the shipped packs are loaded.
        paths: of the user.
    """
    return [*([packs_directory()] if shipped else []), *map(Path, paths)]
