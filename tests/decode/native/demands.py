"""What the decoders under test are asked for."""

from __future__ import annotations

from collector.classify import SpanKind
from collector.demand import Bounds, Demand, KeyMatch, RowSelection, SpanSelection
from collector.views import Flag, Mark, NoteKind, Place, TallyKind
from collector.violation import Signal

EVERYTHING = Demand(
    shapes=frozenset(Signal),
    places=frozenset(Place),
    series=True,
    rows=(
        RowSelection(
            Signal.TRACES,
            (KeyMatch(("http.route",), ("*",)),),
            frozenset({SpanKind.SERVER}),
            0,
            frozenset({"url.path"}),
        ),
        RowSelection(Signal.LOGS, (KeyMatch(("user.email",), ("*",)),)),
        RowSelection(
            Signal.TRACES,
            (KeyMatch(("exception.type",), ("Time*",)),),
            keys=frozenset({"exception.type"}),
            events=frozenset({"exception"}),
        ),
        RowSelection(Signal.TRACES, (), frozenset({SpanKind.CLIENT}), events=frozenset({"retry"})),
    ),
    marks=Mark(sum(Mark)),
    orphans=Flag.PARENT_LOCAL | Flag.PARENT_REMOTE,
    tallies=frozenset(TallyKind),
    probe_routes=frozenset({"/livez", "/a//b"}),
    trace_keys=frozenset({"user.email"}),
    resource_keys=frozenset({"code"}),
    notes=frozenset(NoteKind),
    bounds=Bounds(
        call=2 * 10**7,
        load=10**7,
        age=10**7,
        outlives=10**7,
        transaction=5 * 10**7,
        repeated=3,
        offset=10,
        rows=5,
    ),
    selected=(
        SpanSelection(frozenset({SpanKind.CLIENT}), (KeyMatch(("kind",), ("crit*",)),)),
        SpanSelection(failed=True, where=(KeyMatch(("code", "messaging.system"), ("*",)),)),
    ),
    identity_keys=frozenset({"idempotency.key", "http.request.header.idempotency-key", "code"}),
    tenant_keys=frozenset({"tenant.id", "tenant_id", "Tenant-Id", "org", "user.email"}),
    fingerprint_keys=frozenset({"request.body.hash", "idempotency.key"}),
    cache_keys=frozenset({"cache.hit", "net.peer.name"}),
)
