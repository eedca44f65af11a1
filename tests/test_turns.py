"""Who takes the lock again and again lets others have it in between."""

from threading import Thread

from collector import turns
from collector.turns import Turns


def test_who_waits_has_a_turn_before_the_next_one_of_who_gives_way(monkeypatch):
    monkeypatch.setattr(turns, "_MOST_NAPS", 100_000)
    lock = Turns()
    had = []

    def wait():
        with lock:
            had.append("the other")

    other = Thread(target=wait)
    with lock:
        other.start()
        while not lock._waiting:
            pass
    lock.give_way()
    with lock:
        had.append("the first")
    other.join()
    assert had == ["the other", "the first"]


def test_who_has_no_more_patience_goes_without_the_lock():
    lock = Turns()
    with lock, lock.patiently(0.001) as held:
        assert not held
    assert not lock._waiting
    with lock.patiently(0.001) as held:
        assert held
    with lock:  # which was given back
        pass


def test_nobody_is_given_way_to_for_ever(monkeypatch):
    naps = []
    monkeypatch.setattr(turns, "sleep", naps.append)
    lock = Turns()
    lock._waiting.append(None)

    lock.give_way()
    assert naps == [turns._NAP_SECONDS] * turns._MOST_NAPS


def test_where_nobody_waits_no_time_is_lost(monkeypatch):
    monkeypatch.setattr(turns, "sleep", None)
    lock = Turns()
    with lock:
        pass
    lock.give_way()
