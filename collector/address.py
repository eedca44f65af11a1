"""Addresses on which a listener waits."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

_FORM = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[^\[\]:\s]+)):(?P<port>\d{1,5})")
_HIGHEST_PORT = 65_535

OFF = "off"
FORM = "HOST:PORT, [IPV6]:PORT, or off"


class Address(NamedTuple):
    """A host and a port.

    Attributes:
        host: a name, or an address without brackets.
        port: 0 lets the system choose.
    """

    host: str
    port: int

    def __str__(self) -> str:
        """The address as configuration spells it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse(text: str) -> Address | None:
    """Read an address; None when it is off.

    Args:
        text: `HOST:PORT`, `[IPV6]:PORT` or `off`.

    Raises:
        ValueError: if the text is none of them.
    """
    if text == OFF:
        return None
    found = _FORM.fullmatch(text)
    if not found or int(found["port"]) > _HIGHEST_PORT:
        raise ValueError(f"`{text}` is not {FORM}")
    if found["six"]:
        try:
            ipaddress.IPv6Address(found["six"])
        except ValueError:
            raise ValueError(f"`{text}` is not {FORM}") from None
    return Address(found["six"] or found["host"], int(found["port"]))
