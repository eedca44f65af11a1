"""Marvin32, the checksum by which keys of Azure vouch for themselves.

Source: lib/marvin32.c of microsoft/SymCrypt; microsoft/security-utilities says which keys carry
it, over what, and with which seeds.
"""

from __future__ import annotations

_MASK = 0xFFFFFFFF
_WORD = 4


def _turned(value: int, by: int) -> int:
    return (value << by | value >> (32 - by)) & _MASK


def _mixed(low: int, high: int) -> tuple[int, int]:
    high ^= low
    low = (_turned(low, 20) + high) & _MASK
    high = _turned(high, 9) ^ low
    low = (_turned(low, 27) + high) & _MASK
    return low, _turned(high, 19)


def marvin64(data: bytes, seed: int) -> int:
    """Marvin's hash of 64 bits.

    Args:
        data: any number of bytes.
        seed: of 64 bits.
    """
    low, high = seed & _MASK, seed >> 32
    padded = data + b"\x80"
    padded += bytes(-len(padded) % _WORD)
    for at in range(0, len(padded), _WORD):
        word = int.from_bytes(padded[at : at + _WORD], "little")
        low, high = _mixed((low + word) & _MASK, high)
    low, high = _mixed(low, high)
    return high << 32 | low


def marvin32(data: bytes, kind: str) -> bytes:
    """The checksum as it stands in a key: Marvin's hash, folded, its low byte first.

    Args:
        data: any number of bytes.
        kind: of the key, in eight characters, which are the seed.
    """
    whole = marvin64(data, int.from_bytes(kind.encode(), "big"))
    return ((whole >> 32 ^ whole) & _MASK).to_bytes(_WORD, "little")
