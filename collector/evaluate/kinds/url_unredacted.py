"""URLs that name a user, or hold a parameter that instrumentations must redact.

Why:
    The semantic conventions say that url.full must hold no user name and no password, and that
    the values of some parameters are replaced by REDACTED. An instrumentation that leaves one of
    them in leaves the next one in too, and that may be the password. What opens something already
    is reported by sensitive_value; this is what the detectors of secrets leave.

Bad:
    telemetry:
      - service: shop
        spans: [{kind: client, attributes: {url.full: "https://ann@files.example/list"}}]

Good:
    telemetry:
      - service: shop
        spans:
          - kind: client
            attributes: {url.full: "https://REDACTED:REDACTED@files.example/list?sig=REDACTED"}

Mend:
    Update the instrumentation, or redact url.full in a span processor. Send credentials in the
    Authorization header, not in the URL.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from pydantic import Field

from collector import semconv
from collector.demand import Demand
from collector.evaluate.detectors.placeholders import is_placeholder
from collector.evaluate.match import Pattern
from collector.evaluate.policy import Budget, Judged, Meta, Options, Pick, Policy, Terms
from collector.views import Place, Sighting
from collector.violation import Service, Severity, Signal, Violation

_PLACES = frozenset({Place.SPAN_ATTRIBUTE, Place.EVENT_ATTRIBUTE, Place.LOG_ATTRIBUTE})
_URLS = frozenset({*semconv.family("url.full"), "url.query", "http.target"})
_USERINFO = re.compile(r"[A-Za-z][\w+.-]{0,30}://([^\s/?#@:]{0,256})(:[^\s/?#@]{0,256})?@")
_LONGEST = 16_384  # characters of a URL that are looked at
_USER = "user information"


class UnredactedOptions(Options):
    """What must be redacted, and how much is looked at."""

    parameters: tuple[Pattern, ...] = Field(
        default=(
            "AWSAccessKeyId", "Signature", "sig", "X-Goog-Signature", "X-Amz-Signature",
            "X-Amz-Credential", "X-Amz-Security-Token",
        ),
        description="parameters whose value must read REDACTED; case matters "
        "(semantic conventions, url registry)",
    )  # fmt: skip
    max_urls_per_second: int = Field(
        default=100,
        ge=1,
        description="new URLs that are looked at, so that it costs the same however many there "
        "are; who leaves a user name in one URL does so in all of them (ours)",
    )


class _Group(NamedTuple):
    """Sightings that one violation stands for."""

    service: Service
    signal: Signal
    what: str


class Kind(Policy[UnredactedOptions]):
    """Looks at so many new URLs in a second."""

    options_type = UnredactedOptions
    meta = Meta(signals=(Signal.TRACES, Signal.LOGS), severities=(Severity.WARNING,), since="0.1.0")

    def __init__(self, terms: Terms, options: UnredactedOptions) -> None:
        super().__init__(terms, options)
        names = "|".join(map(re.escape, options.parameters))
        self._parameter = re.compile(rf"(?:[?&]|^)({names})=([^&#\s]{{1,8192}})") if names else None
        self._budget = Budget(options.max_urls_per_second)

    def demand(self) -> Demand:
        """Attributes of spans, events and logs."""
        return Demand(places=_PLACES)

    @property
    def picks(self) -> Pick:
        """URLs in which something may be left, while there is time to look for it."""
        return Pick(_URLS.__contains__, holds=self._may_hold, budget=self._budget)

    def _may_hold(self, url: str) -> bool:
        if "@" in url:
            return True
        return self._parameter is not None and self._parameter.search(url) is not None

    def suspects(self, judged: Judged) -> bool:
        """Whether it is a URL with something left in it."""
        return judged.value.key in _URLS and bool(self._faults(judged))

    def on_value(self, judged: Judged, now: float) -> Iterator[Violation]:
        """One violation for each service, place and part of the URL."""
        del now
        counts: Counter[_Group] = Counter()
        first: dict[_Group, Sighting] = {}
        for what in self._faults(judged):
            for sighting in judged.value.sightings:
                service = sighting.resource.service
                if sighting.place in _PLACES and self.match.service(service):
                    group = _Group(service, sighting.signal, what)
                    counts[group] += sighting.items
                    first.setdefault(group, sighting)
        for group, count in counts.items():
            yield self._report(group, judged.value.key, first[group], count)

    def _faults(self, judged: Judged) -> list[str]:
        """What was left in a URL and is no find of a detector: each part once."""
        url = judged.value.text[:_LONGEST]
        found = {hit.detector for hit in judged.hits}
        faults = [] if "basic-auth-url" in found or not _names_user(url) else [_USER]
        if self._parameter is not None and not found:
            for name, value in self._parameter.findall(url):
                if not is_placeholder(value):
                    faults.append(f"parameter {name}")
        return list(dict.fromkeys(faults))

    def _report(self, group: _Group, key: str, seen: Sighting, count: int) -> Violation:
        return self.violation(
            severity=Severity.WARNING,
            signal=group.signal,
            service=group.service,
            subject=f"{group.what} in {key}",
            summary=f"{group.what} in {key} is not redacted",
            count=count,
            trace_id=seen.trace_id,
            evidence={"key": key, "part": group.what},
        )


def _names_user(url: str) -> bool:
    """Whether there is user information which is not all redacted."""
    match = _USERINFO.match(url)
    if match is None:
        return False
    parts = (match[1], (match[2] or ":")[1:])
    return any(part and not is_placeholder(part) for part in parts)
