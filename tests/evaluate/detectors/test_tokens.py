"""Tokens are made here, so that none that looks real stands in this repository."""

from __future__ import annotations

import base64
import json
import random
import string
import zlib

import pytest

from collector.evaluate.detectors.checks import base62_crc32
from collector.evaluate.detectors.scan import Detectors
from collector.evaluate.detectors.table import NAMES
from collector.evaluate.detectors.tokens import TOKENS
from collector.views import Value
from collector.violation import Severity

DETECTORS = Detectors(b"key of the tests")
ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
URLSAFE = ALNUM + "-_"


def chars(alphabet: str, length: int) -> str:
    return "".join(random.Random(length * 31 + len(alphabet)).choices(alphabet, k=length))


def checked(prefix: str, length: int) -> str:
    body = chars(ALNUM, length - 6)
    return prefix + body + base62_crc32(body)


def b64(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def jwt(**header: str) -> str:
    return f"{b64(header)}.{b64({'sub': 'shop', 'aud': 'tests'})}.{chars(URLSAFE, 43)}"


def grafana() -> str:
    body = "glsa_" + chars(ALNUM, 32)
    return f"{body}_{zlib.crc32(body.encode()):08x}"


def atlassian() -> str:
    body = "ATATT3" + chars(URLSAFE, 180)
    return f"{body}={zlib.crc32(body.encode()):08X}"


PEM = "-----BEGIN {}PRIVATE" + " KEY-----{}" + "{}" + "-----END {}PRIVATE" + " KEY-----"

MADE = [
    ("github-token", checked("ghp_", 36)),
    ("github-token", checked("ghs_", 36)),
    ("github-token", checked("ghr_", 76)),
    ("github-fine-grained-token", f"github_pat_{chars(ALNUM, 22)}_{chars(ALNUM, 59)}"),
    ("gitlab-token", "glpat-" + chars(URLSAFE[:-2], 20)),
    ("gitlab-token", "gldt-" + chars(ALNUM, 20)),
    ("npm-token", checked("npm_", 36)),
    ("pypi-token", "pypi-" + b64(b"\x02\x01\x08pypi.org\x02\x24" + bytes(range(80)))),
    ("aws-access-key-id", "AKIA" + chars(string.ascii_uppercase + "234567", 16)),
    ("aws-access-key-id", "ASIA" + chars(string.ascii_uppercase + "234567", 16)),
    ("aws-secret-access-key", f"aws_secret_access_key = {chars(ALNUM + '+', 40)}"),
    ("gcp-api-key", "AIza" + chars(URLSAFE, 35)),
    ("gcp-oauth-token", "ya29." + chars(URLSAFE, 60)),
    ("gcp-client-secret", "GOCSPX-" + chars(ALNUM, 28)),
    (
        "slack-token",
        f"xoxb-{chars(string.digits, 12)}-{chars(string.digits, 13)}-{chars(ALNUM, 24)}",
    ),
    ("slack-token", f"xapp-1-A{chars(string.digits, 10)}-{chars(HEX, 64)}"),
    (
        "slack-webhook",
        f"hooks.slack.com/services/T{chars(ALNUM.upper(), 9)}/B12345678/{chars(ALNUM, 24)}",
    ),
    ("stripe-key", "sk_" + "live_" + chars(ALNUM, 24)),
    ("stripe-key", "rk_" + "live_" + chars(ALNUM, 99)),
    ("stripe-test-key", "sk_" + "test_" + chars(ALNUM, 24)),
    ("stripe-webhook-secret", "whsec_" + chars(ALNUM, 32)),
    ("openai-key", f"sk-{chars(ALNUM, 20)}T3BlbkFJ{chars(ALNUM, 20)}"),
    ("openai-key", f"sk-proj-{chars(ALNUM, 74)}T3BlbkFJ{chars(ALNUM, 74)}"),
    ("anthropic-key", f"sk-ant-api03-{chars(URLSAFE, 93)}AA"),
    ("hugging-face-token", "hf_" + chars(string.ascii_letters, 34)),
    ("sendgrid-key", f"SG.{chars(URLSAFE, 22)}.{chars(URLSAFE, 43)}"),
    ("vault-token", "hvs." + chars(URLSAFE, 90)),
    ("digitalocean-token", "dop_v1_" + chars(HEX, 64)),
    ("databricks-token", "dapi" + chars(HEX, 32)),
    ("shopify-token", "shpat_" + chars(HEX, 32)),
    ("docker-token", "dckr_pat_" + chars(ALNUM, 27)),
    ("new-relic-key", "NRAK-" + chars(ALNUM.upper(), 27)),
    ("linear-key", "lin_api_" + chars(ALNUM, 40)),
    ("postman-key", f"PMAK-{chars(HEX, 24)}-{chars(HEX, 34)}"),
    ("atlassian-token", atlassian()),
    ("grafana-token", grafana()),
    ("jwt", jwt(alg="RS256", typ="JWT")),
    (
        "jwt",
        b64({"alg": "RSA-OAEP", "enc": "A256GCM"})
        + "".join(f".{chars(URLSAFE, length)}" for length in (60, 16, 80, 22)),
    ),
    ("private-key", PEM.format("", "\n", chars(ALNUM, 64) + "\n", "")),
    ("private-key", PEM.format("RSA ", "\\n", chars(ALNUM, 64) + "\\n", "RSA ")),
    ("private-key", PEM.format("EC ", " ", chars(ALNUM, 64) + " ", "EC ")),
    ("private-key", PEM.format("OPENSSH ", "\n", chars(ALNUM, 70), "")[:99]),
    (
        "private-key",
        PEM.format("RSA ", "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES,0A\n\n", chars(ALNUM, 64), ""),
    ),
]


def names(text: str, key: str = "note") -> list[str]:
    return [find.detector.name for find in DETECTORS.find(text, key)]


@pytest.mark.parametrize(("name", "token"), MADE)
@pytest.mark.parametrize(
    "around", ["{}", "request failed for {} at once", '{{"a": "{}"}}', "k={},b"]
)
def test_a_token_is_found_alone_and_inside_longer_text(name: str, token: str, around: str) -> None:
    assert name in names(around.format(token))


@pytest.mark.parametrize("name", sorted({detector.name for detector in TOKENS}))
def test_every_detector_of_tokens_has_a_token_here(name: str) -> None:
    assert name in {made for made, _ in MADE}
    assert name in NAMES


@pytest.mark.parametrize("prefix", ["ghp_", "gho_", "ghu_", "ghs_", "npm_"])
def test_a_token_whose_checksum_fails_is_not_reported(prefix: str) -> None:
    token = checked(prefix, 36)
    other = "x" if token[10] != "x" else "y"
    assert names(token) != []
    assert names(token[:10] + other + token[11:]) == []


def test_a_published_vector_of_the_checksum_is_met() -> None:
    # github.blog shows a token with this random part and this checksum
    assert base62_crc32("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ") == "0mLq17"


@pytest.mark.parametrize(
    "text",
    [
        "AKIA" + "IOSFODNN7" + "EXAMPLE",
        "aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCY" + "EXAMPLEKEY",
        f"aws commit {chars(HEX, 40)}",
        f"aws s3 cp {'abcD1234/' * 4}abcd",
        "sk_" + "live_" + "x" * 24,
        "sk_" + "live_" + "****************",
        "pk_" + "live_" + chars(ALNUM, 24),
        "glpat-" + "x" * 20,
        "xoxb-" + "x" * 24,
        "AIza" + "a" * 35,
        "gh" + "p_short",
        f"id{checked('ghp_', 36)}",
        b64({"alg": "HS256"})
        + "."
        + b64({"a": 1})
        + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        b64({"after": 12345678, "limit": 20}),
        b64({"id": 17}) + "." + b64({"next": 18}) + "." + chars(URLSAFE, 20),
        f"{b64({'alg': 'none'})}.{b64({'sub': 'x'})}.",
        "-----BEGIN PUBLIC" + " KEY-----\n" + chars(ALNUM, 64),
        "-----BEGIN CERTIFICATE-----\n" + chars(ALNUM, 64),
        "-----BEGIN PRIVATE" + " KEY-----\n[REDACTED]\n-----END PRIVATE" + " KEY-----",
        "-----BEGIN PRIVATE" + " KEY-----",
    ],
)
def test_what_only_resembles_a_token_is_left_alone(text: str) -> None:
    assert names(text) == []


def test_an_access_key_id_weighs_more_beside_its_secret() -> None:
    def severities(text: str) -> dict[str, Severity]:
        hits = DETECTORS.found([Value("note", text, True, ())])[0]
        return {hit.detector: hit.severity for hit in hits}

    key_id = "AKIA" + chars(string.ascii_uppercase + "234567", 16)
    secret = f"aws secret {chars(ALNUM + '+', 40)}"
    assert severities(key_id) == {"aws-access-key-id": Severity.WARNING}
    assert severities(f"{key_id} {secret}") == {
        "aws-access-key-id": Severity.CRITICAL,
        "aws-secret-access-key": Severity.CRITICAL,
    }
