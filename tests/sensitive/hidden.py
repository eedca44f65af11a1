"""The secrets that templates of leaks ask for by name."""

import base64
import json
from random import Random

from sensitive import azure, keys, passwords, personal
from sensitive.alphabets import (
    ALNUM,
    BASE32,
    BASE64,
    LOWER_ALNUM,
    UPPER,
    URL_SAFE,
    base64_of,
    hexadecimal,
    random_base64,
    text,
)
from sensitive.fields import USERS


def basic(rng: Random) -> tuple[str, str]:
    """The credentials of RFC 7617, and the password in them."""
    password = passwords.any_password(rng)
    user = rng.choice((*USERS, "admin", "svc-orders", "api"))
    return base64_of(f"{user}:{password}".encode()), password


def laravel_session(rng: Random) -> str:
    body = {"iv": random_base64(rng, 16), "value": random_base64(rng, 60)}
    return base64.b64encode(json.dumps(body | {"mac": hexadecimal(rng, 64)}).encode()).decode()


def aws_secret(rng: Random) -> str:
    """Forty letters of base64 that are neither a word nor a path."""
    body = text(rng, BASE64, 39)
    return rng.choice(ALNUM) + body


def cloudfront_signature(rng: Random) -> str:
    encoded = base64_of(rng.randbytes(256))
    return encoded.translate(str.maketrans("+=/", "-_~"))


HIDDEN = {
    "pp": passwords.plain_password,
    "pw": passwords.any_password,
    "awk": passwords.awkward_password,
    "op": passwords.opaque,
    "opp": passwords.opaque_plain,
    "basic": basic,
    "b64secret": lambda rng: random_base64(rng, rng.choice((32, 48))),
    "hexsecret": lambda rng: hexadecimal(rng, 32),
    "sig32": lambda rng: hexadecimal(rng, 32),
    "sig40": lambda rng: hexadecimal(rng, 40),
    "sig64": lambda rng: hexadecimal(rng, 64),
    "sig512": lambda rng: hexadecimal(rng, 512),
    "sigv2": lambda rng: random_base64(rng, 20),
    "sigcf": cloudfront_signature,
    "aki": lambda rng: "AKIA" + text(rng, BASE32, 16),
    "sid24": lambda rng: text(rng, LOWER_ALNUM, 24),
    "sid26": lambda rng: text(rng, LOWER_ALNUM, 26),
    "sid32": lambda rng: hexadecimal(rng, 32).upper(),
    "nano_secret": lambda rng: text(rng, URL_SAFE, 32),
    "longsecret": lambda rng: text(rng, URL_SAFE, rng.randrange(60, 180)) + "9",
    "laravel": laravel_session,
    "pem": keys.pem,
    "sa": keys.service_account,
    "jwt": keys.jwt,
    "awssecret": aws_secret,
    "gcprefresh": lambda rng: "1//0" + rng.choice("3469") + text(rng, URL_SAFE, 96),
    "okta": lambda rng: "00" + text(rng, UPPER + LOWER_ALNUM, 38) + text(rng, ALNUM, 2),
    "key64": lambda rng: random_base64(rng, 64),
    "key32": lambda rng: random_base64(rng, 32),
    "sas": azure.sas_query,
    "sbtoken": azure.service_bus_token,
    "sasurl": lambda rng: _with_base("https://shop.blob.core.windows.net/in/b?", rng),
    "pan": personal.pan,
    "iban": personal.iban,
    "ssn": personal.ssn,
    "email": personal.email,
}


def _with_base(base: str, rng: Random) -> tuple[str, str]:
    query, signature = azure.sas_query(rng)
    return base + query, signature
