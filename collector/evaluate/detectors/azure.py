"""Keys and client secrets of Azure.

Source: microsoft/security-utilities, whose rules SEC101/152 to 206 say where a key's signature
stands, and whose IdentifiableMetadata.cs names the seeds of its checksum. A key without a
signature is found by the name beside it only (see `credentials`).
"""

from __future__ import annotations

import base64
import re

from collector.evaluate.detectors.base import Detector, Rank, secret_of
from collector.evaluate.detectors.checks import base62, decoded
from collector.evaluate.detectors.marvin import marvin32
from collector.evaluate.detectors.shapes import plausible

_CHECKSUM = 4
_MESSAGING = ("Send0000", "Listen00", "Manage00", "System00", "Unknown0")

#: The seeds with which a key is checked, by the signature that it carries.
_KINDS: dict[str, tuple[str, ...]] = {
    # 64 bytes: storage, Cosmos DB, Batch, Machine Learning, API Management
    "+ASt": ("Default0",),
    "ACDb": (
        "MastRW00",
        "MastRO00",
        "Resour00",
        "SysAll00",
        "SystRW00",
        "SystRO00",
        "Encryp00",
    ),
    "+ABa": ("AbAcct00",),
    "+AMC": ("Classic0",),
    "APIM": ("IoTHub00", "Tenant00", "Gatewy00", "GitKey00"),
    # 32 bytes: Service Bus, Event Hubs, Relay, IoT Hub, Redis, Event Grid
    "+ASb": _MESSAGING,
    "+AEh": _MESSAGING,
    "+ARm": _MESSAGING,
    "AIoT": ("IoTHub00", "Device00", "DpsKey00"),
    "AzCa": ("Access00",),
    "AZEG": ("Default0", "SendRecv"),
    # 39 bytes: Search, Container Registry; 40 bytes: Functions
    "AzSe": ("Query000", "PAdmin00"),
    "+ACR": ("ACRDflt0",),
    "AzFu": ("Functi00", "System00", "Master00"),
}


def _is_key(match: re.Match[str]) -> bool:
    """The last four bytes are the checksum of the others."""
    raw = decoded(match[0]) or b""
    body, checksum = raw[:-_CHECKSUM], raw[-_CHECKSUM:]
    kinds = _KINDS[match["signature"]]
    return any(marvin32(body, kind) == checksum for kind in kinds) or _is_plain(match, body)


def _is_plain(match: re.Match[str], body: bytes) -> bool:
    """A key of Redis, in which a plus of the checksum became a P and a slash an F."""
    if match["signature"] != "AzCa":
        return False
    meant = base64.b64encode(body + marvin32(body, "Access00")).decode()
    return meant[-7:].translate({43: "P", 47: "F"}) == match[0].ljust(44, "=")[-7:]


def _is_cask(match: re.Match[str]) -> bool:
    """The checksum is that of 60 bytes, in base62 or base64, whole or cut short."""
    token: str = match[0]
    body, end = decoded(token[:80]) or b"", token[80:]
    checksum = marvin32(body, "Default0")
    spelled = base62(int.from_bytes(checksum, "big"), 1), base64.b64encode(checksum).decode()
    return any(text.startswith(end) for text in spelled)


def _key(
    name: str,
    before: int,
    signatures: tuple[str, ...],
    after: str,
    marks: str = "+/",
) -> Detector:
    """A key with a signature after so many characters.

    Args:
        name: of the detector.
        before: characters before the signature.
        signatures: any of them.
        after: the expression that follows it.
        marks: the two characters of base64 that are no letters and digits.
    """
    either = "|".join(re.escape(signature) for signature in signatures)
    return Detector(
        name,
        Rank.CRITICAL,
        f"(?:{either}){after}",
        re.compile(
            rf"(?<![A-Za-z0-9+/_-])[A-Za-z0-9{marks}]{{{before}}}(?P<signature>{either})"
            rf"{after}(?![A-Za-z0-9+/_=-])"
        ),
        _is_key,
    )


_random = plausible(3.5)


def _is_client_secret(match: re.Match[str]) -> bool:
    return _random(match) and any(map(str.isdigit, secret_of(match)[6:]))


AZURE: tuple[Detector, ...] = (
    _key(
        "azure-account-key",
        76,
        ("+ASt", "ACDb", "+ABa", "+AMC", "APIM"),
        "[A-Za-z0-9+/]{5}[AQgw]==",
    ),
    _key(
        "azure-shared-access-key",
        33,
        ("+ASb", "+AEh", "+ARm", "AIoT", "AzCa", "AZEG"),
        "[A-P][A-Za-z0-9+/]{5}=?",
    ),
    _key("azure-shared-access-key", 42, ("AzSe", "+ACR"), "[A-D][A-Za-z0-9+/]{5}"),
    _key("azure-shared-access-key", 44, ("AzFu",), "[A-Za-z0-9_-]{5}[AQgw](?:==)?", marks="_-"),
    # SEC101/200; the vector of ApiKeyV5Facts.cs of NuGet/NuGetGallery
    Detector(
        "azure-cask-key",
        Rank.CRITICAL,
        "JQQJ9[9DH]",
        re.compile(
            r"(?<![A-Za-z0-9])[A-Za-z0-9]{52}JQQJ9[9DH][A-Za-z0-9][A-L][A-Za-z0-9]{16}"
            r"[A-Za-z][A-Za-z0-9]{7}(?:[A-Za-z0-9]{2}==)?(?![A-Za-z0-9])"
        ),
        _is_cask,
    ),
    # SEC101/156, which compares no checksum either
    Detector(
        "azure-client-secret",
        Rank.CRITICAL,
        "[78]Q~[A-Za-z0-9_~.-]{31}",
        re.compile(
            r"(?<![A-Za-z0-9_~.+/-])[A-Za-z0-9_~.-]{3}"
            r"(?:7Q~[A-Za-z0-9_~.-]{31}|8Q~[A-Za-z0-9_~.-]{34})"
            r"(?![A-Za-z0-9_~+/-])(?!\.[A-Za-z0-9_~])"
        ),
        _is_client_secret,
    ),
)
