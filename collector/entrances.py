"""The listeners of OTLP, made as the configuration says."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from ipaddress import ip_address

from collector.accept.addresses import unix_path
from collector.accept.admission import Admission
from collector.accept.grpc import GrpcListener
from collector.accept.grpcbounds import GrpcBounds
from collector.accept.guard import Guard
from collector.accept.hints import NO_HINTS
from collector.accept.http import HttpListener
from collector.config import OFF, Config
from collector.connections import ConnectionBounds
from collector.forward.forwarder import Forwarder
from collector.inspection import Inspection

_LOG = logging.getLogger("telemetry_auditor")


class Entrances:
    """Where telemetry comes in.

    Args:
        config: what is in force.
        inspection: gets every request.
        admission: says which are taken.
        guard: says from whom.
        forwarder: sends them on; None without a next hop.
    """

    def __init__(
        self,
        config: Config,
        inspection: Inspection,
        admission: Admission,
        guard: Guard,
        forwarder: Forwarder | None,
    ) -> None:
        self._config = config
        self._inspection = inspection
        self._admission = admission
        self._guard = guard
        self._forwarder = forwarder
        self._open: list[GrpcListener | HttpListener] = []

    def start(self) -> tuple[str, str]:
        """Open them; returns the addresses for gRPC and HTTP, `OFF` for one that is off.

        Raises:
            OSError: if an address cannot be bound.
        """
        grpc = self._start(self._config.grpc.address, self._grpc)
        return grpc, self._start(self._config.http.address, self._http)

    def stop(self, grace_seconds: float) -> None:
        """Close them all at once, when what is in flight was answered or the grace has ended."""
        stops = [
            threading.Thread(target=listener.stop, args=(grace_seconds,)) for listener in self._open
        ]
        for one in stops:
            one.start()
        for one in stops:
            one.join()

    def _start(self, address: str, make: Callable[[str], GrpcListener | HttpListener]) -> str:
        if address == OFF:
            return OFF
        if self._guard.is_open and not _is_loopback(address):
            _LOG.warning(
                "whoever reaches %s may send telemetry: neither auth.tokens_file nor "
                "tls.client_ca_file is set",
                address,
            )
        listener = make(address)
        bound = listener.start()
        self._open.append(listener)
        return bound

    def _grpc(self, address: str) -> GrpcListener:
        return GrpcListener(
            address,
            self._inspection.pipeline.inspect,
            self._inspection.ledger,
            self._admission,
            guard=self._guard,
            max_bytes=self._config.grpc.max_bytes,
            body_timeout_seconds=self._config.grpc.body_timeout_seconds,
            threads=self._config.admission.max_requests,
            bounds=GrpcBounds(
                self._config.grpc.max_connections,
                self._config.grpc.max_connection_age_seconds,
                self._config.grpc.max_connection_idle_seconds,
            ),
            forwarder=self._forwarder,
            hints=self._inspection.feedback or NO_HINTS,
            socket_mode=self._config.grpc.socket_mode,
        )

    def _http(self, address: str) -> HttpListener:
        return HttpListener(
            address,
            self._inspection.pipeline.inspect,
            self._inspection.ledger,
            self._admission,
            guard=self._guard,
            max_bytes=self._config.http.max_bytes,
            body_timeout_seconds=self._config.http.body_timeout_seconds,
            bounds=ConnectionBounds(
                self._config.http.max_connections,
                self._config.http.header_timeout_seconds,
                self._config.http.idle_timeout_seconds,
            ),
            forwarder=self._forwarder,
            hints=self._inspection.feedback or NO_HINTS,
            socket_mode=self._config.http.socket_mode,
        )


def _is_loopback(address: str) -> bool:
    """Whether only this machine can reach an address."""
    if unix_path(address) is not None:
        return True
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
