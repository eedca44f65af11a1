"""Which services' traces are sampled, as far as their telemetry shows it.

A share of sampled traces still holds when they were chosen by chance (at the head); a count does
not. When they were chosen for what became of them (at the tail), neither does: errors are then
more frequent than they are. So violations that count spans say so.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from collector.demand import Demand
from collector.evaluate.policy import Pick
from collector.generations import Generations
from collector.views import TRACE_STATE_KEY, Place, Shape, Value
from collector.violation import Service, Signal, Violation


class Way(StrEnum):
    """How traces were chosen."""

    HEAD = "head"
    TAIL = "tail"


_TOLD = {
    Way.HEAD: "; its traces are sampled by chance: shares hold, counts do not",
    Way.TAIL: "; its traces are sampled by their outcome: neither shares nor counts hold",
}

# The Collector's tail sampling processor says on the scope which of its policies took a trace.
_TAIL = "tailsampling."
_HEAD = "sampling."
_PRIORITY = "sampling.priority"  # a wish, and no sign that it was heard
_LONGEST_STATE = 512  # characters that W3C asks to be passed on
_MOST_STATES = 256  # of one batch: who samples says so in every trace


class Sampling:
    """Remembers the services that show signs of sampling.

    A sign is remembered for as long as there is room: what is clean and does not change is
    handed over once.

    Args:
        max_services: remembered at most.
    """

    #: Where signs of it stand, beside attributes of spans.
    demand = Demand(places=frozenset({Place.TRACE_STATE, Place.SCOPE_ATTRIBUTE}))

    #: The values that are to be shown.
    pick = Pick(
        key=lambda key: key == TRACE_STATE_KEY or key.startswith(_TAIL),
        most=_MOST_STATES,
    )

    def __init__(self, max_services: int = 10_000) -> None:
        self._ways: Generations[Service, Way] = Generations(max_services)

    def see_shape(self, shape: Shape) -> None:
        """Look at the attributes of a kind of span."""
        if shape.signal is Signal.TRACES:
            for key in shape.keys:
                if key.startswith(_TAIL):
                    self._note(shape.resource.service, Way.TAIL)
                elif key.startswith(_HEAD) and key != _PRIORITY:
                    self._note(shape.resource.service, Way.HEAD)

    def see_value(self, value: Value) -> None:
        """Look at a value that was picked."""
        state = value.key == TRACE_STATE_KEY
        if state and not sampled_by(value.text):
            return
        for sighting in value.sightings:
            if not state or sighting.place is Place.TRACE_STATE:
                self._note(sighting.resource.service, Way.HEAD if state else Way.TAIL)

    def of(self, service: Service) -> Way | None:
        """How the traces of a service are sampled; None when nothing shows that they are."""
        return self._ways.get(service)

    def told(self, violation: Violation) -> Violation:
        """A violation that says so where its service's traces are sampled."""
        way = self._ways.get(violation.service)
        if way is None:
            return violation
        return replace(
            violation,
            summary=violation.summary + _TOLD[way],
            evidence={**violation.evidence, "sampling": str(way)},
        )

    def _note(self, service: Service, way: Way) -> None:
        if self._ways.get(service) is not Way.TAIL:
            self._ways[service] = way


def sampled_by(state: str) -> bool:
    """Whether a trace state says that a trace was kept with a probability below one.

    Args:
        state: of a span; ``ot=th:c`` rejects three of four, ``ot=th:0`` none. Before there was
            the exponent of a half, ``ot=p:2``.
    """
    for member in state[:_LONGEST_STATE].split(","):
        vendor, _, fields = member.strip().partition("=")
        if vendor != "ot":
            continue
        for field in fields.split(";"):
            name, _, value = field.partition(":")
            if name in ("th", "p") and value.strip("0"):
                return True
    return False
