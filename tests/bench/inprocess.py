"""What inspection costs on one core, without any network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from random import Random

import hostile
import subjects
from corpus import FULL, Corpus
from measure import Contender, ratio, run
from subjects import Inspection

from collector.decode.messages import Encoding
from collector.evaluate.policy import AnyPolicy
from collector.violation import Signal

Row = tuple[str, ...]
HEAD: Row = ("", "ns an item", "± %", "thousand/s", "against objects", "longest request, ms")


def _row(one: Contender, objects: Contender | None) -> Row:
    against = "" if objects is None else f"{1 / ratio(one, objects):.1f} x"
    return (
        one.name,
        f"{one.cost:,.0f}",
        f"{one.spread * 100:.0f}",
        f"{1e6 / one.cost:,.0f}",
        against,
        f"{one.longest * 1e3:.1f}",
    )


def _requests(make: Callable[[], bytes]) -> Iterator[bytes]:
    while True:
        yield make()


def spans(seed: int, scale: float, tell: Callable[[], None]) -> list[Row]:
    """Full requests of spans: parsers, decoders, each pack alone."""
    native = subjects.native()
    objects = Contender("protobuf objects, attributes to a dict", subjects.plain_objects, 4)
    contenders = [
        Contender("protobuf (upb), parse only", subjects.parse_only(Signal.TRACES)),
        objects,
        Contender(
            "reference decoder, default packs",
            Inspection(subjects.reference(), subjects.policies()),
            8,
        ),
        Contender("scanner, default packs", Inspection(native, subjects.policies())),
        Contender("scanner, no policy", Inspection(native, [])),
    ]
    contenders += [
        Contender(f"scanner, pack {name} alone", Inspection(native, own))
        for name, own in subjects.packs().items()
    ]
    corpus = Corpus(seed, secrets=0.0005, retries=0.1)
    requests = _requests(corpus.traces)
    run(contenders, requests, items=FULL, warm=160, measured=int(320 * scale), tell=tell)
    usual = next(one for one in contenders if one.name == "scanner, default packs")
    slow = next(one for one in contenders if one.name.startswith("reference"))
    rows = [_row(one, objects) for one in contenders]
    return [*rows, ("scanner against the reference", "", "", "", f"{ratio(slow, usual):.1f} x", "")]


def marks(seed: int, scale: float, tell: Callable[[], None]) -> list[Row]:
    """The same with few marked traces: one call in a thousand is sent again."""
    native = subjects.native()
    objects = Contender("protobuf objects, attributes to a dict", subjects.plain_objects, 4)
    contenders = [
        objects,
        Contender("scanner, few retries", Inspection(native, subjects.policies())),
    ]
    requests = _requests(Corpus(seed).traces)
    run(contenders, requests, items=FULL, warm=160, measured=int(320 * scale), tell=tell)
    return [_row(one, objects) for one in contenders]


def _renamed(policies: list[AnyPolicy]) -> list[AnyPolicy]:
    return [
        type(policy)(replace(policy.terms, id=f"{policy.terms.id}-again"), policy.options)
        for policy in policies
    ]


def _idle() -> AnyPolicy:
    """A policy that all spans satisfy."""
    for policy in subjects.policies():
        if policy.terms.id == "telemetry-without-service-name":
            return _renamed([policy])[0]
    raise LookupError("a policy was renamed")


def policies(seed: int, scale: float, tell: Callable[[], None]) -> list[Row]:
    """What a policy adds to all others, and what twice as many of them cost."""
    native = subjects.native()
    everything = subjects.policies()
    base = Contender("default packs", Inspection(native, everything))
    twice = Contender(
        "twice the policies",
        Inspection(native, [*subjects.policies(), *_renamed(subjects.policies())]),
    )
    idle = Contender(
        "one more that nobody triggers", Inspection(native, [*subjects.policies(), _idle()])
    )
    without = [
        Contender(
            f"adds: {left_out.terms.id}",
            Inspection(
                native, [one for one in subjects.policies() if one.terms.id != left_out.terms.id]
            ),
        )
        for left_out in everything
    ]
    requests = _requests(Corpus(seed, secrets=0.0005, retries=0.001).traces)
    measured = int(320 * scale)
    run([base, twice, idle], requests, items=FULL, warm=160, measured=measured, tell=tell)
    compared = [(one.name, one.cost, one.spread, ratio(one, base)) for one in (base, twice, idle)]
    base = Contender("default packs", Inspection(native, subjects.policies()))
    run([base, *without], requests, items=FULL, warm=160, measured=measured, tell=tell)
    rows: list[Row] = [
        (name, f"{cost:,.0f}", f"{spread * 100:.0f}", f"{against:.3f} x")
        for name, cost, spread, against in compared
    ]
    for one in without:
        share = 1 - ratio(one, base)
        rows.append((one.name, f"{share * base.cost:,.0f}", "", f"{share * 100:+.1f} %"))
    return rows


def others(seed: int, scale: float, tell: Callable[[], None]) -> list[Row]:
    """Small requests, logs, metrics, gzip and JSON."""
    native = subjects.native()
    corpus = Corpus(seed, secrets=0.0005, growing=0.01)
    small = partial(Inspection, native)
    rows = []
    for size in (1, 10):
        one = Contender(f"requests of {size} span(s)", small(subjects.policies()))
        requests = _requests(partial(corpus.traces, size))
        run([one], requests, items=size, warm=500, measured=int(2000 * scale), tell=lambda: None)
        row = _row(one, None)
        rows.append((*row[:4], f"{one.cost * size / 1e3:.1f} us a request", row[5]))
        tell()
    for name, make, signal, coding, encoding in (
        ("log records", corpus.logs, Signal.LOGS, "", Encoding.PROTOBUF),
        ("data points", corpus.metrics, Signal.METRICS, "", Encoding.PROTOBUF),
        ("spans, gzip", _packed(corpus), Signal.TRACES, "gzip", Encoding.PROTOBUF),
        ("spans, JSON", _json(corpus), Signal.TRACES, "", Encoding.JSON),
    ):
        subject = Inspection(
            native, subjects.policies(), signal=signal, coding=coding, encoding=encoding
        )
        one = Contender(name, subject)
        quick = 40 if coding or encoding is Encoding.JSON else 160
        run(
            [one],
            _requests(make),
            items=FULL,
            warm=quick // 2,
            measured=max(4, int(quick * scale)),
            tell=tell,
        )
        rows.append(_row(one, None))
    return rows


def _packed(corpus: Corpus) -> Callable[[], bytes]:
    return lambda: subjects.gzipped(corpus.traces())


def _json(corpus: Corpus) -> Callable[[], bytes]:
    return lambda: subjects.as_json(corpus.traces())


def hostile_input(seed: int, scale: float, tell: Callable[[], None]) -> list[Row]:
    """Senders who want it to be slow."""
    rows = []
    for name, make in hostile.KINDS.items():
        random = Random(seed)
        objects = Contender("protobuf objects", subjects.plain_objects, 4)
        one = Contender(name, Inspection(subjects.native(), subjects.policies()))
        requests = _requests(partial(hostile.request, make, random))
        run([objects, one], requests, items=FULL, warm=150, measured=int(160 * scale), tell=tell)
        rows.append(_row(one, objects))
    return rows
