"""HTTP calls between services, each with a CLIENT span that its peer's span continues."""

import socket
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from .telemetry import PROPAGATOR, Telemetry

DOMAIN = "shop.local"
LOOPBACK = "127.0.0.1"
TIMEOUT = aiohttp.ClientTimeout(total=15)
CLIENT_ERROR = 400


class Names(AbstractResolver):
    """What a cluster's services are in small: cart.shop.local:80 leads to a loopback port.

    Args:
        peers: Port of each service.
    """

    def __init__(self, peers: Mapping[str, int]) -> None:
        self._peers = peers

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The loopback address and the real port of a service."""
        del port, family
        name = host.removesuffix(f".{DOMAIN}")
        return [
            ResolveResult(
                hostname=host,
                host=LOOPBACK,
                port=self._peers[name],
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """Nothing is held."""


def session(peers: Mapping[str, int]) -> aiohttp.ClientSession:
    """A session that knows the shop's names; open it inside a running loop.

    Args:
        peers: Port of each service.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=Names(peers)), timeout=TIMEOUT
    )


class Client:
    """Calls other services; enter it inside a running loop.

    Args:
        telemetry: The service's own.
        peers: Port of each service.
    """

    def __init__(self, telemetry: Telemetry, peers: Mapping[str, int]) -> None:
        self._telemetry = telemetry
        self._peers = peers
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = session(self._peers)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def call(
        self,
        method: str,
        peer: str,
        path: str,
        template: str,
        *,
        capture: Collection[str] = (),
        headers: Mapping[str, str] | None = None,
        seconds: float | None = None,
    ) -> int | None:
        """One request in one CLIENT span.

        Args:
            method: HTTP method.
            peer: Name of the service.
            path: Path with its ids.
            template: The same path with names in their place.
            capture: Request headers to record on the span, in lower case.
            headers: To send beside those of the context.
            seconds: How long to wait for the answer; the session's timeout when None.

        Returns:
            The status code, or None when no answer came.
        """
        address = f"{peer}.{DOMAIN}"
        url = f"http://{address}{path}"
        with self._telemetry.tracer.start_as_current_span(
            f"{method} {template}",
            kind=SpanKind.CLIENT,
            attributes={
                "http.request.method": method,
                "url.full": url,
                "url.template": template,
                "server.address": address,
                "server.port": 80,
                "network.peer.address": LOOPBACK,
                "network.peer.port": self._peers[peer],
            },
        ) as span:
            sent = dict(headers or {})
            PROPAGATOR.inject(sent)
            for name in capture:
                if name in sent:
                    span.set_attribute(f"http.request.header.{name}", [sent[name]])
            wait = TIMEOUT if seconds is None else aiohttp.ClientTimeout(total=seconds)
            return await self._send(span, method, url, sent, wait)

    async def hand_over(self, peer: str, path: str, body: Mapping[str, object]) -> None:
        """A POST that no span tells of, as a broker's own protocol.

        Args:
            peer: Name of the service.
            path: Where to.
            body: Sent as JSON.
        """
        async with self._open().post(f"http://{peer}.{DOMAIN}{path}", json=body) as response:
            await response.read()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the client is used before it is entered")
        return self._session

    async def _send(
        self,
        span: Span,
        method: str,
        url: str,
        headers: Mapping[str, str],
        wait: aiohttp.ClientTimeout,
    ) -> int | None:
        try:
            async with self._open().request(method, url, headers=headers, timeout=wait) as response:
                await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(Status(StatusCode.ERROR))
            return None
        span.set_attribute("http.response.status_code", response.status)
        if response.status >= CLIENT_ERROR:
            span.set_attribute("error.type", str(response.status))
            span.set_status(Status(StatusCode.ERROR))
        return response.status
