"""Requests that a server sees more than once for one call of a client.

The client, or a proxy after it, tried again, and no span of its own shows it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from collector import classify, semconv
from collector.classify import SpanKind
from collector.details import BatchSize
from collector.evaluate.attempts import LONGEST_SEQUENCE, AttemptSequence, Retry, Way, call_of
from collector.evaluate.outcomes import answered
from collector.evaluate.tree import ended
from collector.views import Span

_SWITCHING_PROTOCOLS = 101


def repeated_servers(
    spans: Sequence[Span], by_id: Mapping[bytes, Span]
) -> Iterator[AttemptSequence]:
    """Retries that are hidden under one CLIENT span that was itself seen.

    Args:
        spans: of one trace, in any order.
        by_id: the same, by their id.
    """
    grouped: dict[tuple[object, ...], list[Span]] = defaultdict(list)
    for span in spans:
        client = by_id.get(span.parent_id)
        if span.kind is SpanKind.SERVER and client is not None and _one_call(client, span):
            grouped[span.parent_id, span.resource.service, span.operation].append(span)
    for key, group in grouped.items():
        if not 1 < len(group) <= LONGEST_SEQUENCE:
            continue
        group.sort(key=lambda span: (span.start, span.end, span.span_id))
        client = by_id[group[0].parent_id]
        if group[-1].failed and answered(client):
            continue  # the last answer is the client's, unless a gateway asked for several things
        call = call_of(client)
        found: list[Retry] = []
        attempts = group[:1]
        for before, span in pairwise(group):
            if _repeats(before, span):
                attempts.append(span)
                found.append(Retry(span, Way.REPEATED_SERVER, call, len(attempts), key))
        if found:
            yield AttemptSequence(call, tuple(attempts), tuple(found))


def _one_call(client: Span, server: Span) -> bool:
    """Whether a CLIENT span asks once: it is no stream, no batch, and the method is known."""
    attributes = server.attributes
    method = semconv.first(attributes, "http.request.method") or semconv.first(
        attributes, "rpc.method"
    )
    status = semconv.integer(client.attributes, "http.response.status_code")
    return (
        client.kind is SpanKind.CLIENT
        and bool(method)
        and status != _SWITCHING_PROTOCOLS
        and client.details.batch is BatchSize.UNTOLD
        and server.details.batch is BatchSize.UNTOLD
    )


def _repeats(before: Span, span: Span) -> bool:
    """Whether a server was asked again because its first answer failed or was lost.

    Pages, redirects and auth challenges under one CLIENT span follow answers that are told.
    """
    if before.start >= span.start:
        return False
    if before.failed:
        return True
    attributes = before.attributes
    answered = semconv.integer(attributes, "http.response.status_code") or classify.grpc_status(
        attributes
    )
    return not answered and ended(before) <= span.start
