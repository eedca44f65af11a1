"""Hostile traces: the kinds about retries and probes neither raise, hang nor heed the order."""

import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.classify import Attempts, SpanKind, target
from collector.details import Details, IdentityKind
from collector.evaluate import registry
from collector.evaluate.policy import Terms
from collector.statements import NO_STATEMENT, Statement, Verb
from collector.views import Flag, Mark, Resource, Span, Trace
from collector.violation import Service

KINDS = (
    "retry_storm", "retry_limit", "retry_stacking", "retry_backoff", "retry_idempotency",
    "duplicate_effect", "liveness_dependency", "probe_cost",
)  # fmt: skip
KNOWN = registry.known()
RESOURCES = [Resource(Service(name), n, frozenset(), {}) for n, name in enumerate("ab", 1)]
IDS = [bytes([n]) * 8 for n in range(8)]
TIMES = st.one_of(
    st.integers(0, 50_000_000), st.sampled_from([0, 2**63, 2**64 - 1, 4_102_444_800 * 10**9])
)
SPANS = st.lists(
    st.builds(
        Span,
        span_id=st.sampled_from(IDS),
        parent_id=st.sampled_from([*IDS, b""]),
        resource=st.sampled_from(RESOURCES),
        name=st.sampled_from(["n", "Attempt.p.S.M", ""]),
        kind=st.sampled_from(list(SpanKind)),
        status=st.integers(0, 2),
        start=TIMES,
        end=TIMES,
        flags=st.just(Flag(0)),
        attributes=st.fixed_dictionaries(
            {},
            optional={
                "http.request.method": st.sampled_from(["GET", "POST", 7]),
                "http.response.status_code": st.sampled_from([200, 302, 503, "x"]),
                "previous-rpc-attempts": st.integers(0, 3),
                "error.type": st.sampled_from(["timeout", ("a",)]),
                "http.response.header.retry-after": st.sampled_from([("1",), "x", ()]),
                "db.system.name": st.sampled_from(["mysql", "sqlite", 3]),
                "server.address": st.sampled_from(["pay", "localhost", "::1", 9]),
            },
        ),
        target=st.sampled_from([target({}), target({"url.full": "http://a/1"})]),
        peer=st.sampled_from(["p", ""]),
        operation=st.sampled_from(["o", ""]),
        failed=st.booleans(),
        route=st.sampled_from(["", "/livez", "/readyz", "/health"]),
        attempts=st.builds(
            Attempts, st.integers(0, 3), st.integers(0, 3), st.sampled_from([0, 2, 2**63])
        ),
        statement=st.sampled_from([NO_STATEMENT, Statement("", Verb.INSERT, "t", "mysql")]),
        details=st.sampled_from([Details(), Details(IdentityKind.KEY, 5)]),
    ),
    unique_by=lambda span: span.span_id,
    max_size=8,
)


def found(name, spans):
    kind = KNOWN[name]
    policy = kind(Terms("p", name), kind.options_type())
    trace = Trace(b"t" * 16, 0.0, tuple(spans), Mark(2**12 - 1))
    return [*policy.on_trace(trace, 0.0), *policy.close(0.0, math.inf, final=True)]


@pytest.mark.parametrize("name", KINDS)
@settings(deadline=None)
@given(SPANS)
def test_whatever_a_trace_holds_its_order_does_not_matter(name, spans):
    def said(order):
        return sorted((one.subject, one.summary, one.trace_id) for one in found(name, order))

    assert said(spans) == said(spans[::-1])


def deep(number):
    """A chain in which each span could be an attempt, a probe, or what serves one."""
    kinds = (SpanKind.CLIENT, SpanKind.CLIENT, SpanKind.SERVER)
    for n in range(number):
        kind = kinds[n % 3]
        yield Span(
            span_id=(n + 1).to_bytes(8, "big"), parent_id=max(0, n - 1).to_bytes(8, "big"),
            resource=RESOURCES[0], name="n", kind=kind, status=0, start=n * 10 + 1,
            end=n * 10 + 2, flags=Flag(0), peer="p", operation="o", failed=n % 2 == 0,
            attributes={"http.request.method": "POST", "http.response.status_code": 503},
            attempts=Attempts(resent=n % 5), target=target({"url.full": f"http://a/{n % 7}"}),
            route="/readyz" if kind is SpanKind.SERVER else "",
            statement=Statement("", Verb.INSERT, f"t{n}", "mysql"),
        )  # fmt: skip


def wide(number):
    """Attempts of one call, each of them served, each of them writing."""
    for n in range(number // 3):
        ids = [(3 * n + k + 1).to_bytes(8, "big") for k in range(3)]
        shared = {"resource": RESOURCES[0], "name": "n", "status": 0, "flags": Flag(0)}
        times = {"start": n * 10**8 + 1, "end": n * 10**8 + 2}
        key = Details(IdentityKind.KEY, 5)
        answer = {"http.request.method": "POST", "http.response.status_code": 200}
        yield Span(
            span_id=ids[0], parent_id=b"p" * 8, kind=SpanKind.CLIENT, peer="p", operation="o",
            failed=n % 2 == 0, attempts=Attempts(resent=n), details=key,
            attributes=answer | ({"http.response.status_code": 503} if n % 2 == 0 else {}),
            **shared, **times,
        )  # fmt: skip
        yield Span(
            span_id=ids[1], parent_id=ids[0], kind=SpanKind.SERVER, operation="o",
            attributes=answer, **shared, **times,
        )  # fmt: skip
        yield Span(
            span_id=ids[2], parent_id=ids[1], kind=SpanKind.CLIENT, peer="d", operation=f"o{n}",
            attributes={}, statement=Statement("", Verb.INSERT, f"t{n}", "mysql"),
            **shared, **times,
        )  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("make", [deep, wide])
def test_four_times_the_spans_take_no_sixteen_times_as_long(name, make):
    def seconds(number):
        spans = list(make(number))
        times = []
        for _ in range(3):
            before = time.process_time()
            found(name, spans)
            times.append(time.process_time() - before)
        return min(times)

    seconds(300)
    assert seconds(6000) < 9 * max(seconds(1500), 0.005)
