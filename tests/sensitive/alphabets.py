"""Random text over the alphabets that tokens are made of."""

import base64
import string
import uuid
from random import Random

LOWER = string.ascii_lowercase
UPPER = string.ascii_uppercase
DIGITS = string.digits
LETTERS = string.ascii_letters
ALNUM = LETTERS + DIGITS
LOWER_ALNUM = LOWER + DIGITS
URL_SAFE = ALNUM + "_-"
BASE32 = UPPER + "234567"
HEX = "0123456789abcdef"
BASE64 = ALNUM + "+/"


def text(rng: Random, alphabet: str, length: int) -> str:
    return "".join(rng.choices(alphabet, k=length))


def words(listed: str) -> tuple[str, ...]:
    return tuple(listed.split())


def digits(rng: Random, length: int) -> str:
    """Digits without a leading zero."""
    return rng.choice(DIGITS[1:]) + text(rng, DIGITS, length - 1)


def hexadecimal(rng: Random, length: int) -> str:
    return text(rng, HEX, length)


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def random_base64(rng: Random, size: int) -> str:
    return base64_of(rng.randbytes(size))


def url_safe_base64(data: bytes, *, padded: bool = False) -> str:
    encoded = base64.urlsafe_b64encode(data).decode()
    return encoded if padded else encoded.rstrip("=")


def random_uuid(rng: Random) -> str:
    return str(uuid.UUID(bytes=rng.randbytes(16), version=4))
