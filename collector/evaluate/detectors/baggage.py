"""The W3C Baggage header, read tolerantly: whatever can be read of it is."""

from __future__ import annotations

import re
from typing import NamedTuple

#: Members and properties that are read of one header; W3C Baggage allows 64 members.
MAX_MEMBERS = 256
_LONGEST_NAME = 128

_PAIR = re.compile(r"(?P<separator>[,;]|^)\s*(?P<name>[^=,;\s]{1,256})\s*=(?P<value>[^,;]*)")


class Member(NamedTuple):
    """A member or a property of one.

    Attributes:
        name: of the member; of the member that it belongs to for a property.
        key: its own name.
        start: index of its first character in the header, name included.
        value_start: index of the first character of its value.
        value_end: index after the last character of its value.
        value: as it stands, percent-encoded.
    """

    name: str
    key: str
    start: int
    value_start: int
    value_end: int
    value: str


def members(header: str) -> list[Member]:
    """The members of a header with their properties, at most `MAX_MEMBERS`."""
    found: list[Member] = []
    name = ""
    for match in _PAIR.finditer(header):
        if len(found) == MAX_MEMBERS:
            break
        key = match["name"][:_LONGEST_NAME]
        if match["separator"] != ";" or not name:
            name = key
        found.append(Member(name, key, match.start("name"), *match.span("value"), match["value"]))
    return found


def name_at(parsed: list[Member], index: int) -> str:
    """The name of the member in whose value an index of the header lies, or empty."""
    for member in parsed:
        if member.value_start <= index <= member.value_end:
            return member.name
    return ""
