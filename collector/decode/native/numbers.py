"""Numbers for what the pass over a finished trace compares by number alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from collector.classify import SpanKind
from collector.decode.profiles import Profile
from collector.statements import Verb
from collector.views import NoteKind, Resource


class Names:
    """Numbers for values that are compared often; a number is never given twice.

    A name is forgotten when it was released as often as its number was taken.
    """

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}
        self._names: dict[int, Any] = {}
        self._more: dict[Any, int] = {}  # how often it was taken, beyond once
        self._next = 0

    def take(self, name: Any) -> int:  # noqa: ANN401 (any hashable value)
        """The number of a name, given now if it has none."""
        number = self._numbers.get(name)
        if number is None:
            number = self._next
            self._names[number] = name  # first, so that no failure leaves a number without a name
            self._numbers[name] = number
            self._next = (number + 1) & 0xFFFFFFFF
        else:
            self._more[name] = self._more.get(name, 0) + 1
        return number

    def named(self, number: int) -> Any:  # noqa: ANN401 (any hashable value)
        """The name that a number stands for."""
        return self._names[number]

    def release(self, name: Any) -> None:  # noqa: ANN401 (any hashable value)
        """One who took the number of a name needs it no longer."""
        more = self._more.get(name, 0)
        if more > 1:
            self._more[name] = more - 1
        elif more:
            del self._more[name]
        else:
            del self._names[self._numbers.pop(name)]

    def __len__(self) -> int:
        return len(self._numbers)


#: As `table.pxd` numbers them.
_FACTS: tuple[Callable[[Profile], bool], ...] = (
    lambda one: one.failed,
    lambda one: one.attempts.repeated,
    lambda one: bool(one.route),
    lambda one: one.facts.selected,
    lambda one: one.facts.cache_read,
    lambda one: one.facts.cache_answer,
    lambda one: one.facts.effect,
    lambda one: one.facts.outbox,
    lambda one: one.statement.verb is Verb.READ,
    lambda one: one.statement.verb is Verb.BEGIN,
    lambda one: bool(one.statement.system),
    lambda one: bool(one.statement.text),
    lambda one: one.facts.gave_up,
    lambda one: one.facts.removes,
)

#: Of which spans a kind of note may be made; what is asked of each span comes after.
_NOTED: dict[NoteKind, Callable[[Profile], bool]] = {
    NoteKind.KEYED: lambda one: one.kind in (SpanKind.SERVER, SpanKind.CONSUMER),
    NoteKind.LOAD: lambda one: one.kind is SpanKind.CLIENT and one.statement.verb is Verb.READ,
    NoteKind.CLIENT_ROOT: lambda one: one.kind is SpanKind.CLIENT,
    NoteKind.UNLINKED: lambda one: one.kind is SpanKind.CONSUMER,
    NoteKind.LATE_MESSAGE: lambda one: one.kind is SpanKind.CONSUMER,
    NoteKind.LONG_CALL: lambda one: one.kind is SpanKind.CLIENT,
    NoteKind.DEEP_OFFSET: lambda one: True,  # noqa: ARG005 (all look alike)
    NoteKind.MANY_ROWS: lambda one: True,  # noqa: ARG005
    NoteKind.DUAL_WRITE: lambda one: one.facts.publish,
    NoteKind.SELECTED: lambda one: one.facts.selected,
}


def facts_of(profile: Profile) -> int:
    """What the scanner is told of a profile, as bits."""
    return sum(holds(profile) << bit for bit, holds in enumerate(_FACTS))


def notes_of(profile: Profile) -> int:
    """The kinds of notes that may be made of its spans, as bits."""
    return sum(_NOTED[kind](profile) << bit for bit, kind in enumerate(NoteKind))


#: Names, each in what numbers them.
_Named: TypeAlias = tuple[tuple[Names, Any], ...]


class Numbers:
    """What the pass over a finished trace compares by number alone."""

    def __init__(self) -> None:
        self.services = Names()
        self.names = Names()
        self.calls = Names()
        self.operations = Names()
        self.queries = Names()

    def take_resource(self, resource: Resource) -> tuple[int, ...]:
        """Numbers of its service and of that one's name."""
        return _taken(self._of_resource(resource))

    def release_resource(self, resource: Resource) -> None:
        """It is forgotten."""
        _release(self._of_resource(resource))

    def take_profile(self, profile: Profile) -> tuple[int, ...]:
        """Numbers of its call, operation and query."""
        return _taken(self._of_profile(profile))

    def release_profile(self, profile: Profile) -> None:
        """It is forgotten."""
        _release(self._of_profile(profile))

    def _of_resource(self, resource: Resource) -> _Named:
        service = resource.service
        return (self.services, service), (self.names, service.name)

    def _of_profile(self, profile: Profile) -> _Named:
        peer, operation = profile.peer, profile.operation
        return (
            (self.calls, (peer, operation)),
            (self.operations, operation),
            (self.queries, (peer, profile.statement.text)),
        )


def _taken(named: _Named) -> tuple[int, ...]:
    """All of the numbers, or none where one cannot be taken."""
    taken: list[int] = []
    try:
        for names, name in named:
            taken.append(names.take(name))
    except BaseException:
        _release(named[: len(taken)])
        raise
    return tuple(taken)


def _release(named: _Named) -> None:
    for names, name in named:
        names.release(name)
