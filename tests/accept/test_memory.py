"""Over its budget of memory nothing more is taken, and what is free is given back."""

from __future__ import annotations

import gzip
from http.client import HTTPConnection

import pytest

from collector.accept import memory
from collector.accept.admission import Admission
from collector.accept.http import HttpListener
from collector.accept.memory import MemoryBudget, container_limit, resident
from collector.ledger import Ledger, Refusal


class Process:
    """A process of which the memory and the clock are set by hand."""

    def __init__(self) -> None:
        self.held = 0
        self.now = 0.0

    def budget(self, limit: int | None) -> MemoryBudget:
        return MemoryBudget(limit, lambda: self.held, lambda: self.now)


def test_the_budget_is_exact_and_counts_what_is_coming() -> None:
    process = Process()
    budget = process.budget(1000)
    process.held = 900

    assert not budget.exceeded(100)
    assert budget.exceeded(101)


def test_without_a_limit_nothing_is_too_much() -> None:
    process = Process()
    process.held = 2**50

    assert not process.budget(None).exceeded(2**50)


def test_a_reading_serves_for_an_instant_and_no_longer() -> None:
    process = Process()
    budget = process.budget(1000)
    assert not budget.exceeded(0)
    process.held = 2000

    assert not budget.exceeded(0)
    process.now += 0.03
    assert budget.exceeded(0)


def test_relief_is_sought_only_over_the_limit_and_not_all_the_time() -> None:
    process = Process()
    budget = process.budget(1000)
    assert not budget.relieve()

    process.held, process.now = 2000, 1.0
    assert budget.relieve()
    assert not budget.relieve()
    process.now += 6
    assert budget.relieve()


def test_what_is_free_is_given_back_now_and_then(monkeypatch) -> None:
    given = []
    monkeypatch.setattr(memory, "give_back", lambda: given.append(process.now))
    process = Process()
    budget = process.budget(None)

    for process.now in range(0, 181, 5):
        assert not budget.relieve()

    assert given == [0, 60, 120, 180]


def test_a_request_is_refused_over_the_budget_and_taken_again_below_it() -> None:
    process = Process()
    admission = Admission(memory=process.budget(1000))
    process.held = 1001

    assert admission.enter() is Refusal.MEMORY
    assert admission.overloaded
    assert admission.in_flight == (0, 0)
    process.held, process.now = 500, 1.0
    assert admission.enter() is None
    assert not admission.overloaded


def test_bytes_in_flight_count_towards_the_budget() -> None:
    process = Process()
    admission = Admission(memory=process.budget(1000))
    process.held = 600
    assert admission.enter() is None
    assert admission.grow(401, [0])

    assert admission.enter() is Refusal.MEMORY
    admission.leave(401)
    assert admission.enter() is None


@pytest.mark.parametrize(
    ("texts", "limit"),
    [
        (["1000\n"], 900),
        (["max\n"], None),
        (["max\n", "2000\n"], 1800),
        ([str(2**63 - 4096)], None),
        ([""], None),
        ([], None),
    ],
)
def test_a_container_s_limit_is_read_with_some_to_spare(tmp_path, texts, limit) -> None:
    files = []
    for number, text in enumerate(texts):
        files.append(tmp_path / str(number))
        files[-1].write_text(text)

    assert container_limit((tmp_path / "absent", *files)) == limit


def test_this_process_holds_something() -> None:
    assert resident() > 1_000_000


def test_what_is_more_than_the_process_may_hold_beside_its_least_is_never_held() -> None:
    process = Process()
    budget = process.budget(1000)
    for process.now, process.held in ((0.0, 900), (1.0, 300), (2.0, 800)):
        budget.exceeded(0)

    assert not budget.never_holds(700)
    assert budget.never_holds(701)
    assert budget.exceeded(700)
    assert not process.budget(None).never_holds(2**50)


def test_memory_that_is_set_aside_for_reading_is_nobody_else_s() -> None:
    process = Process()
    admission = Admission(memory=process.budget(1000))
    process.held = 100

    with admission.reading(600, 0) as first, admission.reading(400, 0) as second:
        assert (first, second) == (None, Refusal.MEMORY)
        assert admission.enter() is None
        with admission.reading(300, 0) as third:
            assert third is None
        assert admission.grow(300, [0])
        assert not admission.overloaded
        assert admission.grow(1, [0])
        assert admission.overloaded
        admission.leave(301)
    with admission.reading(900, 0) as again:
        assert again is None
    with admission.reading(901, 0) as again:
        assert again is Refusal.TOO_LARGE


@pytest.mark.parametrize(
    ("size", "inflated", "refusal"),
    [
        (600, 0, None),
        (601, 0, Refusal.TOO_LARGE),
        (400, 200, None),
        (401, 200, Refusal.TOO_LARGE),
    ],
)
def test_alone_it_is_read_or_never_can_be(
    size: int, inflated: int, refusal: Refusal | None
) -> None:
    """What it has is in memory when it is read, and counted once."""
    process, taken = Process(), [0]
    admission = Admission(memory=process.budget(1000))
    process.held = 100
    assert admission.enter() is None
    assert admission.grow(300, taken)
    process.now, process.held = 1.0, 400 + inflated

    with admission.reading(size, taken[0], inflated) as told:
        assert told is refusal


def test_a_body_that_needs_no_more_memory_than_it_has_is_not_refused_once_it_was_taken() -> None:
    process, ledger = Process(), Ledger()
    process.held = 9_999_999
    admission = Admission(memory=process.budget(10_000_000))
    listener = HttpListener("127.0.0.1:0", lambda *_: 1, ledger, admission)
    address = listener.start()
    try:
        answered = _posted(address, b"protobuf", "", "application/x-protobuf")
    finally:
        listener.stop(1)

    assert answered == 200
    assert not +ledger.snapshot().refused


@pytest.mark.parametrize("coding", ["", "gzip"])
@pytest.mark.parametrize(
    ("objects", "held", "code", "refusal"),
    [
        (1_000, 1_000_000, 200, None),
        (1_000, 9_999_999, 503, Refusal.MEMORY),
        (100_000, 1_000_000, 413, Refusal.TOO_LARGE),
    ],
)
def test_json_is_refused_that_takes_more_memory_than_there_is(
    objects: int, held: int, code: int, refusal: Refusal | None, coding: str
) -> None:
    """Objects take many times the room of their text; what never fits is not asked for again."""
    process, ledger = Process(), Ledger()
    budget = process.budget(10_000_000)
    process.held = 1_000_000
    budget.exceeded(0)
    process.now, process.held = 1.0, held
    listener = HttpListener("127.0.0.1:0", lambda *_: 1, ledger, Admission(memory=budget))
    address = listener.start()
    try:
        answered = _posted(address, b'{"resourceSpans":[' + b"{}," * objects + b"{}]}", coding)
    finally:
        listener.stop(1)

    assert answered == code
    refused = {("traces", "http", str(refusal)): 1} if refusal else {}
    assert +ledger.snapshot().refused == refused


def _posted(address: str, body: bytes, coding: str, kind: str = "application/json") -> int:
    connection = HTTPConnection(address, timeout=20)
    headers = {"Content-Type": kind, "Content-Encoding": coding}
    sent = gzip.compress(body) if coding else body
    connection.request("POST", "/v1/traces", sent, headers)
    status = connection.getresponse().status
    connection.close()
    return status
