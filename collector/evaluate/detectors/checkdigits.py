"""Check digits of national identifiers, each over the characters alone, without separators.

Sources, by what is checked: Verhoeff, "Error Detecting Decimal Codes" (1969), with the tables of
the dihedral group; ISO/IEC 7064 (mod 11,10) and the German fiscal code (AO, section 139b); the
eleven test of the Dutch BSN; the Polish act on population records (PESEL); routing numbers of the
American Bankers Association; the tax file number of the Australian Taxation Office; Receita
Federal for CPF and CNPJ (with letters since IN RFB 2.229/2024); the Spanish interior ministry for
DNI and NIE; INSEE for the NIR; the Italian decree of 23 December 1976 for the codice fiscale; the
Finnish DVV for the henkilötunnus; Skatteverket for the personnummer.
"""

from __future__ import annotations

from collections.abc import Sequence

from collector.evaluate.detectors.checks import luhn

_TIMES = (
    "0123456789",
    "1234067895",
    "2340178956",
    "3401289567",
    "4012395678",
    "5987604321",
    "6598710432",
    "7659821043",
    "8765932104",
    "9876543210",
)
_TURNED = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
_HETU = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_FISCAL_MONTHS = "ABCDEHLMPRST"
_FISCAL_DIGITS = str.maketrans("LMNPQRSTUV", "0123456789")
_FISCAL_DIGIT_PLACES = (6, 7, 9, 10, 12, 13, 14)
_FISCAL_ODD = (
    *(1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18),
    *(20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
)
_WOMEN = 40  # what an Italian woman's day of birth is raised by
_COORDINATION = 60  # and that of someone with a Swedish coordination number
_COMPANY = 14  # characters of a CNPJ


def weighted(text: str, weights: Sequence[int]) -> int:
    """The sum of characters, each as a number and times its weight; a letter counts on from 17."""
    return sum((ord(char) - 48) * weight for char, weight in zip(text, weights, strict=False))


def is_day(month: int, day: int) -> bool:
    """Whether a year can have such a day."""
    return 1 <= month <= len(_DAYS) and 1 <= day <= _DAYS[month - 1]


def verhoeff(digits: str) -> bool:
    """Whether the last digit is Verhoeff's, which India's Aadhaar ends with."""
    state = 0
    for place, char in enumerate(reversed(digits)):
        turned = int(_TURNED[place % 8][int(char)])
        state = int(_TIMES[state][turned])
    return state == 0


def german_tax(digits: str) -> bool:
    """Whether the last of eleven digits is that of ISO/IEC 7064, and the others repeat one digit.

    Of the first ten exactly one stands there twice, or since 2016 three times, but not in a row.
    """
    state = 10
    for char in digits[:-1]:
        state = ((int(char) + state) % 10 or 10) * 2 % 11
    counts = sorted(digits[:-1].count(char) for char in set(digits[:-1]))
    once = all(count == 1 for count in counts[:-1])
    repeats = once and counts[-1] in {2, 3}
    thrice = any(char * 3 in digits[:-1] for char in set(digits))
    return repeats and not thrice and (11 - state) % 10 == int(digits[-1])


def eleven_test(digits: str) -> bool:
    """Whether nine digits pass the Dutch eleven test, in which the last one counts minus 1."""
    return weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def pesel(digits: str) -> bool:
    """Whether eleven digits begin with a date, whose month holds the century, and sum up."""
    month, day = int(digits[2:4]) % 20, int(digits[4:6])
    return is_day(month, day) and weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def routing(digits: str) -> bool:
    """Whether nine digits begin with a Federal Reserve district and sum up."""
    district = int(digits[:2])
    known = 1 <= district <= 12 or 21 <= district <= 32 or 61 <= district <= 72 or district == 80  # noqa: PLR2004 (the districts)
    return known and weighted(digits, (3, 7, 1) * 3) % 10 == 0


def tax_file(digits: str) -> bool:
    """Whether nine digits sum up as an Australian tax file number."""
    return weighted(digits, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def brazilian(text: str) -> bool:
    """Whether the last two digits are those of a CPF, or of a CNPJ, which has 14 characters."""
    most = 9 if len(text) == _COMPANY else len(text)
    for end in (len(text) - 2, len(text) - 1):
        weights = [2 + place % (most - 1) for place in reversed(range(end))]
        rest = weighted(text[:end], weights) % 11
        if int(text[end]) != (0 if rest < 2 else 11 - rest):  # noqa: PLR2004 (10 and 11 become 0)
            return False
    return True


def spanish(text: str) -> bool:
    """Whether the last letter is that of a DNI, or of a NIE with its leading X, Y or Z."""
    number = text[:-1].translate(str.maketrans("XYZ", "012"))
    return text[-1] == _DNI[int(number) % len(_DNI)]


def french(text: str) -> bool:
    """Whether the last two digits of a NIR are its key; Corsica's 2A and 2B count as 19 and 18."""
    month = int(text[3:5])
    number = text[:13].replace("2A", "19").replace("2B", "18")
    known = 1 <= month <= 12 or 20 <= month <= 42 or month >= 50  # noqa: PLR2004 (unknown months)
    return known and number.isdecimal() and 97 - int(number) % 97 == int(text[13:])


def italian(text: str) -> bool:
    """Whether a codice fiscale has a day of birth and its check letter."""
    plain = "".join(
        char.translate(_FISCAL_DIGITS) if place in _FISCAL_DIGIT_PLACES else char
        for place, char in enumerate(text)
    )
    if not all(plain[place].isdecimal() for place in _FISCAL_DIGIT_PLACES):
        return False
    day = int(plain[9:11])
    if not is_day(_FISCAL_MONTHS.find(plain[8]) + 1, day - _WOMEN if day > _WOMEN else day):
        return False
    values = [int(char, 36) if char.isdecimal() else ord(char) - 65 for char in text[:15]]
    total = sum(values[1::2]) + sum(_FISCAL_ODD[value] for value in values[::2])
    return chr(65 + total % 26) == text[15]


def finnish(text: str) -> bool:
    """Whether a henkilötunnus has a day of birth, a number in use, and its check character."""
    number = text[-4:-1]
    given = 2 <= int(number) < 900  # noqa: PLR2004 (from 900 on they are temporary)
    check = _HETU[int(text[:6] + number) % len(_HETU)]
    return given and is_day(int(text[2:4]), int(text[:2])) and text[-1] == check


def swedish(digits: str) -> bool:
    """Whether a personnummer, with its century or without, has a day of birth and its digit."""
    short = digits[-10:]
    day = int(short[4:6])
    born = is_day(int(short[2:4]), day - _COORDINATION if day > _COORDINATION else day)
    return born and luhn(short)
