"""The four views of a batch: shapes, values, series and rows, and the traces made of rows.

A decoder fills them with exactly what `collector.demand.Demand` asks for; policies read
them and nothing else. Everything here is a value: nothing holds bytes of the request.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntFlag, StrEnum, auto
from typing import NamedTuple, TypeAlias, TypeVar, cast

from collector.classify import NO_ATTEMPTS, NO_TARGET, Attempts, SpanKind, Target
from collector.details import NO_DETAILS, Details
from collector.semconv import Attributes
from collector.statements import NO_STATEMENT, Statement
from collector.violation import Service, Signal

D = TypeVar("D")


@dataclass(frozen=True, slots=True)
class Resource:
    """Who sent an item, shared by all items of one sender.

    Attributes:
        service: name, namespace and environment; the unit in which findings are folded.
        identity: equal for equal resources, attribute by attribute; 0 is no resource.
        keys: names of all resource attributes.
        attributes: the demanded resource attributes.
    """

    service: Service
    identity: int
    keys: frozenset[str]
    attributes: Attributes

    def __hash__(self) -> int:
        return self.identity


class Flag(IntFlag):
    """Facts about an item that need no attribute."""

    TRACE_ID = auto()
    SPAN_ID = auto()
    PARENT = auto()
    PARENT_LOCAL = auto()
    PARENT_REMOTE = auto()
    BODY = auto()
    BODY_MAP = auto()
    LINKS = auto()


NO_FLAG = Flag(0)


@dataclass(frozen=True, slots=True)
class Shape:
    """Which keys an item carries, with what kind of item it is.

    Attributes:
        signal: spans are TRACES, log records LOGS, data points METRICS.
        resource: who sent it.
        kind: of a span; UNSPECIFIED for other signals.
        status: of a span: 0 unset, 1 ok, 2 error; 0 for other signals.
        severity: of a log record, the first number of its range (0, 1, 5, 9, 13, 17, 21).
        flags: ids, parents, body.
        keys: attribute keys, and the keys of a log body that is a map.
        name: of a metric; empty for other signals.

    A shape is looked up far more often than it is made, so its hash is kept.
    """

    signal: Signal
    resource: Resource
    kind: SpanKind
    status: int
    severity: int
    flags: Flag
    keys: frozenset[str]
    name: str = ""
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        facts = (self.resource.identity, self.kind, self.status, self.severity, self.flags)
        object.__setattr__(self, "_hash", hash((self.signal, *facts, self.keys, self.name)))

    def __hash__(self) -> int:
        return self._hash


class ShapeCount(NamedTuple):
    """How many items of a batch have a shape, and the trace of the first that has one."""

    shape: Shape
    items: int
    trace_id: str


class Place(StrEnum):
    """Where in an item a string stands."""

    SPAN_ATTRIBUTE = "span_attribute"
    SPAN_NAME = "span_name"
    SPAN_STATUS = "span_status"
    TRACE_STATE = "trace_state"
    EVENT_NAME = "event_name"
    EVENT_ATTRIBUTE = "event_attribute"
    LINK_ATTRIBUTE = "link_attribute"
    LOG_BODY = "log_body"
    LOG_ATTRIBUTE = "log_attribute"
    METRIC_LABEL = "metric_label"
    METRIC_TEXT = "metric_text"
    RESOURCE_ATTRIBUTE = "resource_attribute"
    SCOPE_ATTRIBUTE = "scope_attribute"


#: The trace state of a span stands under this key, the name of its W3C header.
TRACE_STATE_KEY = "tracestate"


class Sighting(NamedTuple):
    """Where a value stood in this batch, and how often.

    ``name`` is the span's or metric's name, empty for logs.
    """

    signal: Signal
    place: Place
    resource: Resource
    name: str
    trace_id: str
    items: int


@dataclass(frozen=True, slots=True)
class Value:
    """A distinct string under a key, with every place of this batch in which it stood.

    Attributes:
        key: attribute key; nested keys are joined by dots; `TRACE_STATE_KEY` for the trace state
            of a span; empty for names.
        text: the string, cut at the decoder's bound.
        new: False when it was judged before and found bad.
        sightings: where it stood; a clean value is handed over once and never again
            while the decoder remembers it.
        handle: by which the decoder that made it knows it.
    """

    key: str
    text: str
    new: bool
    sightings: Sequence[Sighting]
    handle: int = field(default=0, compare=False, repr=False)


#: Texts joined by line breaks, where each begins, and the index of its value.
Blob: TypeAlias = tuple[bytes, Sequence[int], Sequence[int]]


class PackedValues(ABC):
    """Values of which most never become objects, for those that search many texts at once."""

    @abstractmethod
    def pair(self, index: int) -> tuple[str, str]:
        """Key and text of a value."""

    @abstractmethod
    def blobs(
        self, special: Callable[[str], bool], shortest: int, longest: int, most: int
    ) -> tuple[list[Blob], list[int]]:
        """The texts in UTF-8, joined for one automaton.

        Args:
            special: whether the values under a key are to be looked at alone.
            shortest: bytes; shorter texts under other keys are left out.
            longest: bytes; longer texts are to be looked at alone.
            most: bytes of one blob, where a single text is not longer.

        Returns:
            Blobs, and the indices of the values that are to be looked at alone: of special
            keys, too long, or with a percent sign or a backslash that may hide another text.
        """


@dataclass(frozen=True, slots=True)
class Series:
    """A distinct set of labels of one metric of one sender.

    Attributes:
        resource: who sent it.
        scope: name of the instrumentation scope.
        metric: name of the metric.
        labels: label and value, sorted by label.
        overflow: ``otel.metric.overflow=true``: an SDK folded other series into this one.
        trace_id: of an exemplar, or empty.
    """

    resource: Resource
    scope: str
    metric: str
    labels: tuple[tuple[str, str], ...]
    overflow: bool
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One item that matched a declared selection, with only the declared keys.

    ``matched`` holds the indices of the selections in `Demand.rows` that it matches. Of an event
    of a span, the name and the attributes are the event's and all else is the span's.
    """

    matched: tuple[int, ...]
    signal: Signal
    resource: Resource
    name: str
    kind: SpanKind
    status: int
    severity: int
    trace_id: str
    keys: frozenset[str]
    attributes: Attributes
    span_id: str = ""


@dataclass(slots=True)
class Span:
    """A span of a trace that carries a demanded mark, or of a note.

    Times are nanoseconds since 1970 as the sender gave them: never trusted, only compared
    with times of the same sender. ``peer``, ``operation``, ``failed``, ``target`` and
    ``attempts`` are those of `collector.classify`, ``route`` is the normalised route of a SERVER
    span. ``attributes`` holds what repeats from span to span; URLs and queries are not among
    it, only their target.
    """

    span_id: bytes
    parent_id: bytes
    resource: Resource
    name: str
    kind: SpanKind
    status: int
    start: int
    end: int
    flags: Flag
    attributes: Attributes
    peer: str = ""
    operation: str = ""
    failed: bool = False
    route: str = ""
    target: Target = NO_TARGET
    attempts: Attempts = NO_ATTEMPTS
    statement: Statement = NO_STATEMENT
    details: Details = NO_DETAILS


class Mark(IntFlag):
    """Why a trace may interest a policy; computed by the decoder when the trace's wait ends.

    ``CHILD_OUTLIVES``: a CLIENT span ends later than `Bounds.outlives` after an ancestor within its
    service that timed out or was cancelled, itself or the CLIENT span above it; or a SERVER span
    takes twice as long as such a CLIENT span above it.
    ``TENANTS``: its spans tell two tenants. ``QUERY_REPEATED``: spans under one parent, or under
    INTERNAL spans of it, run one query `Bounds.repeated` times. ``TRANSACTION``: between siblings
    BEGIN and COMMIT stands a call that is none of a database's, by itself or in an INTERNAL span,
    or more than `Bounds.transaction`. ``SELECTED``: a span matches one of `Demand.selected`.
    ``WATCHED``: a policy asked for this trace by its id.
    """

    PROBE_ROUTE = auto()
    RETRY_ATTRIBUTE = auto()
    FAILED_SIBLING = auto()
    REPEATED_SERVER = auto()
    LOCAL_PARENT_MISSING = auto()
    REMOTE_PARENT_MISSING = auto()
    CHILD_OUTLIVES = auto()
    TENANTS = auto()
    QUERY_REPEATED = auto()
    TRANSACTION = auto()
    SELECTED = auto()
    WATCHED = auto()


NO_MARK = Mark(0)


@dataclass(frozen=True, slots=True)
class Trace:
    """The spans of one trace that arrived within its wait.

    Attributes:
        trace_id: 16 bytes.
        arrived: when its first span arrived, in seconds on the `now` scale.
        spans: in order of arrival, each span id once.
        marks: why it is shown, of those that someone asks for.
        truncated: spans were left out at the bound, so absence proves nothing.
        missing: ids of local or remote parents that were not seen.
        waited: False when the end came before the wait had passed, so that a parent may yet
            have been on its way.
    """

    trace_id: bytes
    arrived: float
    spans: Sequence[Span]
    marks: Mark
    truncated: bool = False
    missing: frozenset[bytes] = frozenset()
    waited: bool = True
    _derived: dict[object, object] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def unsettled(self) -> Trace:
        """The same, of which nothing is to be taken for missing."""
        return replace(self, waited=False)

    def derived(self, analysis: Callable[[Sequence[Span]], D]) -> D:
        """What an analysis makes of the spans: made once for all policies that ask for it."""
        if analysis not in self._derived:
            self._derived[analysis] = analysis(self.spans)
        return cast("D", self._derived[analysis])


class Orphan(NamedTuple):
    """A span of a finished trace whose parent did not arrive within the wait.

    Traces of which spans were left out, or whose wait was cut short, have none: absence proves
    nothing there.

    Attributes:
        trace_id: 16 bytes.
        parent_id: 8 bytes.
        resource: who sent the span.
        remote: whether its parent ran in another process; else in the same one.
        arrived: when the trace's first span arrived, in seconds on the `now` scale.
    """

    trace_id: bytes
    parent_id: bytes
    resource: Resource
    remote: bool
    arrived: float


class NoteKind(StrEnum):
    """Which single spans of finished traces are shown, marked traces or not.

    ``KEYED``: SERVER and CONSUMER spans with an identity. ``LOAD``: reads of a database that
    name what they read and take at least `Bounds.load`. ``CLIENT_ROOT``: CLIENT spans without a
    parent. ``UNLINKED``: CONSUMER spans with neither parent nor link, unless they say that they
    received nothing. ``LATE_MESSAGE``: CONSUMER spans with `Details.age` over `Bounds.age`.
    ``LONG_CALL``: CLIENT spans of at least `Bounds.call`. ``DEEP_OFFSET`` and ``MANY_ROWS``:
    `Details.offset` over `Bounds.offset`, `Details.rows` over `Bounds.rows`. ``DUAL_WRITE``:
    spans that publish a message, unless right below a PRODUCER span, under a SERVER or CONSUMER
    span of their service below which that service also writes to a database, outbox tables left
    out. ``SELECTED``: spans that match one of `Demand.selected`.
    """

    KEYED = "keyed"
    LOAD = "load"
    CLIENT_ROOT = "client_root"
    UNLINKED = "unlinked"
    LATE_MESSAGE = "late_message"
    LONG_CALL = "long_call"
    DEEP_OFFSET = "deep_offset"
    MANY_ROWS = "many_rows"
    DUAL_WRITE = "dual_write"
    SELECTED = "selected"


class Note(NamedTuple):
    """A single span of a finished trace, each span once for each kind.

    Attributes:
        kind: why it is shown.
        trace_id: 16 bytes.
        span: the span.
        arrived: when the trace's first span arrived, in seconds on the `now` scale.
        effect: whether a database write or a publish stands below it in the trace that would do
            something a second time, too, as a removal does not; told for KEYED alone.
    """

    kind: NoteKind
    trace_id: bytes
    span: Span
    arrived: float
    effect: bool


class TallyKind(StrEnum):
    """What is counted over all traces, shown or not, so that shares have a denominator."""

    CALLS = "calls"
    LOCAL_CHILDREN = "local_children"
    REMOTE_CHILDREN = "remote_children"
    LONG_SPANS = "long_spans"
    ROOTS = "roots"
    CACHE_READS = "cache_reads"
    CACHE_ANSWERS = "cache_answers"


class Tally(NamedTuple):
    """A count over the spans of finished traces.

    CALLS are CLIENT and CONSUMER spans by (service, peer, operation). CACHE_READS are reads of
    caches, by the same, and CACHE_ANSWERS those that carry one of `Demand.cache_keys`. ROOTS are
    spans without a parent; they and the other kinds have neither peer nor operation. ``arrived``
    is cut to whole seconds.
    """

    kind: TallyKind
    service: Service
    peer: str
    operation: str
    arrived: int


@dataclass(slots=True)
class Batch:
    """What a decoder hands over for one slice of a request, or for a tick.

    Attributes:
        items: spans, log records or data points in the slice, own telemetry left out.
        own_items: items of the auditor's own telemetry, left out of every view.
        rows_dropped: rows over the bound of rows per slice.
        more: whether traces are due that did not fit; time is then to be told again.
        orphans: of the traces that finished.
        notes: single spans of the traces that finished.
        tallies: counts over the traces that finished; a decoder may hold them until time
            passes.
        arrived_parents: (trace id, span id) of spans that came after a child of theirs was
            judged without them.
        watermark: no trace that arrived before this time is still open.
        trace_share: share of traces that are kept at present, 1.0 unless the table is full.
        oddities: counted peculiarities of the input, by name.
    """

    signal: Signal | None = None
    items: int = 0
    own_items: int = 0
    shapes: Sequence[ShapeCount] = ()
    values: Sequence[Value] = ()
    series: Sequence[Series] = ()
    rows: Sequence[Row] = ()
    rows_dropped: int = 0
    traces: Sequence[Trace] = ()
    more: bool = False
    orphans: Sequence[Orphan] = ()
    notes: Sequence[Note] = ()
    tallies: Mapping[Tally, int] = field(default_factory=dict)
    arrived_parents: Sequence[tuple[bytes, bytes]] = ()
    watermark: float = float("-inf")
    trace_share: float = 1.0
    oddities: Mapping[str, int] = field(default_factory=dict)
