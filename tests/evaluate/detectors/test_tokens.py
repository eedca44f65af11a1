"""Tokens are made here, so that none that looks real stands in this repository."""

from __future__ import annotations

import string
import sys
from pathlib import Path

import pytest

from collector.evaluate.detectors.scan import Detectors
from collector.evaluate.detectors.table import BY_FORM, NAMES
from collector.views import Value
from collector.violation import Severity

sys.path.insert(0, str(Path(__file__).parent))
import making
from making import ALNUM, BASE32, DIGITS, HEX, URLSAFE, b64, chars, checked, uuid

DETECTORS = Detectors(b"key of the tests")
PLAIN = Detectors(b"key of the tests", plain=True)
LOWER = string.ascii_lowercase
UPPER = string.ascii_uppercase
TEAMS = f"IncomingWebhook/{chars(HEX, 32)}"

MADE = [
    ("github-token", checked("ghp_", 36)),
    ("github-token", checked("ghs_", 36)),
    ("github-token", checked("ghr_", 76)),
    ("github-fine-grained-token", f"github_pat_{chars(ALNUM, 22)}_{chars(ALNUM, 59)}"),
    ("gitlab-token", "glpat-" + chars(ALNUM, 20)),
    ("gitlab-token", "gldt-" + chars(ALNUM, 20)),
    ("gitlab-token", f"glcbt-64_{chars(ALNUM, 20)}"),
    ("gitlab-token", f"glft-{chars(HEX, 64)}-17"),
    ("gitlab-token", "gloas-" + chars(HEX, 64)),
    ("gitlab-token", making.gitlab()),
    ("gitlab-token", making.gitlab(version="")),
    ("gitlab-token", making.gitlab(prefix="glrt-t1_")),
    ("npm-token", checked("npm_", 36)),
    ("pypi-token", "pypi-" + b64(b"\x02\x01\x08pypi.org\x02\x24" + bytes(range(80)))),
    ("rubygems-token", "rubygems_" + chars(HEX, 48)),
    ("nuget-key", "oy2" + chars(LOWER + "234567", 43)),
    ("docker-token", "dckr_pat_" + chars(ALNUM, 27)),
    ("docker-token", "dckr_oat_" + chars(ALNUM, 32)),
    ("atlassian-token", making.atlassian()),
    ("atlassian-token", making.atlassian("ATCTT3")),
    ("atlassian-token", making.atlassian("ATBB", 24, "")),
    ("aws-access-key-id", "AKIA" + chars(BASE32, 16)),
    ("aws-access-key-id", "ASIA" + chars(BASE32, 16)),
    ("aws-secret-access-key", f"aws_secret_access_key = {chars(ALNUM + '+', 40)}"),
    ("aws-session-token", "IQoJb3JpZ2luX2Vj" + chars(ALNUM + "+/", 300)),
    ("aws-session-token", "FwoGZXIvYXdz" + chars(ALNUM + "+/", 200) + "=="),
    ("aws-bedrock-key", "ABSK" + b64(f"BedrockAPIKey-1-at-7:{chars(ALNUM, 70)}".encode())),
    (
        "aws-bedrock-key",
        "bedrock-api-key-" + b64(f"bedrock.amazonaws.com/?Action={chars(ALNUM, 200)}".encode()),
    ),
    ("gcp-api-key", "AIza" + chars(URLSAFE, 35)),
    ("gcp-oauth-token", "ya29." + chars(URLSAFE, 60)),
    ("gcp-oauth-token", f"refresh_token: 1//0{chars(ALNUM, 60)}"),
    ("gcp-client-secret", "GOCSPX-" + chars(ALNUM, 28)),
    ("vault-token", "hvs." + chars(ALNUM, 24)),
    ("vault-token", "hvb." + chars(URLSAFE, 150)),
    ("terraform-token", f"{chars(ALNUM, 14)}.atlasv1.{chars(ALNUM, 67)}"),
    ("onepassword-token", "ops_" + b64({"email": "a", "secretKey": chars(ALNUM, 200)})),
    ("doppler-token", "dp.pt." + chars(ALNUM, 43)),
    ("doppler-token", f"dp.st.prd_eu.{chars(ALNUM, 40)}"),
    ("age-key", making.bech32("age-secret-key-").upper()),
    ("age-key", making.bech32("age-secret-key-pq-").upper()),
    ("digitalocean-token", "dop_v1_" + chars(HEX, 64)),
    ("databricks-token", "dapi" + chars(HEX, 32)),
    ("heroku-key", "HRKU-AA" + chars(URLSAFE[:-2], 58)),
    ("fly-token", "fo1_" + chars(ALNUM, 43)),
    ("fly-token", "fm2_" + chars(ALNUM + "+/", 200)),
    ("planetscale-token", "pscale_tkn_" + chars(ALNUM, 43)),
    ("planetscale-token", "pscale_pw_" + chars(ALNUM, 43)),
    ("supabase-token", "sbp_" + chars(HEX, 40)),
    ("supabase-token", f"sb_secret_{chars(ALNUM, 22)}_{chars(ALNUM, 8)}"),
    ("cloudflare-origin-ca-key", f"v1.0-{chars(HEX, 24)}-{chars(HEX, 146)}"),
    ("okta-token", f"SSWS 00{chars(URLSAFE[:-2], 40)}"),
    ("okta-token", f"OKTA_API_TOKEN: 00{chars(URLSAFE[:-2], 40)}"),
    (
        "slack-token",
        f"xoxb-{chars(DIGITS, 12)}-{chars(DIGITS, 13)}-{chars(ALNUM, 24)}",
    ),
    ("slack-token", f"xoxp-{'-'.join([chars(DIGITS, 12)] * 3)}-{chars(HEX, 32)}"),
    ("slack-token", f"xoxe.xoxp-1-{chars(ALNUM, 163)}"),
    ("slack-token", f"xoxe-1-{chars(ALNUM, 146)}"),
    ("slack-token", f"xapp-1-A{chars(ALNUM.upper(), 10)}-{chars(DIGITS, 13)}-{chars(HEX, 64)}"),
    (
        "slack-webhook",
        f"hooks.slack.com/services/T{chars(ALNUM.upper(), 9)}/B12345678/{chars(ALNUM, 24)}",
    ),
    (
        "teams-webhook",
        f"https://shop.webhook.office.com/webhookb2/{uuid(1)}@{uuid(2)}/{TEAMS}/{uuid(3)}",
    ),
    (
        "discord-webhook",
        f"https://discord.com/api/webhooks/{chars(DIGITS, 18)}/{chars(URLSAFE[:-2], 68)}",
    ),
    ("discord-bot-token", making.discord(18)),
    ("discord-bot-token", making.discord(19)),
    ("telegram-bot-token", f"{chars(DIGITS[1:], 10)}:AA{chars(URLSAFE[:-2], 33)}"),
    (
        "telegram-bot-token",
        f"https://api.telegram.org/bot{chars(DIGITS[1:], 9)}:AA{chars(ALNUM, 33)}/sendMessage",
    ),
    ("stripe-key", "sk_" + "live_" + chars(ALNUM, 24)),
    ("stripe-key", "rk_" + "live_" + chars(ALNUM, 99)),
    ("stripe-test-key", "sk_" + "test_" + chars(ALNUM, 24)),
    ("stripe-webhook-secret", "whsec_" + chars(ALNUM, 32)),
    ("square-token", "EAAAl" + chars(URLSAFE[:-2], 59)),
    ("square-token", "sq0csp-" + chars(ALNUM, 43)),
    ("square-token", "sq0atp-" + chars(ALNUM, 22)),
    ("shopify-token", "shpat_" + chars(HEX, 32)),
    ("twilio-key", "SK" + chars(HEX, 32)),
    ("twilio-key", f"TWILIO_AUTH_TOKEN: {chars(HEX, 32)}"),
    ("sendgrid-key", f"SG.{chars(URLSAFE, 22)}.{chars(URLSAFE, 43)}"),
    ("mailgun-key", f"MAILGUN: key-{chars(HEX, 32)}"),
    ("mailgun-key", f"mailgun {chars(HEX, 32)}-{chars(HEX, 8)}-{chars(HEX, 8, 1)}"),
    ("mailchimp-key", chars(HEX, 32) + "-us14"),
    ("linear-key", "lin_api_" + chars(ALNUM, 40)),
    ("notion-token", f"ntn_{chars(DIGITS, 11)}{chars(ALNUM, 35)}"),
    ("notion-token", f"notion: secret_{chars(ALNUM, 43)}"),
    ("postman-key", f"PMAK-{chars(HEX, 24)}-{chars(HEX, 34)}"),
    ("figma-token", "figd_" + chars(ALNUM, 40)),
    ("openai-key", f"sk-{chars(ALNUM, 20)}T3BlbkFJ{chars(ALNUM, 20)}"),
    ("openai-key", f"sk-proj-{chars(ALNUM, 74)}T3BlbkFJ{chars(ALNUM, 74)}"),
    ("openai-key", f"sk-svcacct-{chars(URLSAFE, 58)}T3BlbkFJ{chars(URLSAFE, 58)}"),
    ("anthropic-key", f"sk-ant-api03-{chars(URLSAFE, 93)}AA"),
    ("hugging-face-token", "hf_" + chars(string.ascii_letters, 34)),
    ("groq-key", "gsk_" + chars(ALNUM, 52)),
    ("grafana-token", making.grafana()),
    ("grafana-token", "glc_" + b64({"o": "1", "n": "stack-1", "k": chars(ALNUM, 24), "m": {}})),
    ("grafana-token", b64(b'{"k":"%s","n":"key of the shop","id":1}' % chars(ALNUM, 32).encode())),
    ("new-relic-key", "NRAK-" + chars(UPPER + DIGITS, 27)),
    ("new-relic-key", "NRII-" + chars(URLSAFE[:-2], 32)),
    ("new-relic-key", chars(HEX, 36) + "NRAL"),
    ("dynatrace-token", f"dt0c01.{chars(BASE32, 24)}.{chars(BASE32, 64)}"),
    ("sentry-token", "sntryu_" + chars(HEX, 64)),
    (
        "sentry-token",
        f"sntrys_{b64({'iat': 1, 'url': 'https://s', 'org': 'ab'})}_{chars(ALNUM + '+', 43)}",
    ),
    ("honeycomb-key", "hcaik_01" + chars(LOWER + DIGITS, 56)),
    ("datadog-key", f"DD_API_KEY: {chars(HEX, 32)}"),
    ("datadog-key", f"dd-application-key is {chars(HEX, 40)}"),
    ("jwt", making.jwt(alg="RS256", typ="JWT")),
    (
        "jwt",
        b64({"alg": "RSA-OAEP", "enc": "A256GCM"})
        + "".join(f".{chars(URLSAFE, length)}" for length in (60, 16, 80, 22)),
    ),
    ("private-key", making.pem("", "\n", chars(ALNUM, 64))),
    ("private-key", making.pem("RSA ", "\\n", chars(ALNUM, 64))),
    ("private-key", making.pem("EC ", " ", chars(ALNUM, 64))),
    ("private-key", making.pem("OPENSSH ", "\n", chars(ALNUM, 70), end=False)),
    (
        "private-key",
        making.pem("RSA ", "\n", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES,0A\n\n" + chars(ALNUM, 64)),
    ),
]

#: Detectors whose tokens another file makes.
ELSEWHERE = {
    *("azure-account-key", "azure-shared-access-key", "azure-cask-key", "azure-client-secret"),
    *("aws-presigned-url", "gcp-signed-url", "azure-sas-token", "gcp-service-account-key"),
}


def names(text: str, key: str = "note") -> list[str]:
    return [find.detector.name for find in DETECTORS.find(text, key)]


@pytest.mark.parametrize(("name", "token"), MADE)
@pytest.mark.parametrize(
    "around", ["{}", "request failed for {} at once", '{{"a": "{}"}}', "k={},b"]
)
def test_a_token_is_found_alone_and_inside_longer_text(name: str, token: str, around: str) -> None:
    text = around.format(token)
    assert name in names(text)
    assert name in [find.detector.name for find in PLAIN.find(text, "note")]


@pytest.mark.parametrize("name", sorted({detector.name for detector in BY_FORM}))
def test_every_detector_by_form_has_a_token_here(name: str) -> None:
    assert name in {made for made, _ in MADE} | ELSEWHERE
    assert name in NAMES


@pytest.mark.parametrize(("name", "token"), MADE)
@pytest.mark.parametrize("mask", ["x", "*", "0"])
def test_a_token_that_is_masked_is_not_reported(name: str, token: str, mask: str) -> None:
    start = min(12, len(token) // 3)
    assert name not in names(token[:start] + mask * (len(token) - start))


@pytest.mark.parametrize(("name", "token"), MADE)
@pytest.mark.parametrize("stand_in", ["REDACTED", "<TOKEN>", "${TOKEN}", "[FILTERED]", "..."])
def test_a_stand_in_after_the_prefix_is_not_reported(name: str, token: str, stand_in: str) -> None:
    for length in (4, 8, 12, 16):
        assert name not in names(token[:length] + stand_in)


@pytest.mark.parametrize(
    ("name", "token"),
    [
        (name, token)
        for name, token in MADE
        if name not in {"slack-webhook", "teams-webhook", "discord-webhook", "private-key"}
        and not {" ", "/", ":"} & set(token)
        and not token.startswith("xoxe.")  # holds a second token after the dot
    ],
)
def test_a_token_that_is_glued_to_letters_is_not_reported(name: str, token: str) -> None:
    assert name not in names(f"id{token}")


CHECKED = {
    *("github-token", "npm-token", "atlassian-token", "age-key"),
}


@pytest.mark.parametrize(
    "token",
    [
        *(token for name, token in MADE if name in CHECKED),
        making.gitlab(),
        making.gitlab(version=""),
        making.gitlab(prefix="glrt-t1_"),
        making.grafana(),
    ],
)
def test_a_token_whose_checksum_is_off_by_one_is_not_reported(token: str) -> None:
    assert names(token) != []
    for at in (len(token) // 2, len(token) // 2 + 3):
        swap = {"a": "b", "A": "B", "Q": "P", "2": "3"}
        other = swap.get(token[at], "Q" if token.isupper() else "a")
        assert names(token[:at] + other + token[at + 1 :]) == []


def test_a_routable_token_of_an_instance_with_a_prefix_is_found() -> None:
    assert names(making.gitlab(instance="SIE-")) == ["gitlab-token"]


def test_a_published_identity_of_age_is_not_reported() -> None:
    # age-encryption.org/v1 encodes 32 times the byte 0x42
    digits = "GFPYYSJZ" * 6 + "GFPQ"
    assert names(f"AGE-SECRET-KEY-1{digits}4EGAEX") == []


@pytest.mark.parametrize(
    ("key", "text", "name"),
    [
        ("twilio.token", chars(HEX, 32), "twilio-key"),
        ("mailgun.api.key", "key-" + chars(HEX, 32), "mailgun-key"),
        ("datadog.api_key", chars(HEX, 32), "datadog-key"),
        ("okta.token", "00" + chars(URLSAFE[:-2], 40), "okta-token"),
        ("notion.token", "secret_" + chars(ALNUM, 43), "notion-token"),
        ("google.refresh", "1//0" + chars(ALNUM, 60), "gcp-oauth-token"),
        ("aws.value", chars(ALNUM + "+", 40), "aws-secret-access-key"),
    ],
)
def test_a_key_tells_what_a_bare_value_is(key: str, text: str, name: str) -> None:
    assert names(text, key) == [name]
    assert name not in names(text)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("twilio.request.id", chars(HEX, 32)),
        ("twilio.account.sid", "AC" + chars(HEX, 32)),
        ("datadog.trace_id", chars(HEX, 32)),
        ("dd.trace_id", chars(HEX, 32)),
        ("datadog.commit.sha", chars(HEX, 40)),
        ("note", f"twilio call {chars(HEX, 32)} failed"),
        ("note", f"dd.trace_id={chars(HEX, 32)} dd.span_id={chars(HEX, 16)}"),
        ("note", f"cache-key-{chars(HEX, 32)}"),
        ("note", f"mailgun answered with an id: {'-' * 12} {chars(HEX, 32)}"),
        ("note", f"okta session 00{chars(ALNUM, 20)}"),
        ("note", f"{chars(HEX, 32)}-us-east-1"),
        ("note", f"{chars(HEX, 40)}-us1"),
        ("note", f"path 1//0{chars(ALNUM, 20)}"),
        ("note", "EAAAA" + chars(ALNUM, 59)),
        ("note", "EAAAl" + chars(ALNUM, 80)),
        ("note", b64({"k": 1, "n": "cursor", "page": chars(ALNUM, 50)})),
        ("note", "glc_" + b64({"page": chars(ALNUM, 60)})),
        ("note", "ops_eyJ" + chars(ALNUM, 300)),
        ("note", f"sntrys_{b64({'page': chars(ALNUM, 30)})}_{chars(ALNUM, 43)}"),
        ("note", f"{chars(DIGITS, 10)}:AB{chars(ALNUM, 33)}"),
        ("note", f"{b64(b'user:12345678901')}.{chars(URLSAFE, 6)}.{chars(URLSAFE, 38)}"),
        ("note", f"M{chars(ALNUM, 23)}.{chars(URLSAFE, 6)}.{chars(URLSAFE, 38)}"),
        ("note", "hooks.slack.com/services/T00000000/B00000000/" + "X" * 24),
        ("note", "https://discord.com/api/webhooks/123/abc"),
        ("note", "https://shop.webhook.office.com/webhookb2/"),
        ("note", f"xoxb-{chars(ALNUM, 24)}"),
        ("note", f"v1.0-{chars(HEX, 24)}"),
        ("note", f"GET /v1.0-{chars(HEX, 8)}"),
        ("note", f"module.atlasv1.{chars(ALNUM, 10)}"),
        ("note", f"dt0c01.{chars(BASE32, 24)}"),
        ("note", "toy2" + chars(LOWER + "234567", 43)),
        ("note", "AK" + "IA" + "IOSFODNN7" + "EXAMPLE"),
        ("note", "aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCY" + "EXAMPLEKEY"),
        ("note", f"aws commit {chars(HEX, 40)}"),
        ("note", f"{chars(DIGITS, 9)}kuaWS_{chars(ALNUM, 40)}"),
        ("note", f"aws s3 cp {'abcD1234/' * 4}abcd"),
        ("note", "sk_" + "live_" + "x" * 24),
        ("note", "pk_" + "live_" + chars(ALNUM, 24)),
        ("note", "glpat-" + "x" * 20),
        ("note", "AIza" + "a" * 35),
        ("note", "gh" + "p_short"),
        ("note", f"id{checked('ghp_', 36)}"),
        ("note", "gsk_" + "abcdefghij" * 5 + "ab"),
        (
            "note",
            f"{b64({'alg': 'HS256'})}.{b64({'a': 1})}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        ),
        ("note", b64({"after": 12345678, "limit": 20})),
        ("note", b64({"id": 17}) + "." + b64({"next": 18}) + "." + chars(URLSAFE, 20)),
        ("note", f"{b64({'alg': 'none'})}.{b64({'sub': 'x'})}."),
        ("note", "-----BEGIN PUBLIC" + " KEY-----\n" + chars(ALNUM, 64)),
        ("note", "-----BEGIN CERTIFICATE-----\n" + chars(ALNUM, 64)),
        ("note", making.pem("", "\n", "[REDACTED]")),
        ("note", making.pem("", "", "", end=False)),
    ],
)
def test_what_only_resembles_a_token_is_left_alone(key: str, text: str) -> None:
    assert names(text, key) == []


def test_an_access_key_id_weighs_more_beside_its_secret() -> None:
    def severities(text: str) -> dict[str, Severity]:
        hits = DETECTORS.found([Value("note", text, True, ())])[0]
        return {hit.detector: hit.severity for hit in hits}

    key_id = "AKIA" + chars(BASE32, 16)
    secret = f"aws secret {chars(ALNUM + '+', 40)}"
    assert severities(key_id) == {"aws-access-key-id": Severity.WARNING}
    assert severities(f"{key_id} {secret}") == {
        "aws-access-key-id": Severity.CRITICAL,
        "aws-secret-access-key": Severity.CRITICAL,
    }


@pytest.mark.timeout(20)  # milliseconds where every expression is linear, minutes where one is not
@pytest.mark.parametrize("token", sorted({token[:14] for _, token in MADE}))
def test_no_flood_of_prefixes_keeps_an_expression_busy(token: str) -> None:
    for glue in ("", "-", "a" * 40):
        for size in (65_536, 1_048_576):
            text = (token + glue) * (size // len(token + glue))
            DETECTORS.found([Value("note", text, True, ())])
    assert names("a" * 1_048_576) == []
