"""The auditor ends in the middle of load, and is started again; its senders are real SDKs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from faults.outside import kind
from faults.scene import Books, Scene, Unbalanced, until
from faults.table import fault
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Http
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

_KEY = "order.id"
_SECONDS = 120  # for which an exporter tries again
_MORE = 5  # spans that are taken before the next end
#: Notes each value before its request is answered, where a kill cannot take it back.
_WITNESS = kind(
    "notes what it sees",
    'open(os.environ["WITNESS_FILE"], "a").write(f"{seen.value.text}\\n"); return ()',
    "return ()",
)


class _Noting(SpanExporter):
    """An SDK's exporter, and what it said became of each span."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner
        self.acknowledged: set[str] = set()
        self.lost: set[str] = set()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._inner.export(spans)
        made = {str((one.attributes or {})[_KEY]) for one in spans}
        (self.acknowledged if result is SpanExportResult.SUCCESS else self.lost).update(made)
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()


def _send(exporter: SpanExporter, stop: threading.Event) -> None:
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = tracers.get_tracer("shop")
    while not stop.is_set():
        tracer.start_span("GET /orders", attributes={_KEY: uuid4().hex}).end()
    tracers.shutdown()


@contextmanager
def _senders(scene: Scene) -> Iterator[list[_Noting]]:
    """An SDK over each protocol, that sends until the end."""
    url = f"http://{scene.program.http}/v1/traces"
    exporters = [
        _Noting(Http(endpoint=url, timeout=_SECONDS)),
        _Noting(Grpc(endpoint=scene.program.grpc, insecure=True, timeout=_SECONDS)),
    ]
    logger = logging.getLogger("opentelemetry.exporter")
    before = logger.level
    logger.setLevel(logging.CRITICAL)  # retries are meant
    stop = threading.Event()
    threads = [threading.Thread(target=_send, args=(one, stop)) for one in exporters]
    for thread in threads:
        thread.start()
    try:
        yield exporters
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        logger.setLevel(before)


def _more(exporters: list[_Noting]) -> None:
    """Wait until each sender has been told that more was taken."""
    for one in exporters:
        wanted = len(one.acknowledged) + _MORE
        until(
            lambda one=one, wanted=wanted: len(one.acknowledged) >= wanted,  # type: ignore[misc]
            "an SDK does not come back",
            _SECONDS,
        )


def _restarts(end: Callable[[Scene], None]) -> Callable[[Scene], None]:
    """A fault: the auditor is ended so, again and again, and started on the same ports."""

    def try_it(scene: Scene) -> None:
        folder = scene.folder()
        env = _WITNESS(folder)
        config = {
            "snapshot": {"file": str(folder / "state"), "interval_seconds": 0.1},
            "grpc": {"address": scene.program.grpc},
            "http": {"address": scene.program.http},
        }
        scene.replace(config, env)
        with _senders(scene) as exporters:
            for _ in range(scene.many(5)):
                _more(exporters)
                end(scene)
                scene.replace(config, env)
            _more(exporters)
        _compare(exporters, Path(env["WITNESS_FILE"]))
        entry = scene.entry()
        scene.books = Books(entry.received, entry.inspected, entry.refused)

    return try_it


def _compare(exporters: list[_Noting], witness: Path) -> None:
    """What the senders were told, against what the auditors saw."""
    seen = set(witness.read_text().split())
    for one in exporters:
        if one.lost:
            raise Unbalanced(f"an SDK lost {len(one.lost)} of its spans")
        unseen = one.acknowledged - seen
        if unseen:
            raise Unbalanced(f"{len(unseen)} spans were acknowledged that nobody had inspected")


def _kill(scene: Scene) -> None:
    scene.program.kill()


def _stop(scene: Scene) -> None:
    code = scene.program.stop()
    if code != 0:
        raise Unbalanced(f"exit code {code}")


fault("SIGKILL in the middle of load, from SDKs that try again")(_restarts(_kill))
fault("SIGTERM in the middle of load, from SDKs that try again")(_restarts(_stop))
