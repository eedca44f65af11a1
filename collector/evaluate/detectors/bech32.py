"""The checksum of Bech32 (BIP 173)."""

from __future__ import annotations

_DIGITS = {digit: value for value, digit in enumerate("qpzry9x8gf2tvdw0s3jn54khce6mua7l")}
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM = 6


def _remainder(values: list[int]) -> int:
    rest = 1
    for value in values:
        top = rest >> 25
        rest = (rest & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate(_GENERATORS):
            if top >> place & 1:
                rest ^= generator
    return rest


def bech32(text: str) -> bool:
    """Whether the checksum is right and the letters are all of one case."""
    low = text.lower()
    name, _, digits = low.rpartition("1")
    if text not in {low, text.upper()} or not name or len(digits) < _CHECKSUM:
        return False
    if not low.isascii() or not _DIGITS.keys() >= set(digits):
        return False
    codes = [ord(char) for char in name]
    spread = [code >> 5 for code in codes] + [0] + [code & 31 for code in codes]
    return _remainder(spread + [_DIGITS[digit] for digit in digits]) == 1
