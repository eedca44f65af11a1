"""Passwords and opaque secrets as people and programs choose them."""

import re
from random import Random

from sensitive.alphabets import (
    ALNUM,
    LOWER_ALNUM,
    URL_SAFE,
    hexadecimal,
    random_base64,
    random_uuid,
    text,
    url_safe_base64,
    words,
)

WORDS = words(
    "tango river copper winter falcon orange kernel marble pepper rocket shadow silver "
    "summer velvet wizard yellow anchor basket candle dragon ember forest guitar harbor"
)
LEET = str.maketrans("aeios", "4310$")
SYMBOLS = "!#%*+-.=?@^_~"


def _word_and_year(rng: Random) -> str:
    return f"{rng.choice(WORDS).title()}{rng.randrange(1985, 2027)}{rng.choice('!#*.')}"


def _leet(rng: Random) -> str:
    word = rng.choice(WORDS) + rng.choice(WORDS)
    return word.translate(LEET).replace("$", "5") + str(rng.randrange(10, 1000))


def _phrase(rng: Random) -> str:
    separator = rng.choice("-._")
    return separator.join([*rng.sample(WORDS, 3), str(rng.randrange(10, 100))])


def _letters(rng: Random) -> str:
    return text(rng, ALNUM, rng.randrange(11, 25)) + str(rng.randrange(10))


def _symbols(rng: Random) -> str:
    return "q" + text(rng, ALNUM + SYMBOLS, rng.randrange(10, 20)) + rng.choice("79bKx")


def _hexadecimal(rng: Random) -> str:
    return hexadecimal(rng, rng.choice((20, 24, 32)))


# What people choose: it stands on every list of common passwords.
WEAK = words(
    "hunter2 Passw0rd! Welcome1 qwerty123 letmein99 s3cr3t admin123 P@ssw0rd1 trustno1 abc12345 "
    "Summer2024! iloveyou2 monkey42 root1234 dr0wssap test1234! Berlin2025"
)


def _weak(rng: Random) -> str:
    return rng.choice(WEAK)


PLAIN = (_leet, _phrase, _letters, _letters, _hexadecimal)
ANY = (*PLAIN, _word_and_year, _symbols, _symbols, _weak)


def plain_password(rng: Random) -> str:
    """Of letters that stand in a URL, a shell or SQL as they are."""
    return rng.choice(PLAIN)(rng)


def any_password(rng: Random) -> str:
    """With signs that a URL has to encode; never quotes, blanks, braces or a leading sign."""
    return rng.choice(ANY)(rng)


def awkward_password(rng: Random) -> str:
    """With signs that URLs give a meaning."""
    body = text(rng, ALNUM, 9)
    return re.sub(r"^(.{3})(.{3})", r"\1@\2:", body) + rng.choice("/#!")


OPAQUE = (
    lambda rng: hexadecimal(rng, rng.choice((32, 40, 64))),
    lambda rng: text(rng, ALNUM, rng.randrange(22, 48)),
    lambda rng: text(rng, URL_SAFE, rng.randrange(32, 64)),
    lambda rng: random_base64(rng, rng.choice((24, 32, 48))),
    lambda rng: url_safe_base64(rng.randbytes(32)),
)


def opaque(rng: Random) -> str:
    """What a server hands out that only the server understands."""
    return rng.choice(OPAQUE)(rng)


def opaque_plain(rng: Random) -> str:
    """The same of letters and digits alone, so that it stands anywhere as it is."""
    return rng.choice(
        (
            hexadecimal(rng, rng.choice((32, 40, 64))),
            text(rng, ALNUM, rng.randrange(24, 48)),
            text(rng, LOWER_ALNUM, 32),
            random_uuid(rng),
        )
    )
