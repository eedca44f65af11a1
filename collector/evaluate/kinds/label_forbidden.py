"""Metric labels that hold what must never be a label: ids, addresses, bodies, raw URLs.

Why:
    A label is kept for as long as its metric, is shown on every dashboard and multiplies
    time series by its values. A user id, an order id or a raw URL there costs a series per
    user, order or request, and a personal datum in a metric can hardly be deleted again.
    Names give it away before the first thousand values do.

Bad:
    telemetry:
      - service: shop
        metrics:
          - {name: orders, labels: {user.id: "17", method: GET}}

Good:
    telemetry:
      - service: shop
        metrics:
          - {name: orders, labels: {user.type: guest, http.request.body.size: "512"}}

Mend:
    Drop the label with an SDK view, or record a class in its place (user.type for user.id,
    http.route for a URL). Put the id on the span; an exemplar leads from the metric to it.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from pydantic import Field

from collector.demand import Demand
from collector.evaluate.names import segments
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.evaluate.sketch import stable_hash
from collector.generations import Generations
from collector.views import Series
from collector.violation import Service, Signal, Violation

_UUID = r"(?s:.*)\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b(?s:.*)"
_LOOKS = tuple(
    (name, re.compile(expression, re.IGNORECASE))
    for name, expression in (
        ("UUIDs", _UUID),
        ("numbers of six and more digits", r"[0-9]{6,}"),
        ("long hexadecimal ids", r"(?=[^0-9]*[0-9])(?:0x)?[0-9a-f]{16,}"),
        ("e-mail addresses", r"[^@\s]{1,64}@[^@\s]{1,190}\.[a-z]{2,24}"),
        ("URLs with a query", r"(?:[a-z][a-z0-9+.-]*://|/)[^\s?]*\?[^\s]*=[^\s]*"),
    )
)


class ForbiddenOptions(Options):
    """Names and looks that a label must not have."""

    names: tuple[str, ...] = Field(
        default=(
            "user.id", "user.name", "user.email", "username", "userid", "enduser.id", "customer.id",
            "account.id", "email", "email.address", "phone", "phone.number",
            "url.full", "http.url", "http.target", "request.url", "raw.url", "url.query",
            "request.body", "response.body", "payload", "trace.id", "traceid", "span.id", "spanid",
            "order.id", "idempotency.key", "payload.id", "message.id", "request.id", "session.id",
            "correlation.id", "transaction.id", "client.ip", "client.address", "user.ip",
            "remote.addr", "x.forwarded.for", "db.query.text", "db.statement",
        ),
        description="forbidden names; a label matches when its last segments are these, "
        "however it separates them (user.id, userId, app_user_id)",
    )  # fmt: skip
    allow: tuple[str, ...] = Field(
        default=(), description="names of labels that are never reported, spelled as they are"
    )
    looks: bool = Field(
        default=True, description="also judge by value: UUIDs, long numbers, hex, e-mail, URLs"
    )
    looks_of: int = Field(
        default=50, ge=1, description="distinct values of a label that are looked at (ours)"
    )
    looks_alike: int = Field(
        default=20, ge=1, description="how many of them must look like an id (ours)"
    )
    max_length: int = Field(default=2048, ge=1, description="characters of a label value (ours)")
    step_seconds: float = Field(
        default=300, gt=0, description="a label that stays is counted once in each step"
    )
    max_tracked: int = Field(default=10_000, ge=1, description="labels remembered at most")


class _Key(NamedTuple):
    service: Service
    metric: str
    label: str


@dataclass(slots=True)
class _Seen:
    values: deque[tuple[int, str]] = field(default_factory=deque)
    hashes: set[int] = field(default_factory=set)
    look: str = ""
    reported: dict[str, int] = field(default_factory=dict)


class Kind(Policy[ForbiddenOptions]):
    """Judges labels by name at once, and by value when enough values look alike."""

    options_type = ForbiddenOptions
    meta = Meta(
        signals=(Signal.METRICS,),
        severities=(),
        since="0.1.0",
        selectors=frozenset({"metrics"}),
    )

    def __init__(self, terms: Terms, options: ForbiddenOptions) -> None:
        super().__init__(terms, options)
        self._names = {segments(name): name for name in options.names}
        self._longest = max(map(len, self._names), default=0)
        self._allowed = frozenset(options.allow)
        self._seen: Generations[_Key, _Seen] = Generations(options.max_tracked)
        self._forbidden = lru_cache(maxsize=4096)(self._by_name)

    def demand(self) -> Demand:
        """New series, and living ones once per step."""
        return Demand(series=True)

    def overflow(self) -> int:
        """How often the bound made it forget the labels that were seen least recently."""
        return self._seen.turns

    def on_series(self, series: Series, now: float) -> Iterator[Violation]:
        """Judge each label of a series."""
        if not self.match.metric(series.metric):
            return
        for label, value in series.labels:
            if label in self._allowed:
                continue
            for reason, text in self._reasons(series, label, value):
                yield from self._report(series, label, reason, text, now)

    def _by_name(self, label: str) -> str:
        """The forbidden name that a label ends with, or empty."""
        parts = segments(label)
        for length in range(1, min(len(parts), self._longest) + 1):
            name = self._names.get(parts[-length:])
            if name is not None:
                return name
        return ""

    def _reasons(self, series: Series, label: str, value: str) -> Iterator[tuple[str, str]]:
        name = self._forbidden(label)
        if name:
            yield "name", f"the name says that it holds {name}"
        elif self.options.looks:
            look = self._look(_Key(series.resource.service, series.metric, label), value)
            if look:
                yield "look", f"its values are {look}"
        if len(value) > self.options.max_length:
            yield "length", f"a value is longer than {self.options.max_length} characters"

    def _look(self, key: _Key, value: str) -> str:
        """What enough of the last distinct values look like, or empty."""
        seen = self._track(key)
        hashed = stable_hash(value)
        if hashed in seen.hashes:
            return seen.look
        look = next((name for name, form in _LOOKS if form.fullmatch(value[:512])), "")
        seen.values.append((hashed, look))
        seen.hashes.add(hashed)
        if len(seen.values) > self.options.looks_of:
            seen.hashes.discard(seen.values.popleft()[0])
        looks = Counter(one for _, one in seen.values if one)
        most, alike = looks.most_common(1)[0] if looks else ("", 0)
        seen.look = most if alike >= self.options.looks_alike else ""
        return seen.look

    def _track(self, key: _Key) -> _Seen:
        seen = self._seen.get(key)
        if seen is None:
            seen = self._seen[key] = _Seen()
        return seen

    def _report(
        self, series: Series, label: str, reason: str, text: str, now: float
    ) -> Iterator[Violation]:
        """One violation per label, reason and step in which it holds."""
        index = int(now // self.options.step_seconds)
        seen = self._track(_Key(series.resource.service, series.metric, label))
        if seen.reported.get(reason) == index:
            return
        seen.reported[reason] = index
        yield self.violation(
            severity=self.terms.severity,
            signal=Signal.METRICS,
            service=series.resource.service,
            subject=f"{series.metric}{{{label}}}",
            summary=f"label {label} of {series.metric}: {text}",
            trace_id=series.trace_id,
            evidence={"metric": series.metric, "label": label, "judged_by": reason},
        )
