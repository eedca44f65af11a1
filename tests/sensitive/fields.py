"""What telemetry is full of, by the name under which templates ask for it."""

from collections.abc import Callable
from random import Random

from sensitive.alphabets import (
    ALNUM,
    BASE32,
    BASE64,
    DIGITS,
    LOWER_ALNUM,
    UPPER,
    URL_SAFE,
    random_base64,
    random_uuid,
    text,
    url_safe_base64,
    words,
)
from sensitive.passwords import WORDS

Field = Callable[[Random], str]

ULID = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
POD_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
SERVICES = words(
    "cart checkout payment shipping currency frontend recommendation product-catalog quote "
    "fraud-detection inventory ledger"
)
USERS = words("alice bob carol dave erin frank grace heidi ivan judy mallory peggy")
ROUTES = words(
    "/api/v1/orders /api/v2/users/{id} /healthz /api/cart/{id}/items /checkout /search "
    "/v1/products /internal/reindex /graphql /login /password/reset /oauth/token"
)
MONTHS = words("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec")
AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML) Chrome/{}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_{} like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "okhttp/4.{}.0",
    "python-requests/2.{}.1",
    "kube-probe/1.{}",
    "Go-http-client/2.0 build/{}",
    "axios/1.{}.4",
    "curl/8.{}.0",
)


def one_of(*choices: str) -> Field:
    return lambda rng: rng.choice(choices)


def number(low: int, high: int) -> Field:
    return lambda rng: str(rng.randrange(low, high))


def letters(alphabet: str, length: int) -> Field:
    return lambda rng: text(rng, alphabet, length)


def hexadecimal(length: int) -> Field:
    """The fast way, for millions of values."""
    return lambda rng: f"{rng.getrandbits(4 * length):0{length}x}"


def _iso(rng: Random) -> str:
    day = f"2026-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}"
    time = f"{rng.randrange(24):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}"
    return f"{day}T{time}.{rng.randrange(1000):03d}Z"


def _common_log(rng: Random) -> str:
    day = f"{rng.randrange(1, 29):02d}/{rng.choice(MONTHS)}/2026"
    return f"{day}:{rng.randrange(24):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d} +0000"


def _semver(rng: Random) -> str:
    base = f"{rng.randrange(9)}.{rng.randrange(40)}.{rng.randrange(20)}"
    return base + rng.choice(("", "", f"-rc.{rng.randrange(9)}", f"+{rng.getrandbits(28):07x}"))


def _pod(rng: Random) -> str:
    tail = text(rng, POD_LETTERS, 5)
    return f"{rng.choice(SERVICES)}-{text(rng, POD_LETTERS, 10)}-{tail}"


def _private_ip(rng: Random) -> str:
    last = f"{rng.randrange(256)}.{rng.randrange(1, 255)}"
    return rng.choice((f"10.{rng.randrange(256)}.{last}", f"172.16.{last}", f"192.168.{last}"))


def _agent(rng: Random) -> str:
    return rng.choice(AGENTS).format(rng.randrange(1, 140))


def _cursor(rng: Random) -> str:
    key = f'{{"id":{rng.randrange(10**9)},"at":"{_iso(rng)}"}}'
    return url_safe_base64(key.encode(), padded=rng.random() < 0.5)


def _ipv6(rng: Random) -> str:
    return "fd00:" + ":".join(f"{rng.getrandbits(16):x}" for _ in range(7))


FIELDS: dict[str, Field] = {
    "uuid": random_uuid,
    "hex6": hexadecimal(6),
    "hex7": hexadecimal(7),
    "hex8": hexadecimal(8),
    "hex10": hexadecimal(10),
    "hex12": hexadecimal(12),
    "hex16": hexadecimal(16),
    "hex32": hexadecimal(32),
    "hex40": hexadecimal(40),
    "hex64": hexadecimal(64),
    "ulid": lambda rng: "01" + text(rng, ULID, 24),
    "nano21": letters(URL_SAFE, 21),
    "alnum4": letters(ALNUM, 4),
    "alnum8": letters(ALNUM, 8),
    "alnum11": letters(ALNUM, 11),
    "alnum20": letters(ALNUM, 20),
    "lower5": letters(LOWER_ALNUM, 5),
    "lower12": letters(LOWER_ALNUM, 12),
    "upper6": letters(UPPER, 6),
    "upper10": letters(UPPER + DIGITS, 10),
    "b64_24": lambda rng: random_base64(rng, 18),
    "b64_44": lambda rng: random_base64(rng, 32),
    "b64_64": lambda rng: random_base64(rng, 48),
    "b64_76": lambda rng: random_base64(rng, 57),
    "b64_88": lambda rng: random_base64(rng, 64),
    "b64_200": letters(BASE64, 200),
    "base32_17": letters(BASE32, 17),
    "cursor": _cursor,
    "d": letters(DIGITS, 1),
    "n": number(1, 1000),
    "n2": number(10, 100),
    "n4": number(1000, 10_000),
    "n6": number(100_000, 1_000_000),
    "n8": number(10**7, 10**8),
    "n10": number(10**9, 10**10),
    "n12": number(10**11, 10**12),
    "n16": number(10**15, 10**16),
    "status": one_of("200", "201", "204", "301", "304", "400", "403", "404", "500", "503"),
    "port": one_of("443", "5432", "8080", "9092", "6379", "27017", "50051"),
    "epoch": number(1_700_000_000, 1_830_000_000),
    "millis": number(1_700_000_000_000, 1_830_000_000_000),
    "nanos": number(1_700_000_000_000_000_000, 1_830_000_000_000_000_000),
    "snowflake": number(10**17, 2 * 10**18),
    "iso": _iso,
    "clf": _common_log,
    "semver": _semver,
    "ip": _private_ip,
    "ip6": _ipv6,
    "pod": _pod,
    "node": lambda rng: f"ip-10-{rng.randrange(256)}-{rng.randrange(256)}-{rng.randrange(256)}",
    "service": one_of(*SERVICES),
    "user": one_of(*USERS),
    "route": one_of(*ROUTES),
    "word": one_of(*WORDS),
    "agent": _agent,
    "method": one_of("GET", "GET", "POST", "PUT", "DELETE"),
    "table": one_of("orders", "users", "payments", "sessions", "order_items", "audit_log"),
    "region": one_of("eu-west-1", "us-east-1", "ap-southeast-2", "eu-central-1"),
    "lang": one_of("en-GB", "de-DE", "fr", "pt-BR", "ja"),
    "hexletters": hexadecimal(24),
}
