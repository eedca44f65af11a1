"""What looks like a secret and is none: broken checksums, published examples, public keys."""

import datetime as dt
from functools import cache
from random import Random

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from sensitive import keys, personal, published
from sensitive.alphabets import ALNUM, DIGITS, LOWER_ALNUM, url_safe_base64
from sensitive.alphabets import text as letters_of
from sensitive.azure import AZURE
from sensitive.checksums import BECH32
from sensitive.tokens import TOKENS, grafana_account

POOL = 12


def _other(letter: str, letters: str, rng: Random) -> str:
    return rng.choice([one for one in letters if one != letter])


def broken(text: str, at: int, letters: str, rng: Random) -> str:
    """The same text with one letter changed, so that its checksum no longer fits."""
    at %= len(text)
    return text[:at] + _other(text[at], letters, rng) + text[at + 1 :]


def token_with_wrong_checksum(detector: str, at: int, letters: str):
    makers = TOKENS.get(detector) or AZURE[detector]
    return lambda rng: broken(rng.choice(makers)(rng), at, letters, rng)


def wrong_pan(rng: Random) -> str:
    return broken(personal.pan(rng), -1, DIGITS, rng)


def bad_ssn(rng: Random) -> str:
    area = rng.choice(("000", "666", f"9{rng.randrange(100):02d}"))
    return f"{area}-{rng.randrange(1, 100):02d}-{rng.randrange(1, 10000):04d}"


def bad_jwt(rng: Random) -> str:
    """Two parts that begin as JSON does, and are none."""
    head = url_safe_base64(b'{"' + letters_of(rng, ALNUM, 20).encode())
    return f"{head}.{url_safe_base64(b'{' + rng.randbytes(40))}.{letters_of(rng, ALNUM, 43)}"


def bad_discord(rng: Random) -> str:
    """Three parts as a bot's token has them, but the first names no user."""
    first = url_safe_base64(b"u" + letters_of(rng, ALNUM, 17).encode())
    return f"{first}.{letters_of(rng, ALNUM, 6)}.{letters_of(rng, ALNUM, 38)}"


@cache
def _certificates() -> tuple[str, ...]:
    rng = Random(20)
    return tuple(_certificate(rng) for _ in range(POOL))


@cache
def _public_keys() -> tuple[str, ...]:
    rng = Random(21)
    return tuple(keys.public_pem(rng) for _ in range(POOL))


def _certificate(rng: Random) -> str:
    key = keys.ed_key(rng)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"cart-{rng.randrange(999)}.shop")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(rng.getrandbits(120) | 1)
    builder = builder.not_valid_before(start).not_valid_after(start.replace(year=2027))
    return builder.sign(key, None).public_bytes(Encoding.PEM).decode()


HARMLESS = {
    "pubpem": lambda rng: rng.choice(_public_keys()),
    "cert": lambda rng: rng.choice(_certificates()),
    "bech58": lambda rng: letters_of(rng, BECH32, 58),
    "awsid": lambda _: published.AWS_KEY_ID,
    "awsid2": lambda _: published.AWS_OTHER_KEY_ID,
    "awsex": lambda _: published.AWS_SECRET,
    "rfcjwt": lambda _: published.RFC7519,
    "storage": lambda _: published.STORAGE_EMULATOR,
    "cosmos": lambda _: published.COSMOS_EMULATOR,
    "testcard": lambda rng: rng.choice(published.TEST_CARDS),
    "badgithub": token_with_wrong_checksum("github-token", -1, ALNUM),
    "badnpm": token_with_wrong_checksum("npm-token", 12, ALNUM),
    "badatlassian": token_with_wrong_checksum("atlassian-token", -1, "0123456789ABCDEF"),
    "badage": token_with_wrong_checksum("age-key", -3, BECH32.upper()),
    "badaccount": token_with_wrong_checksum("azure-account-key", 9, ALNUM),
    "badshared": token_with_wrong_checksum("azure-shared-access-key", 9, ALNUM),
    "badcask": token_with_wrong_checksum("azure-cask-key", 9, ALNUM),
    "badgrafana": lambda rng: broken(grafana_account(rng), -1, "0123456789abcdef", rng),
    "badiban": lambda rng: broken(personal.iban(rng), -1, DIGITS, rng),
    "badpan": wrong_pan,
    "goodpan": personal.pan,
    "badaws": lambda rng: "AKIA" + letters_of(rng, LOWER_ALNUM, 16),
    "badjwt": bad_jwt,
    "badssn": bad_ssn,
    "baddiscord": bad_discord,
}
