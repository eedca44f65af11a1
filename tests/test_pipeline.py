"""The pipeline lets time pass in small steps, and closes windows whatever becomes of traces."""

from threading import Event, Thread

import pytest

from collector.decode.messages import Encoding
from collector.pipeline import Pipeline
from collector.views import Batch
from collector.violation import Signal


class Verdict:
    violations = ()
    bad = ()
    watched = ()


class Parts:
    """A decoder, an engine and a sink that note what they are asked."""

    def __init__(self, *batches, fails=False):
        self._batches = list(batches)
        self.open_spans = 0
        self._fails = fails
        self.closed = []
        self.told = []
        self.judged = []

    def advance(self, now):
        if self._fails:
            raise LookupError("planted-secret")
        return self._batches.pop(0)

    def evaluate(self, batch, now):
        self.judged.append(batch)
        return Verdict()

    def close(self, now, watermark, *, final=False):
        self.closed.append(watermark)
        return []

    def batch(self, batch, now):
        self.told.append(batch)


def pipeline(parts):
    return Pipeline(parts, parts, parts, lambda: 7.0, lambda _: None)


def test_time_is_told_until_nothing_is_due_and_then_windows_close():
    first, last = Batch(more=True, watermark=1.0), Batch(watermark=2.0)
    parts = Parts(first, last)

    pipeline(parts).tick()

    assert parts.judged == [first, last]
    assert parts.told == [first, last]
    assert parts.closed == [2.0]


def test_windows_close_when_traces_cannot_be_finished():
    parts = Parts(fails=True)

    with pytest.raises(LookupError):
        pipeline(parts).tick()

    assert parts.closed == [float("-inf")]


class Slow(Parts):
    """Its only request takes until it is let go."""

    def __init__(self):
        super().__init__()
        self.begun, self.go = Event(), Event()
        self.count = 0

    def parse(self, _signal, _body):
        return None

    def slices(self, _signal, _parsed, _now):
        self.begun.set()
        self.go.wait(60)
        return
        yield

    def readings(self):
        return [("policy", self.count)]

    def counters(self):
        return {"bound": self.count}


def test_whoever_looks_does_not_wait_for_a_request_that_takes_long():
    parts = Slow()
    line = pipeline(parts)
    assert (line.readings(), line.counters()) == ([("policy", 0)], {"bound": 0})
    parts.count = 1
    sender = Thread(target=line.inspect, args=(Signal.TRACES, b"", Encoding.PROTOBUF))
    sender.start()
    assert parts.begun.wait(60)

    assert (line.readings(), line.counters()) == ([("policy", 0)], {"bound": 0})

    parts.go.set()
    sender.join()
    assert (line.readings(), line.counters()) == ([("policy", 1)], {"bound": 1})
