"""Makes tokens for the tests, so that none that looks real stands in this repository.

The checksums are computed here a second time and in another way than the product does.
"""

from __future__ import annotations

import base64
import json
import random
import string
import zlib
from itertools import count

ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
BASE32 = string.ascii_uppercase + "234567"
URLSAFE = ALNUM + "-_"
B64_ORDER = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
DIGITS = string.digits
SEED = 20


def chars(alphabet: str, length: int, seed: int = 0) -> str:
    numbers = random.Random(f"{alphabet} {length} {seed}")
    return "".join(numbers.choices(alphabet, k=length))


def uuid(seed: int = 0) -> str:
    text = chars(HEX, 32, seed)
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def b64(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def spelled(number: int, alphabet: str, digits: int) -> str:
    powers = [len(alphabet) ** place for place in reversed(range(digits))]
    return "".join(alphabet[number // power % len(alphabet)] for power in powers)


def base62_crc32(text: str) -> str:
    order = string.digits + string.ascii_uppercase + string.ascii_lowercase
    return spelled(zlib.crc32(text.encode()), order, 6)


def checked(prefix: str, length: int) -> str:
    body = chars(ALNUM, length - 6)
    return prefix + body + base62_crc32(body)


def gitlab(prefix: str = "glpat-", version: str = ".01", instance: str = "") -> str:
    payload = b64(b"o:1\nu:9" + random.Random(SEED).randbytes(17))
    order = string.digits + string.ascii_lowercase
    text = f"{prefix}{payload}{version}.{spelled(len(payload), order, 2)}"
    return instance + text + spelled(zlib.crc32((instance + text).encode()), order, 7)


def jwt(**header: str) -> str:
    return f"{b64(header)}.{b64({'sub': 'shop', 'aud': 'tests'})}.{chars(URLSAFE, 43)}"


def grafana() -> str:
    body = "glsa_" + chars(ALNUM, 32)
    return f"{body}_{zlib.crc32(body.encode()):08x}"


def atlassian(prefix: str = "ATATT3", length: int = 180, end: str = "=") -> str:
    body = prefix + chars(URLSAFE if end else ALNUM, length)
    return f"{body}{end}{zlib.crc32(body.encode()):08X}"


def discord(digits: int = 18) -> str:
    bot = "1" + chars(DIGITS, digits - 1)
    return f"{b64(bot.encode())}.{chars(URLSAFE, 6)}.{chars(URLSAFE, 38)}"


def marvin(data: bytes, seed: int) -> int:
    words = [seed % 2**32, seed // 2**32]

    def roll(value: int, by: int) -> int:
        return ((value * 2**by) % 2**32) + value // 2 ** (32 - by)

    def mix() -> None:
        words[1] ^= words[0]
        words[0] = (roll(words[0], 20) + words[1]) % 2**32
        words[1] = roll(words[1], 9) ^ words[0]
        words[0] = (roll(words[0], 27) + words[1]) % 2**32
        words[1] = roll(words[1], 19)

    whole, rest = divmod(len(data), 4)
    ends = [*(data[4 * at : 4 * at + 4] for at in range(whole)), data[4 * whole :] + b"\x80"]
    for end in ends:
        words[0] = (words[0] + sum(byte << 8 * at for at, byte in enumerate(end))) % 2**32
        mix()
    assert rest < 4
    mix()
    return words[1] << 32 | words[0]


def marvin_checksum(data: bytes, seed: str) -> bytes:
    whole = marvin(data, int(seed.encode().hex(), 16))
    return bytes((whole >> 32 + 8 * at ^ whole >> 8 * at) & 255 for at in range(4))


def azure(before: int, signature: str, seed: str, size: int, marks: str = "+/") -> str:
    """An identifiable key: random, a signature, a checksum, so many bytes in base64."""
    number = 0
    for char in chars(ALNUM, before, size) + signature:
        number = number * 64 + B64_ORDER.index(char)
    spare = (size - 4) * 8 - 6 * (before + len(signature))
    body = (number << spare).to_bytes(size - 4, "big")
    key = base64.b64encode(body + marvin_checksum(body, seed)).decode()
    return key.translate(str.maketrans("+/", marks))


def cask(
    signature: str = "AZDO", kind: str = "9", *, base62: bool = False, long: bool = False
) -> str:
    """A common annotated security key; its checksum must be spelled in letters and digits."""
    for number in count():
        body = (
            chars(ALNUM, 52, number)
            + f"JQQJ9{kind}BC"
            + chars(ALNUM, 12, number)
            + "AAAA"
            + signature
        )
        checksum = marvin_checksum(base64.b64decode(body), "Default0")
        order = string.digits + string.ascii_uppercase + string.ascii_lowercase
        value = int.from_bytes(checksum, "big")
        end = (
            spelled(value, order, 6).lstrip("0") if base62 else base64.b64encode(checksum).decode()
        )
        end = end if long else end[:4]
        if not set(end) & {"+", "/"} and end[:1].isalnum():
            return body + end
    raise AssertionError


BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def bech32(name: str, seed: int = 0) -> str:
    """BIP 173, as division of polynomials over GF(32) in the reference's words."""

    def polymod(values: list[int]) -> int:
        generators = [0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3]
        rest = 1
        for value in values:
            top = rest // 2**25
            rest = (rest % 2**25) * 32 ^ value
            for place in range(5):
                rest ^= generators[place] if top // 2**place % 2 else 0
        return rest

    data = [BECH32.index(char) for char in chars(BECH32, 52, seed)]
    spread = [ord(char) // 32 for char in name] + [0] + [ord(char) % 32 for char in name]
    rest = polymod([*spread, *data, 0, 0, 0, 0, 0, 0]) ^ 1
    tail = [rest // 32 ** (5 - place) % 32 for place in range(6)]
    return name + "1" + "".join(BECH32[digit] for digit in data + tail)


def pem(kind: str, newline: str, body: str, *, end: bool = True) -> str:
    start = f"-----BEGIN {kind}PRIVATE" + " KEY-----"
    stop = f"-----END {kind}PRIVATE" + " KEY-----"
    return start + newline + body + newline + (stop if end else "")
