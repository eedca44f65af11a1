"""Numbers for what the pass over a finished trace compares by number alone."""

from __future__ import annotations

from typing import Any

from collector.decode.profiles import Profile
from collector.views import Resource
from collector.violation import Service


class Names:
    """Numbers for values that are compared often; a number is never given twice."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}
        self._names: dict[int, Any] = {}
        self._next = 0

    def number(self, name: Any) -> int:  # noqa: ANN401 (any hashable value)
        """The number of a name, given now if it has none."""
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = self._next
            self._names[number] = name
            self._next = (self._next + 1) & 0xFFFFFFFF
        return number

    def named(self, number: int) -> Any:  # noqa: ANN401 (any hashable value)
        """The name that a number stands for."""
        return self._names[number]

    def keep(self, names: set[Any]) -> None:
        """Forget all other names."""
        for name in [name for name in self._numbers if name not in names]:
            del self._names[self._numbers.pop(name)]


class Numbers:
    """What the pass over a finished trace compares by number alone."""

    def __init__(self) -> None:
        self.services = Names()
        self.names = Names()
        self.calls = Names()
        self.operations = Names()

    def keep(self, profiles: list[Profile], resources: list[Resource]) -> None:
        """Forget all that neither these profiles nor these resources need."""
        services: set[Service] = {resource.service for resource in resources}
        self.services.keep(services)
        self.names.keep({service.name for service in services})
        self.calls.keep({(profile.peer, profile.operation) for profile in profiles})
        self.operations.keep({profile.operation for profile in profiles})
