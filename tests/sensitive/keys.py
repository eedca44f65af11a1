"""Private keys in the encodings that libraries write, and signed JSON Web Tokens."""

import base64
import json
import struct
from random import Random

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from sensitive.alphabets import hexadecimal, random_base64, random_uuid, url_safe_base64

SMALL_PRIMES = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79)
EXPONENT = 65537


def _is_prime(number: int, rng: Random) -> bool:
    if any(number % prime == 0 for prime in SMALL_PRIMES):
        return False
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(6):
        power = pow(rng.randrange(2, number - 1), odd, number)
        if power in (1, number - 1):
            continue
        for _ in range(twos - 1):
            power = power * power % number
            if power == number - 1:
                break
        else:
            return False
    return True


def _prime(bits: int, rng: Random) -> int:
    while True:
        number = rng.getrandbits(bits) | 3 << (bits - 2) | 1
        if number % EXPONENT != 1 and _is_prime(number, rng):
            return number


def rsa_key(rng: Random, bits: int = 1024):
    p, q = _prime(bits // 2, rng), _prime(bits // 2, rng)
    d = pow(EXPONENT, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(EXPONENT, p * q)
    parts = (d % (p - 1), d % (q - 1), pow(q, -1, p))
    return rsa.RSAPrivateNumbers(p, q, d, *parts, public).private_key()


def ec_key(rng: Random):
    return ec.derive_private_key(rng.getrandbits(250) | 1, ec.SECP256R1())


def ed_key(rng: Random):
    return ed25519.Ed25519PrivateKey.from_private_bytes(rng.randbytes(32))


def _pem(key, form: PrivateFormat) -> str:
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


def _wrapped(label: str, body: str, width: int) -> str:
    lines = [body[at : at + width] for at in range(0, len(body), width)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


def openssh(rng: Random) -> str:
    """https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key."""

    def field(data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + data

    seed = rng.randbytes(32)
    key = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    check = rng.randbytes(4) * 2
    private = check + field(b"ssh-ed25519") + field(public) + field(seed + public)
    private += field(b"deploy@build-7")
    private += bytes(range(1, 1 + -len(private) % 8))
    blob = b"openssh-key-v1\0" + field(b"none") * 2 + field(b"") + struct.pack(">I", 1)
    blob += field(field(b"ssh-ed25519") + field(public)) + field(private)
    return _wrapped("OPENSSH PRIVATE KEY", base64.b64encode(blob).decode(), 70)


def pgp(rng: Random) -> str:
    body = "lQOYBG" + random_base64(rng, 480)
    return _wrapped("PGP PRIVATE KEY BLOCK", "\n" + body, 64)


def encrypted(rng: Random) -> str:
    return _wrapped("ENCRYPTED PRIVATE KEY", "MIIFHDBOBgkqhkiG9w0BBQ" + random_base64(rng, 500), 64)


FILES = (
    openssh,
    pgp,
    encrypted,
    lambda rng: _pem(rsa_key(rng), PrivateFormat.TraditionalOpenSSL),
    lambda rng: _pem(rsa_key(rng), PrivateFormat.PKCS8),
    lambda rng: _pem(ec_key(rng), PrivateFormat.TraditionalOpenSSL),
    lambda rng: _pem(ec_key(rng), PrivateFormat.PKCS8),
    lambda rng: _pem(ed_key(rng), PrivateFormat.PKCS8),
)


def pem(rng: Random) -> str:
    """A private key as some library wrote it into a file."""
    return rng.choice(FILES)(rng)


def public_pem(rng: Random) -> str:
    key = rng.choice((ec_key, ed_key))(rng).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def service_account(rng: Random) -> str:
    """The file that a service account of Google Cloud is given."""
    project = f"shop-{hexadecimal(rng, 5)}"
    content = {
        "type": "service_account",
        "project_id": project,
        "private_key_id": hexadecimal(rng, 40),
        "private_key": _pem(rsa_key(rng), PrivateFormat.PKCS8),
        "client_id": str(rng.randrange(10**20, 10**21)),
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return json.dumps(content, indent=rng.choice((None, 2)))


SIGNATURES = (("HS256", 32), ("HS512", 64), ("RS256", 256), ("ES256", 64), ("EdDSA", 64))
CLAIMS = (
    lambda rng: {"scope": "orders:read orders:write", "client_id": hexadecimal(rng, 20)},
    lambda rng: {"realm_access": {"roles": ["user"]}, "azp": "web", "sid": random_uuid(rng)},
    lambda rng: {"tid": random_uuid(rng), "oid": random_uuid(rng), "ver": "2.0"},
    lambda _: {"role": "service_role", "ref": "abcdefghij"},
    lambda rng: {"kubernetes.io": {"namespace": "shop", "pod": {"uid": random_uuid(rng)}}},
    lambda _: {},
)


def jwt(rng: Random) -> str:
    algorithm, size = rng.choice(SIGNATURES)
    head = {"alg": algorithm, "typ": "JWT"}
    if rng.random() < 0.6:
        head = {"alg": algorithm, "kid": hexadecimal(rng, 16), "typ": "JWT"}
    issued = rng.randrange(1_700_000_000, 1_830_000_000)
    body = {"iss": "https://login.shop.eu/", "sub": random_uuid(rng), "iat": issued}
    body |= {"exp": issued + 3600} | rng.choice(CLAIMS)(rng)
    parts = (json.dumps(part, separators=(",", ":")).encode() for part in (head, body))
    return ".".join([*map(url_safe_base64, parts), url_safe_base64(rng.randbytes(size))])
