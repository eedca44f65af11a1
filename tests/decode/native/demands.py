"""What the decoders under test are asked for."""

from __future__ import annotations

from collector.classify import SpanKind
from collector.demand import Demand, KeyMatch, RowSelection
from collector.views import Flag, Mark, Place, TallyKind
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
    ),
    marks=Mark(sum(Mark)),
    orphans=Flag.PARENT_LOCAL | Flag.PARENT_REMOTE,
    tallies=frozenset(TallyKind),
    probe_routes=frozenset({"/livez", "/a//b"}),
    trace_keys=frozenset({"user.email"}),
    resource_keys=frozenset({"code"}),
)
