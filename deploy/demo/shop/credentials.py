"""Secrets that are made up at run time, yet pass the checks by which a real one is told."""

import base64
import binascii
import json
import random
import secrets
import string
import time

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
HOUR = 3600


def _base62(number: int, width: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 62)
        digits = BASE62[rest] + digits
    return digits.rjust(width, "0")


def github_token() -> str:
    """A personal access token: prefix, 30 random characters, their CRC32 in base 62."""
    entropy = "".join(random.choices(BASE62, k=30))
    return f"ghp_{entropy}{_base62(binascii.crc32(entropy.encode()), 6)}"


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def json_web_token() -> str:
    """A session token that ends in an hour, signed with a key that nobody has."""
    header = {"alg": "HS256", "typ": "JWT"}
    claims = {"sub": "shopper", "exp": int(time.time()) + HOUR}
    parts = [_part(json.dumps(part).encode()) for part in (header, claims)]
    return ".".join([*parts, _part(secrets.token_bytes(32))])
