"""Checks what policy files say, entry by entry, and builds policies from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel

from collector.evaluate.detectors.base import Detector
from collector.evaluate.exempt import Exemption
from collector.evaluate.match import SERVICE_FIELDS, Selector
from collector.evaluate.policy import DETECTORS, AnyPolicy, Options, Terms
from collector.policydetector import detector, taken_name
from collector.policymodel import (
    DetectorEntry,
    ExemptionEntry,
    OverrideEntry,
    PackFile,
    PolicyEntry,
)
from collector.problem import Problem, quoted
from collector.validation import Fault, Where, validate
from collector.violation import Severity
from collector.yamlmap import Document

Kinds: TypeAlias = Mapping[str, type[AnyPolicy]]
M = TypeVar("M", bound=BaseModel)

#: What a policy without severity reports at most, when its kind has no grades of its own.
UNGRADED = Severity.WARNING

#: What was meant by a word, by the key that it stands under.
_ADVICE: dict[Where, str] = {("severity", "off"): "enabled: false switches a policy off"}


@dataclass(slots=True)
class Entry:
    """A policy that is right, before it is built.

    Attributes:
        document: in which it stands.
        where: its place there.
        kind: class of its kind.
        terms: options apart.
        given: options as written.
        options: the same, checked.
        enabled: whether it is judged.
    """

    document: Document
    where: Where
    kind: type[AnyPolicy]
    terms: Terms
    given: dict[str, Any]
    options: Options
    enabled: bool


@dataclass(slots=True)
class Checker:
    """Takes in files, then checks what they say about each other.

    Attributes:
        kinds: by name.
        now: seconds since the epoch.
        lasting: whether fingerprints of secrets outlive a start.
        problems: whatever is wrong.
        warnings: whatever is only doubtful.
        exemptions: those that have not expired.
        detectors: beside the shipped ones.
    """

    kinds: Kinds
    now: float
    lasting: bool = True
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    exemptions: list[Exemption] = field(default_factory=list)
    detectors: list[Detector] = field(default_factory=list)
    _detector_names: set[str] = field(default_factory=set)
    _first: dict[str, str] = field(default_factory=dict)
    _kind_of: dict[str, type[AnyPolicy]] = field(default_factory=dict)
    _entries: dict[str, Entry] = field(default_factory=dict)
    _later: list[Callable[[], None]] = field(default_factory=list)

    def detect(self, document: Document) -> None:
        """Take in the detectors of a file; policies of any file can name them afterwards.

        Args:
            document: the file.
        """
        for where, _ in _items(document, "detectors"):
            entry = self._checked(DetectorEntry, document, where)
            if entry is None:
                continue
            taken = entry.name in self._detector_names
            self._detector_names.add(entry.name)
            made = taken_name(entry) if taken else detector(entry)
            if isinstance(made, Fault):
                self._report(document, where, made)
            else:
                self.detectors.append(made)

    def add(self, document: Document) -> PackFile | None:
        """Take in a file; what refers to policies of other files is kept for `finish`.

        Args:
            document: the file.

        Returns:
            Its outermost keys; None when they are wrong.
        """
        pack = self._checked(PackFile, document, ())
        for where, item in _items(document, "policies"):
            self._policy(document, where, item)
        for key, take in (("overrides", self._override), ("exemptions", self._exemption)):
            self._later += [partial(take, document, place) for place, _ in _items(document, key)]
        return pack

    def finish(self) -> list[tuple[AnyPolicy, bool]]:
        """Every policy that could be built, and whether it is enabled."""
        for check in self._later:
            check()
        built = [(self._build(entry), entry.enabled) for entry in self._entries.values()]
        return [(policy, enabled) for policy, enabled in built if policy is not None]

    def _checked(
        self, model: type[M], document: Document, where: Where, fields: tuple[str, ...] = ()
    ) -> M | None:
        """An entry as its model; `fields` are those that its selector may have."""
        made, faults = validate(model, document.at(where))
        for fault in faults:
            narrowed = fault.where[:1] == ("select",) and fault.at_key and fields
            advice = _ADVICE.get((*fault.where[-1:], fault.found), "")
            shown = fault._replace(allowed=fields) if narrowed else fault
            self._report(document, where, shown, advice)
        return made

    def _report(self, document: Document, where: Where, fault: Fault, advice: str = "") -> None:
        self.problems.append(
            document.problem(
                (*where, *fault.where),
                fault.message,
                allowed=fault.allowed,
                found=fault.found,
                at_key=fault.at_key,
                advice=advice,
            )
        )

    def _policy(self, document: Document, where: Where, raw: object) -> None:
        said = raw if isinstance(raw, dict) else {}
        kind = self._kind(document, where, said.get("kind"))
        entry = self._checked(PolicyEntry, document, where, _fields(kind))
        self._id(document, where, said.get("id"), kind)
        if kind is None:
            return
        self._selector(document, where, kind)
        options = self._options(document, where, kind, said.get("options", {}))
        if entry is None or options is None or entry.id in self._entries:
            return
        terms = Terms(
            id=entry.id,
            kind=entry.kind,
            severity=self._severity(document, where, kind, entry.severity),
            summary=entry.summary,
            why=entry.why,
            remedy=entry.remedy,
            select=entry.select,
            references=entry.references,
            false_positives=entry.false_positives,
        )
        made = Entry(document, where, kind, terms, entry.options, options, entry.enabled)
        self._entries[entry.id] = made

    def _kind(self, document: Document, where: Where, name: object) -> type[AnyPolicy] | None:
        if not isinstance(name, str):
            return None
        if name not in self.kinds:
            fault = Fault(("kind",), f"there is no kind {quoted(name)}", tuple(self.kinds), name)
            self._report(document, where, fault)
        return self.kinds.get(name)

    def _id(
        self, document: Document, where: Where, name: object, kind: type[AnyPolicy] | None
    ) -> None:
        if not isinstance(name, str):
            return
        if name in self._first:
            fault = Fault(
                ("id",), f"{quoted(name)} is taken; it stands first at {self._first[name]}"
            )
            advice = "Ids are unique among all files; `overrides` change a policy that exists."
            self._report(document, where, fault, advice)
            return
        self._first[name] = f"{document.path}:{document.place((*where, 'id'))[0]}"
        if kind is not None:
            self._kind_of[name] = kind

    def _selector(self, document: Document, where: Where, kind: type[AnyPolicy]) -> None:
        """Name selector fields that the kind does not look at; the model names unknown ones."""
        raw = document.at((*where, "select"))
        for name in raw if isinstance(raw, dict) else ():
            if name in Selector.model_fields and name not in _fields(kind):
                message = f"this kind does not look at {quoted(name)}"
                fault = Fault(("select", name), message, _fields(kind), at_key=True)
                self._report(document, where, fault)

    def _options(
        self, document: Document, where: Where, kind: type[AnyPolicy], raw: object
    ) -> Options | None:
        if not isinstance(raw, dict):
            return None
        made, faults = validate(
            kind.options_type, raw, {DETECTORS: tuple(sorted(self._detector_names))}
        )
        for fault in faults:
            self._report(document, (*where, "options"), fault)
        return made

    def _severity(
        self, document: Document, where: Where, kind: type[AnyPolicy], name: str | None
    ) -> Severity:
        """The severity that is meant; a warning when the kind never reports it."""
        grades = kind.meta.severities
        highest = max(grades, default=UNGRADED)
        severity = Severity.parse(name) if name else highest
        if grades and severity > highest:
            message = f"this kind never reports {quoted(name)}; its highest is {highest.label}"
            allowed = tuple(grade.label for grade in sorted(grades))
            self.warnings.append(document.problem((*where, "severity"), message, allowed=allowed))
        return severity

    def _named(self, document: Document, where: Where) -> str:
        """The policy that an override or exemption is for; empty, and named, if there is none."""
        raw = document.at((*where, "policy"))
        if not isinstance(raw, str):
            return ""
        if raw in self._first:
            return raw
        message = f"no loaded file has a policy {quoted(raw)}"
        self._report(document, where, Fault(("policy",), message, tuple(self._first), raw))
        return ""

    def _override(self, document: Document, where: Where) -> None:
        name = self._named(document, where)
        kind = self._kind_of.get(name)
        override = self._checked(OverrideEntry, document, where, _fields(kind))
        if kind is None:
            return
        self._selector(document, where, kind)
        entry = self._entries.get(name)
        given = document.at((*where, "options"))
        merged = (entry.given if entry else {}) | (given if isinstance(given, dict) else {})
        options = self._options(document, where, kind, merged)
        if override is None or options is None or entry is None:
            return
        entry.given, entry.options = merged, options
        if override.severity:
            severity = self._severity(document, where, kind, override.severity)
            entry.terms = replace(entry.terms, severity=severity)
        if override.select is not None:
            entry.terms = replace(entry.terms, select=override.select)
        if override.enabled is not None:
            entry.enabled = override.enabled

    def _exemption(self, document: Document, where: Where) -> None:
        entry = self._checked(ExemptionEntry, document, where)
        name = self._named(document, where)
        if entry is None or not name or not self._narrowed(document, where, entry, name):
            return
        end = _end_of(entry.expires)
        if end <= self.now:
            message = f"the exemption from {quoted(name)} expired on {entry.expires}: not applied"
            advice = f"{entry.owner} answers for it: mend the cause, or renew it with a reason."
            self.warnings.append(document.problem((*where, "expires"), message, advice=advice))
            return
        self.exemptions.append(
            Exemption(
                name,
                entry.service,
                entry.subject,
                entry.owner,
                entry.reason,
                end,
                tuple(_evidence(entry).items()),
            )
        )

    def _narrowed(self, document: Document, where: Where, entry: ExemptionEntry, name: str) -> bool:
        """Whether the evidence that an exemption asks for is one that its policy can give."""
        kind = self._kind_of.get(name)
        known = kind.meta.exempts if kind is not None else frozenset()
        asked = _evidence(entry)
        for field_name in asked.keys() - known if kind is not None else ():
            message = f"violations of {quoted(name)} have no {field_name}"
            self._report(document, where, Fault((field_name,), message, at_key=True))
        if "fingerprint" in asked and not self.lasting:
            message = "fingerprints change at each start, because no key of theirs is configured"
            advice = "Set secrets.fingerprint_key_file, or exempt by key, member or detector."
            self._report(document, where, Fault(("fingerprint",), message, at_key=True), advice)
            return False
        return asked.keys() <= known

    def _build(self, entry: Entry) -> AnyPolicy | None:
        try:
            return entry.kind(entry.terms, entry.options)
        except ValueError as error:
            self._report(entry.document, (*entry.where, "options"), Fault((), str(error)))
            return None


def _fields(kind: type[AnyPolicy] | None) -> tuple[str, ...]:
    """Fields of a selector that a kind understands; every field when the kind is not known."""
    usable = SERVICE_FIELDS | kind.meta.selectors if kind else set(Selector.model_fields)
    return tuple(name for name in Selector.model_fields if name in usable)


def _evidence(entry: ExemptionEntry) -> dict[str, str]:
    """What an exemption asks of the evidence, by name."""
    asked = {name: getattr(entry, name) for name in ("detector", "key", "member", "fingerprint")}
    return {name: text for name, text in asked.items() if text is not None}


def _items(document: Document, key: str) -> list[tuple[Where, Any]]:
    """Items of a list in a file, each with its place; none when it is no list."""
    items = document.at((key,))
    return [((key, i), item) for i, item in enumerate(items)] if isinstance(items, list) else []


def _end_of(day: date) -> float:
    """When a day is over, in UTC, as seconds since the epoch."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return midnight.timestamp() + timedelta(days=1).total_seconds()
