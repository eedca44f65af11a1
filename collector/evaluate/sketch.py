"""Counting distinct values in bounded memory, exactly while few and estimated when many.

The estimate is HyperLogLog (Flajolet et al. 2007) with the small-range correction by linear
counting. Hashes are keyed but stable, so that sketches of several processes can be merged.
"""

from __future__ import annotations

import hashlib
import math
import struct
import zlib
from collections.abc import Iterable

_PRECISION = 12
_REGISTERS = 1 << _PRECISION
_ALPHA = 0.7213 / (1 + 1.079 / _REGISTERS)
_REST_BITS = 64 - _PRECISION
_REST_MASK = (1 << _REST_BITS) - 1

_PACKED_HASHES, _PACKED_REGISTERS = b"H", b"R"

# The high bit of each register, which no rank reaches: 52 bits of a hash have ranks up to 53.
_HIGH_BITS = int.from_bytes(b"\x80" * _REGISTERS)

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

    def count(self) -> int:
        """The number of distinct hashes, within `STANDARD_ERROR` when estimated."""
        if self._hashes is not None:
            return len(self._hashes)
        registers, left, rank = self._registers, _REGISTERS, 0
        total = 0.0
        while left:
            of_rank = registers.count(rank)
            total += of_rank * 2.0**-rank
            left -= of_rank
            rank += 1
        raw = _ALPHA * _REGISTERS**2 / total
        zeros = registers.count(0)
        if raw <= 2.5 * _REGISTERS and zeros:
            raw = _REGISTERS * math.log(_REGISTERS / zeros)
        return round(raw)

    def pack(self) -> bytes:
        """The same as bytes, for `merged`: a fraction of what the sketch takes."""
        if self._hashes is None:
            return _PACKED_REGISTERS + zlib.compress(self._registers, 1)
        return _PACKED_HASHES + struct.pack(f">{len(self._hashes)}Q", *sorted(self._hashes))

    @classmethod
    def merged(cls, packed: Iterable[bytes], exact: int = 2048) -> Distinct:
        """All that sketches have seen.

        Args:
            packed: what `pack` made of each.
            exact: as for the sketch that is made.

        Raises:
            ValueError: if one is none of `pack`'s.
        """
        hashes: set[int] = set()
        registers = 0
        for one in packed:
            if one[:1] == _PACKED_REGISTERS:
                registers = _higher(registers, _unpacked(one[1:]))
            elif one[:1] == _PACKED_HASHES and len(one) % 8 == 1:
                hashes.update(struct.unpack(f">{len(one) // 8}Q", one[1:]))
            else:
                raise ValueError("not a sketch")
        made = cls(exact)
        made._hashes = hashes
        if registers or len(hashes) > exact:
            made._spill()
            made._registers = bytearray(
                _higher(registers, int.from_bytes(made._registers)).to_bytes(_REGISTERS)
            )
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


def _higher(one: int, two: int) -> int:
    """The higher of each two registers; one number holds all, for a loop takes 30 times as long."""
    is_one = ((one | _HIGH_BITS) - two) & _HIGH_BITS
    return two ^ ((one ^ two) & (is_one - (is_one >> 7)))


def _unpacked(compressed: bytes) -> int:
    try:
        data = zlib.decompressobj().decompress(compressed, _REGISTERS + 1)
    except zlib.error:
        raise ValueError("not a sketch") from None
    registers = int.from_bytes(data)
    if len(data) != _REGISTERS or registers & _HIGH_BITS or not registers:
        raise ValueError("not a sketch")
    return registers
