"""One idempotency key that came with two different requests.

Why:
    A key names one request. A server that knows the key gives the stored answer to the second
    request too, which is then never carried out though its client reads that it was; a server
    that does not look carries out both. Either is found in the books, weeks later.

Bad:
    telemetry:
      - service: pay
        repeat: 2
        spans:
          - {trace: "t{i}", id: s, kind: server, name: POST, attributes: {http.request.method: POST,
             http.route: "/charges{i}", http.response.status_code: 201, idempotency.key: k-1}}

Good:
    telemetry:
      - service: pay
        repeat: 2
        spans:
          - {trace: "t{i}", id: s, kind: server, name: POST, attributes: {http.request.method: POST,
             http.route: "/charges{i}", http.response.status_code: 201, idempotency.key: "k-{i}"}}

Mend:
    Make a new key for each new request, and repeat the key only with the same one. On the server,
    store a fingerprint of the request beside its key and answer 422 when it differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pydantic import Field

from collector import semconv
from collector.classify import SpanKind
from collector.demand import Demand
from collector.evaluate.identities import Identities, Use, Uses, identity_of, seconds_between
from collector.evaluate.keyed import Answer, KeyOptions, answer, has_key
from collector.evaluate.policy import Meta, Policy, Terms
from collector.evaluate.tenants import TENANT_KEYS, two_tenants
from collector.evaluate.tree import operation_of
from collector.views import Note, NoteKind, Span
from collector.violation import Basis, Severity, Signal, Violation


class ConflictOptions(KeyOptions):
    """What tells two requests apart."""

    fingerprint_keys: tuple[str, ...] = Field(
        default=(
            "idempotency.fingerprint",
            "idempotency.request.hash",
            "http.request.header.content-digest",
        ),
        description="attributes that say what a request was (content digest: RFC 9530; ours)",
    )
    tenant_keys: tuple[str, ...] = Field(
        default=TENANT_KEYS,
        description="attributes that hold the tenant, for requests without a fingerprint (ours)",
    )
    max_requests: int = Field(
        default=8, ge=2, le=64, description="different requests remembered of one key"
    )


class _Request(NamedTuple):
    """What is remembered of a request, and compared with the next.

    ``routed`` says whether ``operation`` holds a route, or a path, which reads differently.
    """

    fingerprint: int
    operation: str
    routed: bool
    tenant: int
    refused: bool
    use: Use

    @property
    def what(self) -> tuple[object, ...]:
        return self[:-1]


class Kind(Policy[ConflictOptions]):
    """Compares the requests that came to a service with one key."""

    options_type = ConflictOptions
    meta = Meta(
        signals=(Signal.TRACES,), severities=(Severity.INFO, Severity.WARNING), since="0.1.0"
    )

    def __init__(self, terms: Terms, options: ConflictOptions) -> None:
        super().__init__(terms, options)
        self._requests: Identities[list[_Request]] = Identities(
            options.valid_seconds, options.max_keys, list
        )
        self._uses = Uses()
        self._overflow = 0

    def demand(self) -> Demand:
        """Spans with a key."""
        return Demand(
            notes=frozenset({NoteKind.KEYED}),
            identity_keys=frozenset(self.options.identity_keys),
            fingerprint_keys=frozenset(self.options.fingerprint_keys),
            tenant_keys=frozenset(self.options.tenant_keys),
        )

    def overflow(self) -> int:
        """Keys that were forgotten early, and requests that were not compared, for the bounds."""
        return self._requests.overflow + self._overflow

    def saved(self, most: int) -> object:
        """Keys name a request for longer than a process lives."""
        return self._requests.saved(most, list)

    def restore(self, state: object, now: float) -> None:
        """Go on from where another process was."""
        self._requests.restore(state, list[_Request], now)

    def on_note(self, note: Note, now: float) -> Iterable[Violation]:
        """Keep a request with a key; one that was turned away may be mended and sent again.

        Messages tell no fingerprint, and a chain of topics, or one for retries, hands a key on.
        """
        del now
        span = note.span
        if (
            span.kind is SpanKind.SERVER
            and has_key(note)
            and answer(span) is not Answer.TURNED_AWAY
        ):
            self._uses.add(note, span.resource.service)
        return ()

    def close(self, now: float, watermark: float, *, final: bool) -> Iterator[Violation]:
        """Compare the requests with those that came with their keys before."""
        del now, watermark, final
        for note, use in self._uses.take():
            yield from self._compare(note, use)

    def _compare(self, note: Note, use: Use) -> Iterator[Violation]:
        span = note.span
        key = identity_of(span.resource.service, span.details.identity)
        known = self._requests.at(key, note.arrived)
        request = _request(span, use)
        if any(one.what == request.what for one in known):
            return
        if len(known) >= self.options.max_requests:
            self._overflow += 1
            return
        for other in known:
            parts = _differing(request, other)
            if parts and not request.use.repeats(other.use):
                yield self._report(span, sorted((request, other), key=_order), parts)
        known.append(request)

    def _report(self, span: Span, pair: list[_Request], parts: tuple[str, ...]) -> Violation:
        operations = tuple(sorted({one.operation or operation_of(span) for one in pair}))
        subject = " and ".join(operations)
        refused = any(one.refused for one in pair)
        seconds = round(seconds_between(pair[0].use, pair[1].use), 1)
        answered = "one of them was refused" if refused else "neither was refused"
        return self.violation(
            severity=Severity.INFO if refused else Severity.WARNING,
            signal=Signal.TRACES,
            service=span.resource.service,
            subject=subject,
            basis=Basis.OBSERVED if parts == ("fingerprint",) else Basis.INFERRED,
            summary=f"one idempotency key came with two requests, {seconds:g} s apart, that differ "
            f"in {' and '.join(parts)}: {subject}; {answered}",
            trace_id=pair[0].use.trace_id.hex(),
            evidence={
                "differ_in": parts,
                "operations": operations,
                "seconds": seconds,
                "refused": refused,
                "other_trace_id": pair[1].use.trace_id.hex(),
            },
        )


def _order(request: _Request) -> tuple[bytes, bytes]:
    return request.use.trace_id, request.use.span_id


def _request(span: Span, use: Use) -> _Request:
    method = semconv.text(span.attributes, "http.request.method")
    told = (method and method != span.operation) or semconv.text(span.attributes, "rpc.method")
    return _Request(
        fingerprint=span.details.fingerprint,
        operation=span.operation if told else "",
        routed="http.route" in span.attributes,
        tenant=span.details.tenant,
        refused=answer(span) is Answer.REFUSED,
        use=use,
    )


def _differing(one: _Request, other: _Request) -> tuple[str, ...]:
    """What is known to differ; a part that either does not tell is no difference."""
    if one.fingerprint and other.fingerprint:
        return ("fingerprint",) if one.fingerprint != other.fingerprint else ()
    alike = one.operation and other.operation and one.routed is other.routed
    parts = {
        "operation": alike and one.operation != other.operation,
        "tenant": two_tenants(one.tenant, other.tenant),
    }
    return tuple(name for name, differs in parts.items() if differs)
