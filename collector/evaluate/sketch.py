"""Counting distinct values in bounded memory, exactly while few and estimated when many.

The estimate is HyperLogLog (Flajolet et al. 2007) with the small-range correction by linear
counting. Hashes are keyed but stable, so that sketches of several processes can be merged.
"""

from __future__ import annotations

import hashlib
import math

_PRECISION = 12
_REGISTERS = 1 << _PRECISION
_ALPHA = 0.7213 / (1 + 1.079 / _REGISTERS)
_REST_BITS = 64 - _PRECISION
_REST_MASK = (1 << _REST_BITS) - 1

_PACKED_HASHES, _PACKED_REGISTERS = b"H", b"R"

#: Relative standard error of an estimate: 1.04 / sqrt(registers).
STANDARD_ERROR = 1.04 / math.sqrt(_REGISTERS)


def stable_hash(text: str, key: bytes = b"") -> int:
    """A 64-bit hash that is the same in every process with the same key.

    Args:
        text: any string, lone surrogates included.
        key: at most 64 bytes.
    """
    data = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8, key=key).digest())


class Distinct:
    """How many distinct hashes were added.

    Args:
        exact: up to so many the count is exact; beyond, 4096 registers of one byte.
    """

    __slots__ = ("_exact", "_hashes", "_registers")

    def __init__(self, exact: int = 2048) -> None:
        self._exact = exact
        self._hashes: set[int] | None = set()
        self._registers = bytearray()

    @property
    def is_exact(self) -> bool:
        """Whether `count` is exact rather than an estimate."""
        return self._hashes is not None

    def add(self, hashed: int) -> bool:
        """Add a 64-bit hash.

        Returns:
            True when the count grew; an estimate can miss some of what is new.
        """
        if self._hashes is None:
            return self._register(hashed)
        if hashed in self._hashes:
            return False
        self._hashes.add(hashed)
        if len(self._hashes) > self._exact:
            self._spill()
        return True

    def merge(self, other: Distinct) -> None:
        """Add everything that another sketch has seen."""
        if other._hashes is not None:
            for hashed in other._hashes:
                self.add(hashed)
            return
        if self._hashes is not None:
            self._spill()
        self._registers = bytearray(map(max, self._registers, other._registers))

    def count(self) -> int:
        """The number of distinct hashes, within `STANDARD_ERROR` when estimated."""
        if self._hashes is not None:
            return len(self._hashes)
        raw = _ALPHA * _REGISTERS**2 / sum(2.0**-rank for rank in self._registers)
        zeros = self._registers.count(0)
        if raw <= 2.5 * _REGISTERS and zeros:
            raw = _REGISTERS * math.log(_REGISTERS / zeros)
        return round(raw)

    def pack(self) -> bytes:
        """The same as bytes, for `unpack`."""
        if self._hashes is None:
            return _PACKED_REGISTERS + bytes(self._registers)
        return _PACKED_HASHES + b"".join(one.to_bytes(8) for one in sorted(self._hashes))

    @classmethod
    def unpack(cls, packed: bytes, exact: int = 2048) -> Distinct:
        """What `pack` made.

        Args:
            packed: the bytes.
            exact: as when it was made.

        Raises:
            ValueError: if they are none of `pack`'s.
        """
        made, kind, rest = cls(exact), packed[:1], packed[1:]
        if kind == _PACKED_REGISTERS and len(rest) == _REGISTERS and max(rest) <= _REST_BITS + 1:
            made._hashes, made._registers = None, bytearray(rest)
            return made
        if kind != _PACKED_HASHES or len(rest) % 8 or len(rest) > 8 * exact:
            raise ValueError("not a sketch")
        made._hashes = {int.from_bytes(rest[at : at + 8]) for at in range(0, len(rest), 8)}
        return made

    def _spill(self) -> None:
        hashes, self._hashes = self._hashes or set(), None
        self._registers = bytearray(_REGISTERS)
        for hashed in hashes:
            self._register(hashed)

    def _register(self, hashed: int) -> bool:
        index = hashed >> _REST_BITS
        rank = _REST_BITS - (hashed & _REST_MASK).bit_length() + 1
        if rank <= self._registers[index]:
            return False
        self._registers[index] = rank
        return True
