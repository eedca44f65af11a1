"""Reads dates, which the core does by itself: the library for it has a clock too."""

from __future__ import annotations

import re

_DAY = 86_400
_DATE = re.compile(
    r"(\d{4})-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])"
    r"(?:[T ]([01]\d|2[0-3]):?([0-5]\d)(?::?([0-5]\d|60))?(?:[.,]\d{1,9})?)?"
    r"(?:Z|([+-])(\d\d):?(\d\d))?"
)


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970 in the Gregorian calendar; years are counted from March."""
    year -= month <= 2  # noqa: PLR2004 (so that the day of a leap year is the last)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return year * 365 + year // 4 - year // 100 + year // 400 + of_year - 719_468


def seconds(text: str) -> float | None:
    """Seconds since 1970 of a date in the forms of ISO 8601, in UTC where it names no zone.

    Args:
        text: a date, with or without a time; anything else gives None.
    """
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    ahead = (int(match[8]) * 60 + int(match[9])) * 60 if match[7] else 0
    ahead = -ahead if match[7] == "-" else ahead
    return float(_days(year, month, day) * _DAY + (hour * 60 + minute) * 60 + second - ahead)
