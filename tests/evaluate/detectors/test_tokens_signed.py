"""Signed URLs and the keys that sign them."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest

from collector.evaluate.detectors.finds import Find
from collector.evaluate.detectors.scan import Detectors

sys.path.insert(0, str(Path(__file__).parent))
import making
from making import ALNUM, HEX, chars

DETECTORS = Detectors(b"key of the tests")
START = datetime(2026, 2, 28, 23, 30, tzinfo=UTC).timestamp()
AMZ = (
    "https://b.s3.amazonaws.com/o?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260228T233000Z"
    "&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature={}"
)
GOOG = (
    "https://storage.googleapis.com/b/o?X-Goog-Signature={}&X-Goog-Expires=3600"
    "&X-Goog-Date=20260228T233000Z"
)
SAS = "https://a.blob.core.windows.net/c/b?sv=2022-11-02&se={}&sr=b&sp=r&sig={}"


def found(text: str, name: str) -> list[Find]:
    return [find for find in DETECTORS.find(text, "note") if find.detector.name == name]


@pytest.mark.parametrize(
    ("name", "url", "signature"),
    [
        ("aws-presigned-url", AMZ, chars(HEX, 64)),
        ("aws-presigned-url", AMZ.replace("X-Amz-Signature", "x-amz-signature"), chars(HEX, 64)),
        ("gcp-signed-url", GOOG, chars(HEX, 512)),
        ("gcp-signed-url", GOOG, chars(HEX, 64)),
    ],
)
def test_a_signed_url_is_found_with_its_end(name: str, url: str, signature: str) -> None:
    for around in ("{}", "GET {} 200", '{{"url": "{}"}}'):
        (find,) = found(around.format(url.format(signature)), name)
        assert (find.secret, find.expires) == (signature, START + 3600)
        assert find.within.lower().endswith("signature")


def test_a_signed_url_without_a_date_never_ends() -> None:
    (find,) = found(f"https://h/o?X-Amz-Signature={chars(HEX, 64)}", "aws-presigned-url")
    assert find.expires is None


def test_a_date_that_is_none_never_ends() -> None:
    url = AMZ.replace("20260228T", "20261399T").format(chars(HEX, 64))
    (find,) = found(url, "aws-presigned-url")
    assert find.expires is None


def test_the_date_of_another_url_is_not_taken() -> None:
    other = f"https://h/o?X-Amz-Signature={chars(HEX, 64, 1)}"
    finds = found(f"{AMZ.format(chars(HEX, 64))} {other}", "aws-presigned-url")
    assert [find.expires for find in finds] == [START + 3600, None]


@pytest.mark.parametrize(
    ("ends", "expires"),
    [
        ("2026-02-28T23:30:00Z", START),
        ("2026-02-28T23%3A30%3A00Z", START),
        ("2026-02-28T23:30Z", START),
        ("1772321400", START),
        ("2026-02-28", datetime(2026, 2, 28, tzinfo=UTC).timestamp()),
        ("neverever", None),
    ],
)
@pytest.mark.parametrize("mark", ["+", "/", "a"])
def test_a_shared_access_signature_is_found_with_its_end(
    ends: str, expires: float | None, mark: str
) -> None:
    signature = f"{chars(ALNUM, 40)}{mark}{chars(ALNUM, 2)}="
    (find,) = found(SAS.format(ends, quote(signature, safe="")), "azure-sas-token")
    assert (find.secret, find.expires, find.within) == (signature, expires, "sig")


@pytest.mark.parametrize(
    "text",
    [
        AMZ.format("REDACTED"),
        AMZ.format("0" * 64),
        AMZ.format(chars(HEX, 63)),
        AMZ.format(chars(HEX, 65)),
        AMZ.format("*" * 64),
        GOOG.format("REDACTED"),
        GOOG.format(chars(HEX, 40)),
        SAS.format("2026-02-28", "REDACTED"),
        SAS.format("2026-02-28", "x" * 43 + "%3D"),
        SAS.format("2026-02-28", chars(ALNUM, 20)),
        f"design={chars(ALNUM, 43)}%3D&sv=1",
    ],
)
def test_what_only_resembles_a_signature_is_left_alone(text: str) -> None:
    for name in ("aws-presigned-url", "gcp-signed-url", "azure-sas-token"):
        assert found(text, name) == []


def test_a_shared_access_signature_under_a_policy_says_no_end() -> None:
    url = SAS.replace("&se={}", "&si=policy").format(f"{chars(ALNUM, 43)}%3D")
    (find,) = found(url, "azure-sas-token")
    assert find.expires is None


def test_a_signature_without_a_version_or_an_end_is_no_shared_access_signature() -> None:
    assert found(f"https://h/x?sig={chars(ALNUM, 43)}%3D", "azure-sas-token") == []


@pytest.mark.parametrize("times", [0, 1, 2])
def test_the_key_of_a_service_account_is_found_however_often_it_is_quoted(times: int) -> None:
    text = json.dumps(
        {
            "type": "service_account",
            "private_key_id": chars(HEX, 40),
            "private_key": making.pem("", "\n", chars(ALNUM, 1600)),
            "client_email": "shop",
        }
    )
    for _ in range(times):
        text = json.dumps({"body": text})
    (find,) = found(text, "gcp-service-account-key")
    assert find.secret.startswith("-----BEGIN ")
    assert found(text, "private-key") == []


def test_a_private_key_of_another_kind_is_no_service_account() -> None:
    text = json.dumps({"private_key": making.pem("", "\n", chars(ALNUM, 1600))})
    assert found(text, "gcp-service-account-key") == []
    assert len(found(text, "private-key")) == 1


@pytest.mark.timeout(20)
@pytest.mark.parametrize("seed", ["X-Amz-Signature=", "sig=", "se=1&", "X-Amz-Date=", "sv=2&sig="])
def test_no_flood_of_parameters_keeps_an_expression_busy(seed: str) -> None:
    text = (seed + chars(HEX, 64)) * (1_048_576 // (len(seed) + 64))
    assert len(DETECTORS.find(text[:65_536])) < 2_000
    assert len(DETECTORS.find(text)) < 2_000
