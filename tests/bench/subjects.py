"""Ways of inspecting requests, all of them behind one call: a body in, items out."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from typing import Any

from google.protobuf.json_format import MessageToDict

from collector import policyfile
from collector.decode.compression import inflate
from collector.decode.limits import Limits
from collector.decode.messages import REQUESTS, Encoding
from collector.decode.reference import ReferenceDecoder
from collector.evaluate.detectors.scan import Detectors
from collector.evaluate.engine import Engine
from collector.evaluate.policy import AnyPolicy
from collector.evaluate.scrub import Scrubber
from collector.pipeline import Pipeline
from collector.violation import Signal

#: Spans wait so long in measurements, so that a run soon judges as many as it takes in.
WAIT = 0.1

#: Room for all spans of a wait, so that no trace is left out.
LIMITS = Limits(trace_wait=WAIT, max_spans=2_000_000)

_KEY = b"a key of the bench"
_MIB = 1024 * 1024

Subject = Callable[[bytes, float], int]


class Nobody:
    """Takes reports, and does nothing with them."""

    def batch(self, batch: Any, now: float) -> None:
        """See `collector.pipeline.Sink`."""

    def violations(self, found: Any, now: float) -> None:
        """See `collector.pipeline.Sink`."""


class Inspection:
    """The pipeline of the program on the calling thread, with a clock that is told the time.

    Args:
        decoder: makes a decoder of a demand, limits and a seed.
        policies: what is looked for.
        signal: of the requests.
        limits: of the decoder.
        coding: Content-Encoding of the bodies.
        encoding: of the bodies.
    """

    def __init__(
        self,
        decoder: Callable[..., Any],
        policies: Sequence[AnyPolicy],
        *,
        signal: Signal = Signal.TRACES,
        limits: Limits = LIMITS,
        coding: str = "",
        encoding: Encoding = Encoding.PROTOBUF,
    ) -> None:
        detectors = Detectors(_KEY)
        self.engine = Engine(policies, detectors=detectors, scrubber=Scrubber(detectors))
        self.decoder = decoder(self.engine.demand, limits, _KEY)
        self._now = 0.0
        self._signal, self._coding, self._encoding = signal, coding, encoding
        self.pipeline = Pipeline(self.decoder, self.engine, Nobody(), lambda: self._now, _failed)

    def __call__(self, body: bytes, now: float) -> int:
        """Inspect a request; how many items it held."""
        self._now = now
        plain = inflate(body, self._coding, 64 * _MIB) if self._coding else body
        return self.pipeline.inspect(self._signal, plain, self._encoding)


def _failed(name: str) -> None:
    raise RuntimeError(f"the decoder failed with {name}")


def policies() -> list[AnyPolicy]:
    """The policies of the shipped packs, fresh."""
    return _shipped().fresh()


def packs() -> dict[str, list[AnyPolicy]]:
    """The same by pack."""
    loaded = _shipped()
    found: dict[str, list[AnyPolicy]] = {}
    for policy in loaded.fresh():
        found.setdefault(loaded.pack_of(policy.terms.id), []).append(policy)
    return found


def _shipped() -> policyfile.Loaded:
    return policyfile.load(policyfile.paths_of(shipped=True, paths=()))


def native() -> Callable[..., Any]:
    """The compiled decoder; an `ImportError` where it is not built."""
    from collector.decode.native.decoder import NativeDecoder  # noqa: PLC0415 (may be absent)

    return NativeDecoder


def reference() -> Callable[..., Any]:
    """The reference decoder."""
    return ReferenceDecoder


def parse_only(signal: Signal) -> Subject:
    """Protobuf's parser alone: nothing is read."""
    message = REQUESTS[signal]

    def subject(body: bytes, _now: float) -> int:
        message.FromString(body)
        return 0

    return subject


def plain_objects(body: bytes, _now: float) -> int:
    """Protobuf's objects from Python: every attribute of every span into a dict."""
    items = 0
    for block in REQUESTS[Signal.TRACES].FromString(body).resource_spans:
        for scope in block.scope_spans:
            for span in scope.spans:
                items += 1
                for pair in span.attributes:
                    kind = pair.value.WhichOneof("value")
                    _ = (pair.key, getattr(pair.value, kind) if kind else None)
    return items


def gzipped(body: bytes) -> bytes:
    """A body as exporters compress it."""
    return gzip.compress(body, 6, mtime=0)


def as_json(body: bytes) -> bytes:
    """A body of spans in the JSON mapping of OTLP, with its ids in hex."""
    request = REQUESTS[Signal.TRACES].FromString(body)
    tree = MessageToDict(request, use_integers_for_enums=True)
    blocks = zip(tree["resourceSpans"], request.resource_spans, strict=True)
    for block, sent in blocks:
        for scope, scoped in zip(block["scopeSpans"], sent.scope_spans, strict=True):
            for span, said in zip(scope["spans"], scoped.spans, strict=True):
                span["traceId"], span["spanId"] = said.trace_id.hex(), said.span_id.hex()
                span["parentSpanId"] = said.parent_span_id.hex()
    return json.dumps(tree, separators=(",", ":")).encode()
