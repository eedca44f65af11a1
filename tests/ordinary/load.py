"""The whole load: which programs run how often, and what arrives when."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random

from ordinary import background, data, edges, fragments, patience, web
from ordinary.arrival import Exporters, Request
from ordinary.tracing import ERROR, Ended, Trace
from ordinary.world import World

from collector.violation import Signal

Program = Callable[[Trace, World], None]

#: Programs and how often each runs, of all runs in a thousand or so.
MIX: Mapping[Program, float] = {
    web.product_page: 110, web.cart: 90, web.checkout: 14, web.graphql: 8, web.login: 25,
    web.redirected: 12, web.search: 60,
    fragments.legacy: 60, fragments.partner: 25, fragments.mesh_only: 25, fragments.passed_on: 4,
    data.transaction: 20, data.go_transaction: 12, data.stock: 30, data.signup: 12,
    data.conflict: 8, data.keyed: 15, data.pipeline: 6, data.hot: 25, data.flagged: 60,
    data.mongo: 20, data.tenants: 25,
    patience.fire_and_forget: 8, patience.cancelled: 20, patience.poll_job: 6,
    patience.throttled: 20, patience.sdk: 15, patience.lost: 15, patience.dead_peer: 0.4,
    patience.streams: 4,
    edges.websocket: 1, edges.sent_events: 1, edges.subscriber: 3, edges.flag_stream: 0.5,
    edges.workflow: 1.5, edges.assistant: 4, edges.invoice: 20, edges.thumbnail: 10,
    edges.beacon: 30, edges.batch: 6, edges.mailing: 20, edges.inbox: 8, edges.counted_ids: 6,
    edges.empty_receive: 30, edges.sqs_poll: 4,
    background.liveness: 60, background.readiness: 40, background.grpc_health: 10,
    background.ping: 40, background.heartbeat: 5,
    background.credentials: 0.8, background.scheduled: 2,
    background.cron_call: 0.7, background.all_tenants: 1, background.beat: 3,
    background.started: 0.4, background.background_log: 15, background.connected: 10,
}  # fmt: skip

#: Programs of which some were running when the auditor began, and for how long before.
_LONG: Mapping[Program, float] = {
    edges.websocket: 400, edges.sent_events: 120, edges.flag_stream: 600, edges.workflow: 100,
}  # fmt: skip

_STEP = 0.25
_BEFORE, _AFTER = 30.0, 30.0
_HEAD_SAMPLED = 0.1
_TAIL_KEEPS, _TAIL_WAITS = 0.25, 10.0
_SILENT = 0.06


class Load:
    """Ordinary requests, made as they are asked for.

    Args:
        seed: of everything.
        rate: programs begun in a second; it may be changed on the way.
        mix: programs and how often each runs.
    """

    def __init__(
        self, seed: int = 1, rate: float = 60.0, mix: Mapping[Program, float] = MIX
    ) -> None:
        self._random = Random(seed)
        self.rate = rate
        self._mix = mix
        self._world = World(self._random)
        self._exporters = Exporters(self._random)
        self.spans = 0
        self._seen: set[bytes] = set()

    @property
    def traces(self) -> int:
        """How many traces have arrived, whole or in part."""
        return len(self._seen)

    def requests(self, spans: int) -> Iterator[Request]:
        """Requests in order of arrival, until they have held so many spans and some more.

        Time begins at 0, where everything has been running for a while; in the end programs
        begin no more, and what was on its way arrives.
        """
        for program, before in _LONG.items():
            share = self._mix.get(program, 0) / sum(self._mix.values())
            for _ in range(int(share * self.rate * before)):
                self._run(program, -self._random.uniform(0, before))
        step = -int(_BEFORE / _STEP)
        ends = None
        while ends is None or step < ends:
            begins = step * _STEP
            for _ in range(0 if ends else self._count()):
                program = self._random.choices(list(self._mix), list(self._mix.values()))[0]
                self._run(program, begins + self._random.random() * _STEP)
            step += 1
            for request in self._exporters.arrived(step * _STEP):
                if request.at >= 0:
                    self.spans += request.items if request.signal is Signal.TRACES else 0
                    yield request
            if ends is None and self.spans >= spans:
                ends = step + int(_AFTER / _STEP)

    def _count(self) -> int:
        """How many programs begin in a step."""
        mean = self.rate * _STEP
        return max(0, round(self._random.gauss(mean, mean**0.5)))

    def _run(self, program: Program, at: float) -> None:
        made: list[Ended] = []
        random = self._random
        head = random.random() < _HEAD_SAMPLED
        program(Trace(random, at, made, state="ot=th:8" if head else ""), self._world)
        if program is fragments.legacy:
            kept = random.random() < _TAIL_KEEPS or any(_failed(one) for one in made)
            if not kept:
                return
            self._send(made, held_until=at + _TAIL_WAITS)
            return
        if random.random() < _SILENT:  # one of the services does not report, or samples alone
            names = sorted({one.process.service for one in made})
            silent = random.choice(names) if names else ""
            made = [one for one in made if one.process.service != silent]
        self._send(made)

    def _send(self, made: list[Ended], held_until: float = 0.0) -> None:
        for one in made:
            if one.at >= 0 and one.signal is Signal.TRACES:
                self._seen.add(one.item.trace_id)
            self._exporters.ended(one, held_until)


def _failed(one: Ended) -> bool:
    return one.signal is Signal.TRACES and one.item.status.code == ERROR
