"""The check digits and checksums that formats of secrets and personal data carry.

Written from the public descriptions that stand beside each; `test_formats.py` holds them against
published vectors.
"""

import struct
import zlib

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
MASK = 0xFFFFFFFF


def digits_of(number: int, alphabet: str) -> str:
    """A number in the base that an alphabet has, without leading zeros."""
    text = ""
    while number:
        number, digit = divmod(number, len(alphabet))
        text = alphabet[digit] + text
    return text


def crc32_base62(body: str) -> str:
    """Six digits: https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats."""
    return digits_of(zlib.crc32(body.encode()), BASE62).rjust(6, "0")


def crc32_hex(body: str) -> str:
    """Eight upper-case hexadecimal digits, as Atlassian's tokens end."""
    return f"{zlib.crc32(body.encode()):08X}"


def crc32_hex_little(body: str) -> str:
    """Eight hexadecimal digits, lowest byte first, as Grafana's service account tokens end."""
    return struct.pack("<I", zlib.crc32(body.encode())).hex()


def _rotate(value: int, by: int) -> int:
    return ((value << by) | (value >> (32 - by))) & MASK


def _mix(low: int, high: int) -> tuple[int, int]:
    high ^= low
    low = (_rotate(low, 20) + high) & MASK
    high = _rotate(high, 9) ^ low
    low = (_rotate(low, 27) + high) & MASK
    return low, _rotate(high, 19)


def marvin(data: bytes, seed: int) -> int:
    """Marvin32 in 64 bits: https://github.com/microsoft/SymCrypt, marvin32.c."""
    low, high = seed & MASK, seed >> 32
    whole = len(data) & ~3
    for (word,) in struct.iter_unpack("<I", data[:whole]):
        low, high = _mix((low + word) & MASK, high)
    rest = int.from_bytes(data[whole:] + b"\x80", "little")
    low, high = _mix(*_mix((low + rest) & MASK, high))
    return high << 32 | low


def marvin32(data: bytes, seed: int) -> int:
    """Marvin32 folded into 32 bits, as identifiable Azure keys end."""
    both = marvin(data, seed)
    return (both >> 32) ^ (both & MASK)


def _bech32_polymod(values: list[int]) -> int:
    state = 1
    for value in values:
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ value
        for bit, part in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            state ^= part if top >> bit & 1 else 0
    return state


def bech32(human: str, data: bytes) -> str:
    """Bech32 of bytes: https://github.com/bitcoin/bips/blob/master/bip-0173.mediawiki."""
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    values = [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)]
    spread = [ord(letter) >> 5 for letter in human] + [0] + [ord(letter) & 31 for letter in human]
    state = _bech32_polymod(spread + values + [0] * 6) ^ 1
    check = [state >> 5 * (5 - at) & 31 for at in range(6)]
    return human + "1" + "".join(BECH32[value] for value in values + check)


def luhn_digit(body: str) -> str:
    """The digit that makes a number pass ISO/IEC 7812-1 annex B."""
    total = 0
    for at, digit in enumerate(reversed(body)):
        doubled = int(digit) * (2 if at % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def iban_digits(country: str, account: str) -> str:
    """The two check digits of ISO 13616: the whole, rearranged, leaves 1 modulo 97."""
    number = "".join(str(int(letter, 36)) for letter in account + country + "00")
    return f"{98 - int(number) % 97:02d}"
