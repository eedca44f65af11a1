"""The next hop that the configuration names."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import grpc

from collector.config import Forward
from collector.forward.forwarder import Forwarder, Hop
from collector.forward.grpc import GrpcHop
from collector.forward.http import HttpHop
from collector.violation import Signal

_HEADER = re.compile(r"(?P<name>[A-Za-z0-9_.-]+)\s*:\s*(?P<value>[\x20-\x7e]*)")
#: Hosts under which a listener on this machine is reached.
_HERE = frozenset({"localhost", "127.0.0.1", "[::1]", "0.0.0.0", "[::]"})  # noqa: S104 (compared)


def forwarder_of(forward: Forward, own: frozenset[str] = frozenset()) -> Forwarder | None:
    """What sends requests on; None when they end here.

    Args:
        forward: section of the configuration.
        own: addresses of the listeners, from which nothing may come back to them.

    Raises:
        OSError: if the next hop is this auditor itself, or if a file cannot be read or does not
            hold what it should; the text names the key of the configuration, and never shows what
            a file holds.
    """
    if not forward.endpoint:
        return None
    if any(_same(urlsplit(forward.endpoint).netloc, one) for one in own):
        raise OSError(f"forward.endpoint {forward.endpoint} is this auditor itself: a circle")
    return Forwarder(
        hop_of(forward),
        frozenset(Signal(one) for one in forward.signals),
        max_in_flight=forward.max_in_flight,
        timeout_seconds=forward.timeout_seconds,
        retry_after_seconds=forward.retry_after_seconds,
        pass_headers=frozenset(name.lower() for name in forward.pass_headers),
    )


def _same(one: str, other: str) -> bool:
    """Whether two addresses are surely the same."""
    (host, _, port), (other_host, _, other_port) = one.rpartition(":"), other.rpartition(":")
    return port == other_port and (host == other_host or {host, other_host} <= _HERE)


def files_of(forward: Forward) -> list[Path]:
    """The files that a hop is made of: certificates, and secret headers."""
    named = (
        forward.ca_file, forward.certificate_file, forward.key_file, forward.headers_file
    )  # fmt: skip
    return [path for path in named if path is not None]


def hop_of(forward: Forward) -> Hop:
    """The next hop, with what its files hold now.

    Args:
        forward: section of the configuration, with an endpoint.

    Raises:
        OSError: as `forwarder_of`.
    """
    headers = dict(forward.headers)
    if forward.headers_file is not None:
        headers |= _headers(forward.headers_file)
    compress = forward.compression == "gzip"
    secure = forward.endpoint.startswith("https://")
    if forward.protocol == "http/protobuf":
        return HttpHop(
            forward.endpoint,
            tls=_context(forward) if secure else None,
            headers=headers,
            compress=compress,
            connections=forward.max_in_flight,
        )
    return GrpcHop(
        urlsplit(forward.endpoint).netloc,
        credentials=_credentials(forward) if secure else None,
        headers=headers,
        compress=compress,
    )


def _context(forward: Forward) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=forward.ca_file)
        if forward.certificate_file is not None:
            context.load_cert_chain(
                forward.certificate_file, forward.key_file, password=lambda: b""
            )
    except (OSError, ssl.SSLError) as error:
        raise OSError(
            "forward.ca_file, forward.certificate_file and forward.key_file must be readable files "
            f"in PEM, and the last two belong together ({error.strerror or type(error).__name__})"
        ) from None
    return context


def _credentials(forward: Forward) -> grpc.ChannelCredentials:
    _context(forward)  # gRPC itself would say nothing of a file that is wrong
    ca, certificate, key = (
        path.read_bytes() if path is not None else None
        for path in (forward.ca_file, forward.certificate_file, forward.key_file)
    )
    return grpc.ssl_channel_credentials(ca, key, certificate)


def _headers(path: Path) -> dict[str, str]:
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise OSError(
            f"forward.headers_file {path} cannot be read: {type(error).__name__}"
        ) from None
    headers: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _HEADER.fullmatch(line.strip())
        if found is None:
            raise OSError(
                f"forward.headers_file {path}:{number}: not a header, written NAME: VALUE in ASCII"
            )
        headers[found["name"]] = found["value"]
    return headers
