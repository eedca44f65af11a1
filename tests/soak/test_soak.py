"""The short form of `make soak`: its machinery works, and every item is accounted for."""

import socket

import pytest
from conformance.servers import Servers
from faults.scene import until
from soak.run import Sample, growth, soak
from soak.tasks import Tasks


@pytest.fixture
def servers(tmp_path):
    made = Servers(tmp_path)
    yield made
    made.close()


def test_a_task_is_counted_while_it_has_not_ended(servers):
    tasks = Tasks(servers.folder())
    program = servers.start(env=tasks.env)
    host, port = program.http.rsplit(":", 1)

    with socket.create_connection((host, int(port))):
        until(lambda: tasks.of(program) == 1, "a connection has no task")
    until(lambda: tasks.of(program) == 0, "a task outlives its connection")


def test_a_mixed_load_is_accounted_for_to_the_item(tmp_path):
    samples, entry = soak(tmp_path, rounds=2, seconds=3, rate=10)

    first, last = samples
    assert first.requests < last.requests
    assert entry.received == entry.inspected + entry.refused
    assert last.reloads == 2
    assert last.files > 0
    assert last.threads > 0


def rounds(count, last=1, **values):
    steady = Sample(memory=1000, files=20, threads=10, tasks=5, requests=0, items=0, reloads=0)
    return [steady] * (count - last) + [steady._replace(**values)] * last


def test_what_grew_since_the_fifth_round_is_named():
    assert growth(rounds(30, memory=1099, threads=9)) == []
    assert growth(rounds(30, memory=1101)) == ["memory changed by +10%"]
    assert growth(rounds(30, memory=899)) == ["memory changed by -10%"]
    assert growth(rounds(30, last=3, files=21)) == ["open files grew from 20 to 21"]
    assert growth(rounds(30, last=3, threads=11)) == ["threads grew from 10 to 11"]
    assert growth(rounds(30, last=3, tasks=6)) == ["tasks grew from 5 to 6"]
    assert growth(rounds(6, threads=11)) == ["threads grew from 10 to 11"]


def test_a_thread_that_comes_and_goes_is_no_growth():
    assert growth(rounds(30, last=2, threads=11)) == []


def test_of_a_short_run_no_growth_is_judged():
    assert growth(rounds(5, memory=5000, files=100)) == []
