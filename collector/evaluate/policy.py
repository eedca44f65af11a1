"""What a kind of policy is: options, meta, and a class that turns views into violations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict

from collector.demand import Demand
from collector.evaluate.match import Matcher, Selector
from collector.views import Note, Orphan, Row, Series, Shape, ShapeCount, Tally, Trace, Value
from collector.violation import Basis, Evidence, Service, Severity, Signal, Violation

#: Under this name the validators of options find the detectors that a user has added.
DETECTORS = "detectors"


class Options(BaseModel):
    """Options of a kind: frozen, every one with a default and its source."""

    model_config = ConfigDict(frozen=True, extra="forbid")


O_co = TypeVar("O_co", bound=Options, covariant=True)


@dataclass(frozen=True, slots=True)
class Meta:
    """Facts about a kind that its class states once.

    Attributes:
        signals: in which its violations are seen; a zero series is born for each.
        severities: the grades it can report, before the policy's own bound; empty when it
            reports whatever severity its policy has.
        since: release that brought it.
        selectors: fields of `Selector` that it understands beside those on services.
        exempts: names in its evidence by which an exemption can excuse a part of it.
    """

    signals: tuple[Signal, ...]
    severities: tuple[Severity, ...]
    since: str
    selectors: frozenset[str] = frozenset()
    exempts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Terms:
    """What a policy file says about a policy, options apart.

    Attributes:
        id: unique among all loaded policies.
        kind: name of the kind.
        severity: the highest severity that it reports.
        summary: what is wrong, in one sentence.
        why: why it matters.
        remedy: what to do.
        select: to which telemetry it applies.
        references: where to read more.
        false_positives: known cases in which it is wrong.
    """

    id: str
    kind: str
    severity: Severity = Severity.CRITICAL
    summary: str = ""
    why: str = ""
    remedy: str = ""
    select: Selector = field(default_factory=Selector)
    references: tuple[str, ...] = ()
    false_positives: tuple[str, ...] = ()


class Hit(NamedTuple):
    """A secret or personal datum that a detector found in a value.

    Attributes:
        detector: name of the detector.
        severity: what the detector's rank amounts to.
        preview: masked; safe to show.
        fingerprint: keyed hash of the secret; equal secrets have equal ones.
        within: name of the baggage member or inner key in which it stood, or empty.
        baggage: whether it stood in a member of W3C baggage.
        expires: when the secret opens nothing any more, in seconds since 1970; None for never.
        opt_in: whether only policies that named the detector may report it.
    """

    detector: str
    severity: Severity
    preview: str
    fingerprint: str
    within: str = ""
    baggage: bool = False
    expires: float | None = None
    opt_in: bool = False

    def aged(self, now: float) -> Hit:
        """The same at a time; a secret that has expired opens nothing: it is for information."""
        expired = self.expires is not None and self.expires < now
        return self._replace(severity=Severity.INFO) if expired else self


class Judged(NamedTuple):
    """A value with what the detectors found in it; empty when no policy wants detectors."""

    value: Value
    hits: tuple[Hit, ...]


class Budget:
    """How many more looks a second has room for.

    Args:
        per_second: looks; the first one after a second begins another.
    """

    def __init__(self, per_second: int) -> None:
        self._per_second = self._left = per_second
        self._second = float("-inf")

    def left(self, now: float) -> int:
        """Looks that may still be taken."""
        if now - self._second >= 1:
            self._second, self._left = now, self._per_second
        return self._left

    def take(self, looks: int) -> None:
        """So many were taken."""
        self._left -= looks


class Pick(NamedTuple):
    """Which values a policy wants whatever they hold; of all others no object is made for it.

    Attributes:
        key: whether it wants the values under a key; the answer is remembered.
        longer: values of more bytes than this are wanted too; None for none.
        holds: what the text must pass beside; None for nothing.
        most: texts of a batch that are looked at; None for all of them.
        budget: of texts that are looked at; None for no bound.
    """

    key: Callable[[str], bool]
    longer: int | None = None
    holds: Callable[[str], bool] | None = None
    most: int | None = None
    budget: Budget | None = None


class Reading(NamedTuple):
    """A state that is shown as a gauge.

    Attributes:
        name: without the prefix that all own metrics have.
        service: whom it concerns; None for what concerns all.
        labels: further labels and their values.
        value: the number.
    """

    name: str
    service: Service | None
    labels: tuple[tuple[str, str], ...]
    value: float


class Policy(Generic[O_co]):
    """Base of all kinds. A kind overrides `demand` and the hooks for the views it demands.

    A hook is handed only what the decoder made for the union of all demands, so it selects
    for itself; it returns violations and never acts. `now` is arrival time in seconds.

    Args:
        terms: what the policy file says.
        options: of the kind's own type.
    """

    options_type: ClassVar[type[Options]] = Options
    meta: ClassVar[Meta]

    def __init__(self, terms: Terms, options: O_co) -> None:
        self.terms = terms
        self.options = options
        self.match = Matcher(terms.select)

    def demand(self) -> Demand:
        """What the decoder must hand over."""
        raise NotImplementedError

    @property
    def grades(self) -> tuple[Severity, ...]:
        """The severities that violations of this policy can have."""
        graded = {min(grade, self.terms.severity) for grade in self.meta.severities}
        return tuple(sorted(graded)) or (self.terms.severity,)

    @property
    def detects(self) -> bool:
        """Whether `on_value` wants those values alone in which the detectors found something."""
        return False

    @property
    def opted(self) -> frozenset[str]:
        """Names of the opt-in detectors that it wants to run; it alone may report their finds."""
        return frozenset()

    @property
    def picks(self) -> Pick | None:
        """The values that it wants for their key or size alone; None for all of them.

        Asked once, and of no meaning where `detects` holds.
        """
        return None

    def interest(self, shape: Shape) -> bool:  # noqa: ARG002
        """Whether `on_shape` wants to see items of a shape; asked once and remembered.

        Shapes of signals that it did not demand, or of services outside of its selector, are
        not asked about.
        """
        return True

    def on_shape(self, count: ShapeCount, now: float) -> Iterable[Violation]:  # noqa: ARG002
        """Items that share a shape."""
        return ()

    def suspects(self, judged: Judged) -> bool:
        """Whether a value is bad wherever it may stand; it is then shown each time."""
        return any(not hit.opt_in for hit in judged.hits)

    def on_value(self, judged: Judged, now: float) -> Iterable[Violation]:  # noqa: ARG002
        """A value that is new, or known to be bad."""
        return ()

    def on_series(self, series: Series, now: float) -> Iterable[Violation]:  # noqa: ARG002
        """A label set that is new, or still alive in this sub-window."""
        return ()

    def on_row(self, row: Row, now: float) -> Iterable[Violation]:  # noqa: ARG002
        """An item that matches one of this policy's own selections."""
        return ()

    def on_trace(self, trace: Trace, now: float) -> Iterable[Violation]:  # noqa: ARG002
        """A finished trace that carries one of this policy's marks."""
        return ()

    def on_note(self, note: Note, now: float) -> Iterable[Violation]:  # noqa: ARG002
        """A single span of a finished trace, of a kind and a service that this policy is about."""
        return ()

    def watched(self) -> Iterable[bytes]:
        """Ids of traces that it has become curious about since the last call.

        They are shown with `Mark.WATCHED` when their wait ends, if they are open or yet to come.
        """
        return ()

    def on_tallies(self, tallies: Mapping[Tally, int], now: float) -> None:
        """Counts over finished traces; handed over before the traces themselves."""

    def on_orphans(self, orphans: Sequence[Orphan], now: float) -> None:
        """Spans of finished traces whose parent did not arrive."""

    def on_arrived_parents(self, parents: Iterable[tuple[bytes, bytes]], now: float) -> None:
        """Spans that came after a child of theirs was judged without them."""

    def close(self, now: float, watermark: float, *, final: bool) -> Iterable[Violation]:  # noqa: ARG002
        """Time has passed: judge windows that have ended.

        Args:
            now: arrival time.
            watermark: no trace that arrived before it is still open.
            final: nothing more will come; judge what is proven.
        """
        return ()

    def readings(self) -> Iterable[Reading]:
        """States to show as gauges."""
        return ()

    def saved(self, most: int) -> object | None:  # noqa: ARG002
        """What it has seen and would miss after a restart, as values of MessagePack.

        Args:
            most: bytes that it should not exceed; what matters most comes first.

        Returns:
            None for nothing: a window of seconds is no loss.
        """
        return None

    def restore(self, state: object, now: float) -> None:
        """Go on from what another process saved under the same id, kind and options.

        Args:
            state: what `saved` gave.
            now: arrival time.

        Raises:
            Exception: any, if it is not what `saved` gives; the policy then starts anew.
        """

    def overflow(self) -> int:
        """How often one of this policy's own bounds was met."""
        return 0

    def violation(
        self,
        *,
        severity: Severity,
        signal: Signal,
        service: Service,
        subject: str,
        summary: str,
        basis: Basis = Basis.OBSERVED,
        count: int = 1,
        trace_id: str = "",
        evidence: Evidence | None = None,
    ) -> Violation:
        """A violation of this policy, with its severity held to what the policy allows."""
        return Violation(
            policy=self.terms.id,
            kind=self.terms.kind,
            severity=min(severity, self.terms.severity),
            signal=signal,
            service=service,
            subject=subject,
            basis=basis,
            summary=summary,
            remedy=self.terms.remedy,
            count=count,
            trace_id=trace_id,
            evidence=evidence or {},
        )


AnyPolicy = Policy[Options]


def opted(policies: Iterable[AnyPolicy]) -> frozenset[str]:
    """Names of the opt-in detectors that any of some policies wants."""
    return frozenset().union(*(policy.opted for policy in policies))
