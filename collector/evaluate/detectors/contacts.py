"""Telephone numbers and dates of birth, off unless a policy names them.

Sources: ITU-T E.164 with its list of assigned country codes, the North American numbering plan, and
the numbers that it and Ofcom keep for fiction.
"""

from __future__ import annotations

import re

from collector.evaluate.detectors.base import Detector, Rank, secret_of
from collector.evaluate.detectors.checkdigits import is_day
from collector.evaluate.detectors.checks import words
from collector.evaluate.detectors.identifiers import beside, beside_gate

#: E.164: the codes that are assigned, and the digits after some of them; all else by the standard.
_CODES = re.compile(
    r"1|7|2(?:[07]|1[12368]|[2346]\d|5[0-8]|9[01789])|3(?:[0-469]|5\d|7[0-8]|8[0-35-79])|4(?:[013-9]|2[013])"
    r"|5(?:[1-8]|0\d|9\d)|6(?:[0-6]|7[02-9]|8[0-35-9]|9[0-2])"
    r"|8(?:[1246]|0[08]|5[02356]|7[08]|8[0-368])|9(?:[0-58]|6[0-8]|7[0-79]|9[2-68])"
)
_NATIONAL = {"1": (10, 10), "7": (10, 10), "33": (9, 9), "34": (9, 9), "44": (9, 10), "61": (9, 9),
             "81": (9, 10), "86": (10, 11), "91": (10, 10)}  # fmt: skip
_NATIONAL_MOST = 15  # digits of a number with its code
_NATIONAL_LEAST = 8
#: Numbers that are kept for fiction: the plan's 555-0100 to 0199, and Ofcom's for drama.
_FICTION = re.compile(r"1?\d{3}55501\d\d|447700900\d{3}|4420794609\d\d|4411496\d{6}")
_PLAN = r"(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .-]?)[2-9][0-9]{2}[ .-]?[0-9]{4}"
_PHONE = r"phone|tel|mobile|cell|fax|sms|msisdn"

_BIRTH = (
    r"(?:date[ _.-]?of[ _.-]?birth|birth[ _.-]?(?:date|day)|dob|born(?: on)?|geburts(?:datum|tag))"
)
_DATE = (
    r"(?:(?:19|20)[0-9]{2}(?P<iso>[-/.]?)(?:0[1-9]|1[0-2])(?P=iso)(?:0[1-9]|[12][0-9]|3[01])"
    r"|[0-3]?[0-9](?P<sep>[-/.])[0-3]?[0-9](?P=sep)(?:19|20)[0-9]{2})"
)
_DEFAULT_DATES = frozenset({"19000101", "19700101", "20000101", "01011900", "01011970", "01012000"})


def _is_phone(match: re.Match[str]) -> bool:
    digits = "".join(filter(str.isdigit, secret_of(match)))
    code = _CODES.match(digits)
    if code is None or _FICTION.fullmatch(digits) or len(set(digits)) < 3:  # noqa: PLR2004 (+111111111)
        return False
    least, most = _NATIONAL.get(
        code[0], (_NATIONAL_LEAST - code.end(), _NATIONAL_MOST - code.end())
    )
    return least <= len(digits) - code.end() <= most


def _is_plan(match: re.Match[str]) -> bool:
    digits = "".join(filter(str.isdigit, secret_of(match)))
    return _FICTION.fullmatch(digits) is None and len(set(digits)) > 2  # noqa: PLR2004 (see above)


def _is_birth(match: re.Match[str]) -> bool:
    text = secret_of(match)
    parts = [int(part) for part in re.findall(r"\d+", text)]
    if len(parts) == 1:
        parts = [int(text[:4]), int(text[4:6]), int(text[6:])]
    if "".join(filter(str.isdigit, text)) in _DEFAULT_DATES:
        return False
    first, second = parts[1:] if len(str(parts[0])) == 4 else parts[:2]  # noqa: PLR2004 (a year)
    return is_day(first, second) or is_day(second, first)


CONTACTS: tuple[Detector, ...] = (
    Detector(
        "phone-number",
        Rank.MEDIUM,
        r"\+[1-9][0-9 .()/-]{7}",
        re.compile(r"(?<![\w.+-])\+[1-9](?:(?:[ ./-]|[ ./-]?\(|\)[ ./-]?)?[0-9]){6,14}(?![\w+])"),
        _is_phone,
        opt_in=True,
    ),
    Detector(
        "phone-number",
        Rank.MEDIUM,
        beside_gate(_PHONE, r"\(?[2-9][0-9]{2}"),
        beside(rf"(?:{_PHONE})", rf"(?<![\w+]){_PLAN}(?![\w-])"),
        _is_plan,
        words=words("phone phonenumber telephone tel mobile cellphone fax msisdn"),
        not_words=words("hash id"),
        bare=re.compile(rf"(?<![\w+])(?:\+?1[ .-]?)?(?P<secret>{_PLAN})(?![\w-])"),
        opt_in=True,
    ),
    Detector(
        "date-of-birth",
        Rank.MEDIUM,
        beside_gate(_BIRTH, "[0-9]"),
        beside(_BIRTH, rf"(?<![\w./-]){_DATE}(?![\w-])"),
        _is_birth,
        words=words("birthdate birthday birth dob dateofbirth geburtsdatum geburtstag"),
        bare=re.compile(rf"(?<![\w./-]){_DATE}(?![\w-])"),
        opt_in=True,
    ),
)
