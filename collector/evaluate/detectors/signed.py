"""URLs that open something by a signature, and when they stop to.

Sources: docs.aws.amazon.com, "Authenticating Requests: Using Query Parameters (AWS Signature
Version 4)"; docs.cloud.google.com, "Signed URLs"; learn.microsoft.com, "Create a service SAS".
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from collector.evaluate.detectors.base import Detector, Rank
from collector.evaluate.detectors.dates import seconds
from collector.evaluate.detectors.shapes import plausible

_REACH = 2048  # characters of the query that are read before and after a signature
_EDGE = re.compile(r"[\s\"'<>\\]")
_STARTS = re.compile(r"X-(?:Amz|Goog)-Date=(\d{8}T\d{6}Z)", re.IGNORECASE)
_LASTS = re.compile(r"X-(?:Amz|Goog)-Expires=(\d{1,7})(?!\d)", re.IGNORECASE)
_ENDS = re.compile(r"(?<![A-Za-z0-9])se=([0-9A-Za-z:%.+-]{8,40})")
_VERSION = re.compile(r"(?<![A-Za-z0-9])s[ve]=[0-9]")
_plausible = plausible()


def _query(match: re.Match[str]) -> str:
    """The parameters around a signature."""
    text = match.string
    before = _EDGE.split(text[max(0, match.start() - _REACH) : match.start()])[-1]
    after = _EDGE.split(text[match.end() : match.end() + _REACH], maxsplit=1)[0]
    return f"{before}&{after}"


def _signature_expiry(match: re.Match[str]) -> float | None:
    query = _query(match)
    starts, lasts = _STARTS.search(query), _LASTS.search(query)
    begin = seconds(starts[1]) if starts else None
    return begin + int(lasts[1]) if begin is not None and lasts else None


def _sas_expiry(match: re.Match[str]) -> float | None:
    """The parameter ``se``: a date, or seconds since 1970 where Service Bus gave it."""
    ends = _ENDS.search(_query(match))
    if ends is None:
        return None
    text = unquote(ends[1])
    return float(text) if text.isdecimal() else seconds(text)


def _is_sas(match: re.Match[str]) -> bool:
    return _plausible(match) and _VERSION.search(_query(match)) is not None


def _signed(name: str, parameter: str, digits: str) -> Detector:
    return Detector(
        name,
        Rank.HIGH,
        f"(?i:{parameter})=[0-9a-fA-F]{{16}}",
        re.compile(
            rf"(?P<name>(?i:{parameter}))=(?P<secret>[0-9a-fA-F]{{{digits}}}+)(?![0-9A-Za-z])"
        ),
        _plausible,
        expires=_signature_expiry,
    )


SIGNED: tuple[Detector, ...] = (
    _signed("aws-presigned-url", "X-Amz-Signature", "64"),
    _signed("gcp-signed-url", "X-Goog-Signature", "64,1024"),
    # Percent-encoded it is left to the look that decodes it.
    Detector(
        "azure-sas-token",
        Rank.HIGH,
        "sig=[A-Za-z0-9+/_-]{43}",
        re.compile(
            r"(?<![A-Za-z0-9])(?P<name>sig)=(?P<secret>[A-Za-z0-9+/_-]{43}=?)"
            r"(?![A-Za-z0-9+/_=%-])"
        ),
        _is_sas,
        expires=_sas_expiry,
    ),
)
