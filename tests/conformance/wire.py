"""HTTP/1.1 as bytes on a socket, so that a test can also write what no client would."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple, Self

SECONDS = 15.0


class Answer(NamedTuple):
    """What came back.

    Attributes:
        status: 0 where the connection was closed without an answer.
        headers: by lower-case name.
        body: decoded from chunks.
    """

    status: int
    headers: dict[str, str]
    body: bytes


class Silent(Exception):  # noqa: N818 (an outcome, not an error)
    """Neither an answer nor the end of the connection came in time."""


NOTHING = Answer(0, {}, b"")


class Connection:
    """A connection on which requests are written piece by piece.

    Args:
        address: HOST:PORT, or the path of a unix socket.
        tls: context of a client, or None for plain text.
        seconds: to wait for anything.
    """

    def __init__(
        self, address: str, tls: ssl.SSLContext | None = None, seconds: float = SECONDS
    ) -> None:
        if address.startswith("/"):
            raw = socket.socket(socket.AF_UNIX)
            raw.settimeout(seconds)
            raw.connect(address)
        else:
            host, _, port = address.rpartition(":")
            raw = socket.create_connection((host.strip("[]"), int(port)), timeout=seconds)
        self._socket = tls.wrap_socket(raw, server_hostname="localhost") if tls else raw
        self._left = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Write; a server may have answered and closed before everything was sent."""
        with suppress(BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self._socket.sendall(data)

    def finish(self) -> None:
        """Close the sending half."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def closed_within(self, seconds: float) -> bool:
        """Whether the server closes the connection in time, after an answer or without."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                if not self._socket.recv(65_536):
                    return True
            except TimeoutError:
                return False
            except OSError:
                return True
        return False

    def answer(self) -> Answer:
        """The next answer, interim ones passed over.

        Raises:
            Silent: if none comes in time.
        """
        while True:
            head = self._until(b"\r\n\r\n")
            if not head:
                return NOTHING
            lines = head.decode("latin-1").split("\r\n")
            status = int(lines[0].split()[1])
            pairs = (line.partition(":") for line in lines[1:] if line)
            headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
            if status >= 200:
                return Answer(status, headers, self._body(headers))

    def interim(self) -> int:
        """The status of an interim answer that must come before the body is sent."""
        head = self._until(b"\r\n\r\n")
        return int(head.split()[1]) if head else 0

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = b""
            while size := int(self._until(b"\r\n") or b"0", 16):
                body += self._exactly(size)
                self._exactly(2)
            self._until(b"\r\n")
            return body
        if "content-length" in headers:
            return self._exactly(int(headers["content-length"]))
        return self._exactly(None)

    def _more(self) -> bool:
        try:
            piece = self._socket.recv(65_536)
        except TimeoutError as error:
            raise Silent from error
        except OSError:
            piece = b""
        self._left += piece
        return bool(piece)

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._left:
            if not self._more():
                self._left = b""
                return b""
        found, _, self._left = self._left.partition(mark)
        return found

    def _exactly(self, size: int | None) -> bytes:
        while size is None or len(self._left) < size:
            if not self._more():
                break
        size = len(self._left) if size is None else size
        found, self._left = self._left[:size], self._left[size:]
        return found


def request(
    path: str, body: bytes | None, headers: Mapping[str, str], method: str = "POST"
) -> bytes:
    """The bytes of a request; without a body it ends after its headers."""
    fields = {"Host": "localhost"} | dict(headers)
    if body is not None:
        fields.setdefault("Content-Length", str(len(body)))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join((*lines, "", "")).encode("latin-1") + (body or b"")


def chunks(pieces: Iterable[bytes]) -> bytes:
    """A chunked body."""
    return b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in pieces) + b"0\r\n\r\n"
