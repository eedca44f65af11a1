"""Personal data with valid check digits: cards, bank accounts, social security numbers, e-mail."""

from random import Random

from sensitive.alphabets import DIGITS, UPPER, text, words
from sensitive.checksums import iban_digits, luhn_digit

# First digits by issuer, and the length: https://en.wikipedia.org/wiki/Payment_card_number.
ISSUERS = (
    (("4",), 16),
    (("4",), 16),
    (("51", "52", "53", "54", "55", "2221", "2350", "2720"), 16),
    (("51", "52", "53", "54", "55"), 16),
    (("34", "37"), 15),
    (("6011", "644", "65"), 16),
    (("3528", "3560", "3589"), 16),
    (("36", "38"), 14),
)
# A country, the letters of its account that are letters, and the digits after them.
ACCOUNTS = (
    ("DE", 0, 18),
    ("GB", 4, 14),
    ("FR", 0, 23),
    ("NL", 4, 10),
    ("ES", 0, 20),
    ("IT", 1, 22),
    ("CH", 0, 17),
    ("AT", 0, 16),
    ("BE", 0, 12),
    ("PL", 0, 24),
    ("SE", 0, 20),
    ("NO", 0, 11),
    ("PT", 0, 21),
    ("IE", 4, 14),
)
FIRST = words(
    "anna ben carla david elena farid greta hugo ines jonas katja luca maria nils olga "
    "pavel quentin rosa stefan tomas ulla vera wei xenia yusuf zoe amelie"
)
LAST = words(
    "schmidt garcia rossi novak jansen murphy silva kowalski andersson dubois tanaka "
    "okafor haddad patel nguyen kaya ivanova meyer lopez bauer"
)
# Where mail is received; the last are the ones that authors of tests write.
DOMAINS = words(
    "gmail.com gmail.com yahoo.com outlook.com hotmail.co.uk gmx.de web.de orange.fr icloud.com "
    "protonmail.com acme-corp.com mail.shop.eu uni-koeln.de contoso.com northwind.io "
    "example.com example.org"
)


def pan(rng: Random) -> str:
    """A card number without separators."""
    prefixes, length = rng.choice(ISSUERS)
    prefix = rng.choice(prefixes)
    body = prefix + text(rng, DIGITS, length - 1 - len(prefix))
    return body + luhn_digit(body)


def grouped(number: str, separator: str) -> str:
    """A card number as it is printed."""
    groups = {15: (4, 6, 5), 14: (4, 6, 4)}.get(len(number), (4, 4, 4, 4))
    parts, at = [], 0
    for size in groups:
        parts.append(number[at : at + size])
        at += size
    return separator.join(parts)


def iban(rng: Random) -> str:
    country, letters, length = rng.choice(ACCOUNTS)
    account = text(rng, UPPER, letters) + text(rng, DIGITS, length)
    return country + iban_digits(country, account) + account


def in_fours(account: str) -> str:
    return " ".join(account[at : at + 4] for at in range(0, len(account), 4))


def ssn(rng: Random) -> str:
    area = rng.choice([number for number in range(1, 900) if number != 666])
    return f"{area:03d}-{rng.randrange(1, 100):02d}-{rng.randrange(1, 10000):04d}"


def email(rng: Random) -> str:
    first, last = rng.choice(FIRST), rng.choice(LAST)
    name = rng.choice(
        (
            f"{first}.{last}",
            f"{first[0]}{last}",
            f"{first}_{last}{rng.randrange(70, 100)}",
            f"{first}.{last}+shop{rng.randrange(10)}",
            f"{first.title()}.{last.title()}",
            f"{last}{rng.randrange(1000)}",
        )
    )
    return f"{name}@{rng.choice(DOMAINS)}"
