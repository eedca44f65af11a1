"""Bounds of connections to the gRPC listener."""

from __future__ import annotations

from typing import NamedTuple

#: A call in flight when its connection is old may take so long.
_AGE_GRACE_MS = 30_000
_PING_TIMEOUT_MS = 20_000
#: Clients that ask more often whether the server is there are sent away; gRPC's default of five
#: minutes meets those of service meshes.
_LEAST_PING_MS = 10_000


class GrpcBounds(NamedTuple):
    """How many connections there may be, and how long each may live.

    Attributes:
        most: connections at a time; gRPC itself refuses others.
        age_seconds: after which a client is asked to connect anew, so that load spreads over
            replicas and a listener drains; calls in flight may end.
        idle_seconds: after which a connection without a call is closed.
        ping_seconds: of silence after which a peer is asked whether it is still there.
    """

    most: int = 1_000
    age_seconds: float = 1_800.0
    idle_seconds: float = 900.0
    ping_seconds: float = 60.0

    def options(self) -> tuple[tuple[str, int], ...]:
        """The same as channel arguments of gRPC."""
        return (
            ("grpc.max_allowed_incoming_connections", self.most),
            ("grpc.max_connection_age_ms", int(self.age_seconds * 1000)),
            ("grpc.max_connection_age_grace_ms", _AGE_GRACE_MS),
            ("grpc.max_connection_idle_ms", int(self.idle_seconds * 1000)),
            ("grpc.keepalive_time_ms", int(self.ping_seconds * 1000)),
            ("grpc.keepalive_timeout_ms", _PING_TIMEOUT_MS),
            ("grpc.http2.min_ping_interval_without_data_ms", _LEAST_PING_MS),
        )


DEFAULT_BOUNDS = GrpcBounds()
