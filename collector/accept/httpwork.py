"""What worker threads do with a request over HTTP: inflate, send on and inspect."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import NamedTuple

from collector.accept.admission import Admission
from collector.accept.hints import Hints
from collector.accept.reply import JSON, PROTOBUF
from collector.decode.compression import CODINGS, CompressionError, TooLargeError, inflate
from collector.decode.messages import DecodeError, Encoding
from collector.decode.otlp_json import to_protobuf, weight
from collector.forward.forwarder import Forwarder
from collector.forward.parcel import Answer, Parcel, Untranslatable
from collector.ledger import Ledger, Refusal, Transport
from collector.violation import Service, Signal

_LOG = logging.getLogger("telemetry_auditor")

_TOO_HEAVY = (
    "reading this JSON takes more memory than there is: send less at once, or protobuf, or raise "
    "admission.max_memory_bytes"
)

Inspect = Callable[[Signal, bytes, Encoding], int]


class RefusedError(Exception):
    """Ends the handling of a request.

    Args:
        reason: what it is counted under, and answered with.
        detail: of the answer; empty is that of the reason.
    """

    def __init__(self, reason: Refusal, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


class Headers(NamedTuple):
    """What the headers of a request say about its body.

    Attributes:
        encoding: of the message.
        coding: in which it is compressed, in lower case; empty for none.
    """

    encoding: Encoding
    coding: str


class Seen(NamedTuple):
    """What came of inspecting a request: its items, and who waits to be told something."""

    items: int
    senders: Sequence[Service]


def parcel_of(
    signal: Signal,
    body: bytes,
    headers: Headers,
    sent: Mapping[str, str],
    max_bytes: int,
) -> Parcel:
    """A request over HTTP, to be sent on.

    Args:
        signal: which it is.
        body: as received.
        headers: what they say of the body.
        sent: all headers.
        max_bytes: that it may inflate to.
    """

    def protobuf() -> bytes:
        try:
            plain = inflate(body, headers.coding, max_bytes)
            if headers.encoding is Encoding.JSON:
                return to_protobuf(signal, plain).SerializeToString()
        except (CompressionError, DecodeError) as error:
            raise Untranslatable(str(error)) from None
        return plain

    content_type = JSON if headers.encoding is Encoding.JSON else PROTOBUF
    return Parcel(signal, body, content_type, headers.coding, protobuf, sent)


class HttpWork:
    """Inspects requests, and sends them on.

    Args:
        inspect: a request that was inflated.
        ledger: counts what was inspected, or sent on.
        admission: knows what memory is left.
        hints: for whom there are any.
        max_bytes: of a request, before and after decompression.
    """

    def __init__(
        self,
        inspect: Inspect,
        ledger: Ledger,
        admission: Admission,
        hints: Hints,
        max_bytes: int,
    ) -> None:
        self._inspect = inspect
        self._ledger = ledger
        self._admission = admission
        self._hints = hints
        self._max_bytes = max_bytes

    @property
    def limit_text(self) -> str:
        """Says that a body is too large."""
        return f"the body is larger than the limit of {self._max_bytes} bytes"

    def inspected(self, signal: Signal, body: bytes, headers: Headers) -> Seen:
        """Inflate and inspect.

        Args:
            signal: which it is.
            body: as received.
            headers: what they say of it.

        Raises:
            RefusedError: if it is too large, or cannot be decoded.
        """
        plain = self._plain(body, headers)
        inflated = 0 if plain is body else len(plain)
        with self._admission.reading(_weight(plain, headers), len(body), inflated) as refusal:
            if refusal is not None:
                raise RefusedError(refusal, _TOO_HEAVY if refusal is Refusal.TOO_LARGE else "")
            return self._seen(signal, plain, headers)

    def _plain(self, body: bytes, headers: Headers) -> bytes:
        if headers.coding not in CODINGS:
            raise RefusedError(Refusal.UNSUPPORTED_ENCODING)
        try:
            plain = inflate(body, headers.coding, self._max_bytes)
        except TooLargeError:
            raise RefusedError(Refusal.TOO_LARGE, self.limit_text) from None
        except CompressionError as error:
            raise RefusedError(Refusal.UNDECODABLE, str(error)) from None
        return plain

    def _seen(self, signal: Signal, plain: bytes, headers: Headers) -> Seen:
        try:
            items = self._inspect(signal, plain, headers.encoding)
            return Seen(items, self._hints.senders(signal, plain, headers.encoding))
        except DecodeError as error:
            raise RefusedError(Refusal.UNDECODABLE, str(error)) from None
        except Exception as error:  # noqa: BLE001 (the client must hear of it, without its text)
            _LOG.error("a request failed with %s", type(error).__name__)
            raise RefusedError(Refusal.INTERNAL) from None

    def sent_on(
        self, forwarder: Forwarder, parcel: Parcel, headers: Headers, taken: list[int]
    ) -> tuple[Future[Answer], Sequence[Service]]:
        """Send on and inspect; what cannot be decoded goes on as it came.

        So does what never fits into memory. The next hop works while this inspects. What it cannot
        be sent is refused as if it were not there.

        Args:
            forwarder: to the next hop.
            parcel: the request.
            headers: what they say of its body.
            taken: bytes that it was admitted with; grows by what it inflates to.

        Returns:
            The answer of the next hop, and who waits to be told something.

        Raises:
            RefusedError: if it is not sent on.
        """
        plain: bytes | None = None
        try:
            plain = self._plain(parcel.body, headers)
        except RefusedError as refused:
            if refused.reason is Refusal.TOO_LARGE:
                raise
        # A hop over gRPC is sent it inflated, and all of it is held until the hop has answered.
        inflated = 0 if plain is None else max(0, len(plain) - len(parcel.body))
        if inflated and not self._admission.grow(inflated, taken):
            raise RefusedError(Refusal.OVERLOADED)
        with self._admission.reading(_weight(plain, headers), taken[0]) as refusal:
            if refusal is Refusal.MEMORY:
                raise RefusedError(refusal)
            if refusal is not None:  # a hop that is sent it as it came may take it
                plain, parcel = None, parcel._replace(protobuf=_never_read)
            sent = _sent(forwarder, parcel, headers)
            return sent, self._told(parcel.signal, plain, headers)

    def _told(self, signal: Signal, plain: bytes | None, headers: Headers) -> Sequence[Service]:
        """Inspect what was sent on, if it can be decoded; who waits to be told something."""
        try:
            seen = self._seen(signal, plain, headers) if plain is not None else None
        except RefusedError:
            seen = None
        if seen is None:
            self._ledger.uninspected(signal, Transport.HTTP)
            return ()
        self._ledger.inspected(signal, Transport.HTTP, seen.items)
        return seen.senders


def _weight(plain: bytes | None, headers: Headers) -> int:
    """What objects of JSON take; what cannot be inflated is not read."""
    return weight(plain) if plain and headers.encoding is Encoding.JSON else 0


class _TooHeavy(Untranslatable):
    """It is JSON, and there never is the memory to read it."""


def _never_read() -> bytes:
    raise _TooHeavy(_TOO_HEAVY)


def _sent(forwarder: Forwarder, parcel: Parcel, headers: Headers) -> Future[Answer]:
    try:
        return forwarder.send(parcel)
    except _TooHeavy as error:
        raise RefusedError(Refusal.TOO_LARGE, str(error)) from None
    except Untranslatable as error:
        known = headers.coding in CODINGS
        reason = Refusal.UNDECODABLE if known else Refusal.UNSUPPORTED_ENCODING
        raise RefusedError(reason, str(error)) from None
