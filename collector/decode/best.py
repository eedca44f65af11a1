"""The fastest decoder that this installation has."""

from __future__ import annotations

from typing import TypeAlias

from collector.decode.limits import Limits
from collector.decode.reference import ReferenceDecoder
from collector.demand import Demand

try:
    from collector.decode.native.decoder import NativeDecoder
except ImportError:  # no C compiler was there when the package was installed
    _NATIVE = False
else:
    _NATIVE = True

AnyDecoder: TypeAlias = "ReferenceDecoder | NativeDecoder"

#: Whether the compiled decoder is there.
IS_NATIVE = _NATIVE

#: Its name, as `telemetry-auditor version` and the metric of the build show it.
NAME = "native" if _NATIVE else ReferenceDecoder.name


def decoder(demand: Demand, limits: Limits | None = None, seed: bytes = b"") -> AnyDecoder:
    """The compiled decoder, or the reference where that was not built.

    Args:
        demand: the union of what the policies need.
        limits: bounds.
        seed: keys hashes and the sampling of traces; at most 64 bytes.
    """
    return (
        NativeDecoder(demand, limits, seed) if _NATIVE else ReferenceDecoder(demand, limits, seed)
    )
