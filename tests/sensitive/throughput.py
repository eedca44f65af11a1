"""How often the detectors speak on benign values, and how many values they take in a second."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from time import perf_counter
from typing import NamedTuple

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from sensitive.benign import stream

from collector.decode.best import decoder
from collector.decode.limits import Limits
from collector.demand import Demand
from collector.evaluate.detectors.scan import Detectors
from collector.views import Place, Value
from collector.violation import Signal

BLOCK = 20_000
RECORDS, EACH = 250, 8  # of one request
REQUESTS = 40


class Quiet(NamedTuple):
    """What came of benign values; one example for each kind, key and detector."""

    made: Counter
    false: Counter
    examples: dict[tuple[str, str, str], str]
    seconds: float

    @property
    def share(self) -> float:
        """False reports among 100 thousand values."""
        return 1e5 * sum(self.false.values()) / max(1, sum(self.made.values()))


def quiet(detectors: Detectors, count: int, seed: int, tell: Callable[[int], None]) -> Quiet:
    """Judge so many benign values, and time the detectors alone."""
    made, false, examples, seconds = Counter(), Counter(), {}, 0.0
    values = stream(count, seed)
    while block := list(islice(values, BLOCK)):
        asked = [Value(key, text, new=True, sightings=()) for _, key, text in block]
        start = perf_counter()
        found = detectors.found(asked)
        seconds += perf_counter() - start
        made.update(kind for kind, _, _ in block)
        for index, hits in found.items():
            kind, key, text = block[index]
            false[kind] += 1
            examples.setdefault((kind, key, hits[0].detector), text)
        tell(len(block))
    return Quiet(made, false, examples, seconds)


def _requests(seed: int) -> Iterator[tuple[int, bytes]]:
    values = stream(REQUESTS * RECORDS * EACH, seed)
    for _ in range(REQUESTS):
        request = ExportLogsServiceRequest()
        logs = request.resource_logs.add().scope_logs.add().log_records
        for _ in range(RECORDS):
            record = logs.add(time_unix_nano=1)
            for number, (_, key, text) in enumerate(islice(values, EACH)):
                one = record.attributes.add(key=key or f"app.text.{number}")
                one.value.string_value = text
        yield RECORDS * EACH, request.SerializeToString()


def through_decoder(detectors: Detectors, seed: int) -> tuple[float, float]:
    """Values a second from bytes of OTLP to finds: all new, and all seen before."""
    demand = Demand(places=frozenset({Place.LOG_ATTRIBUTE}))
    reader = decoder(demand, Limits(), b"seed")
    requests = list(_requests(seed))
    speeds = []
    for _ in range(2):
        start, count = perf_counter(), 0
        for number, body in requests:
            count += number
            for batch in reader.slices(Signal.LOGS, reader.parse(Signal.LOGS, body), 1.0):
                if batch.values:
                    detectors.found(batch.values)
        speeds.append(count / (perf_counter() - start))
    return speeds[0], speeds[1]
