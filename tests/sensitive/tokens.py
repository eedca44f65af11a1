"""Tokens of services, in the shape that each service gives them, with valid checksums.

The shapes are those that the services document, or by which public scanners know them. No two
calls give the same token, and none was ever issued.
"""

import json
from collections.abc import Callable
from functools import partial
from random import Random

from sensitive.alphabets import (
    ALNUM,
    BASE32,
    BASE64,
    LETTERS,
    LOWER,
    LOWER_ALNUM,
    UPPER,
    URL_SAFE,
    base64_of,
    digits,
    hexadecimal,
    random_base64,
    random_uuid,
    text,
    url_safe_base64,
)
from sensitive.checksums import bech32, crc32_base62, crc32_hex, crc32_hex_little

Make = Callable[[Random], str]


def fixed(prefix: str, alphabet: str, *lengths: int) -> Make:
    """A prefix, and after it one of some numbers of letters."""
    return lambda rng: prefix + text(rng, alphabet, rng.choice(lengths))


def github(prefix: str, length: int, rng: Random) -> str:
    body = text(rng, ALNUM, length - 6)
    return prefix + body + crc32_base62(body)


def gitlab_routable(rng: Random) -> str:
    return f"glpat-{text(rng, URL_SAFE, 27)}.{text(rng, LOWER_ALNUM, 2)}{text(rng, LOWER_ALNUM, 7)}"


def pypi(host: str, rng: Random) -> str:
    """A macaroon of version 2: a location, an identifier, caveats and a signature."""
    identifier = b"\x02" + random_uuid(rng).encode()
    fields = b"\x02\x01" + bytes([len(host)]) + host.encode() + b"\x02" + bytes([len(identifier)])
    fields += identifier + b"\x00\x02\x15" + b'[1, ["' + text(rng, LOWER, 10).encode() + b'"]]'
    return "pypi-" + url_safe_base64(fields + b"\x00\x00\x06\x20" + rng.randbytes(32))


def atlassian(rng: Random) -> str:
    body = "ATATT3xFfGF0" + text(rng, URL_SAFE, rng.choice((164, 171))) + "="
    return body + crc32_hex(body)


def grafana_account(rng: Random) -> str:
    body = "glsa_" + text(rng, ALNUM, 32)
    return f"{body}_{crc32_hex_little(body)}"


def grafana_cloud(rng: Random) -> str:
    holder = f"stack-{digits(rng, 6)}-alloy-{text(rng, LOWER, 5)}"
    token = {"o": digits(rng, 6), "n": holder, "k": text(rng, ALNUM, 24), "m": {"r": "eu"}}
    return "glc_" + base64_of(json.dumps(token, separators=(",", ":")).encode())


def slack_token(rng: Random) -> str:
    kind = rng.randrange(5)
    if kind == 0:
        return f"xoxp-{digits(rng, 12)}-{digits(rng, 12)}-{digits(rng, 13)}-{hexadecimal(rng, 32)}"
    if kind == 1:
        return f"xapp-1-A{text(rng, UPPER, 10)}-{digits(rng, 13)}-{hexadecimal(rng, 64)}"
    if kind == 2:
        return f"xoxe.xoxp-1-{text(rng, BASE32, 166)}"
    return f"xoxb-{digits(rng, 12)}-{digits(rng, 13)}-{text(rng, ALNUM, 24)}"


def slack_webhook(rng: Random) -> str:
    team, app = (text(rng, UPPER + "0123456789", 10) for _ in range(2))
    return f"https://hooks.slack.com/services/T{team}/B{app}/{text(rng, ALNUM, 24)}"


def teams_webhook(rng: Random) -> str:
    first, tenant, last = (random_uuid(rng) for _ in range(3))
    place = f"{text(rng, LOWER, 8)}.webhook.office.com/webhookb2/{first}@{tenant}"
    return f"https://{place}/IncomingWebhook/{hexadecimal(rng, 32)}/{last}"


def discord_webhook(rng: Random) -> str:
    host = rng.choice(("discord.com", "discordapp.com"))
    return f"https://{host}/api/webhooks/{digits(rng, 19)}/{text(rng, URL_SAFE, 68)}"


def discord_bot(rng: Random) -> str:
    user = url_safe_base64(digits(rng, 18).encode())
    return f"{user}.{text(rng, URL_SAFE, 6)}.{text(rng, URL_SAFE, 38)}"


def openai(rng: Random) -> str:
    kind = rng.choice(("proj", "svcacct", "admin", ""))
    if not kind:
        return f"sk-{text(rng, ALNUM, 20)}T3BlbkFJ{text(rng, ALNUM, 20)}"
    return f"sk-{kind}-{text(rng, URL_SAFE, 74)}T3BlbkFJ{text(rng, URL_SAFE, 74)}"


def onepassword(rng: Random) -> str:
    secret = "A3-" + "-".join(text(rng, UPPER, size) for size in (6, 6, 5, 5, 5, 5))
    account = {
        "signInAddress": "my.1password.com",
        "userAuth": {"method": "SRPg-4096", "alg": "PBES2g-HS256", "iterations": 650000},
        "email": text(rng, LOWER, 13) + "@1passwordserviceaccounts.com",
        "srpX": hexadecimal(rng, 64),
        "muk": {"alg": "A256GCM", "k": text(rng, URL_SAFE, 43), "kty": "oct"},
        "secretKey": secret,
    }
    return "ops_" + url_safe_base64(json.dumps(account, separators=(",", ":")).encode())


def sentry_org(rng: Random) -> str:
    claims = {
        "iat": 1_700_000_000 + rng.random() * 5e7,
        "url": "https://sentry.io",
        "region_url": "https://de.sentry.io",
        "org": text(rng, LOWER, 8),
    }
    return f"sntrys_{base64_of(json.dumps(claims).encode())}_{text(rng, BASE64, 43)}"


def bedrock(rng: Random) -> str:
    name = f"BedrockAPIKey-{text(rng, LOWER_ALNUM, 4)}-at-{digits(rng, 12)}:"
    return "ABSK" + base64_of(name.encode() + random_base64(rng, 33).encode())


def bedrock_short(rng: Random) -> str:
    query = (
        "bedrock.amazonaws.com/?Action=CallWithBearerToken&X-Amz-Algorithm=AWS4-HMAC-SHA256"
        f"&X-Amz-Credential=ASIA{text(rng, BASE32, 16)}%2F20261103%2Feu-west-1%2Fbedrock"
        f"%2Faws4_request&X-Amz-Signature={hexadecimal(rng, 64)}&Version=1"
    )
    return "bedrock-api-key-" + base64_of(query.encode())


def vault(rng: Random) -> str:
    kind, length = rng.choice((("hvs", 91), ("hvs", 95), ("hvb", 158), ("hvr", 98)))
    return f"{kind}.CAES{text(rng, URL_SAFE, length)}"


def age(rng: Random) -> str:
    return bech32("age-secret-key-", rng.randbytes(32)).upper()


TOKENS: dict[str, tuple[Make, ...]] = {
    "anthropic-key": (
        lambda rng: f"sk-ant-api03-{text(rng, URL_SAFE, 93)}AA",
        lambda rng: f"sk-ant-admin01-{text(rng, URL_SAFE, 93)}AA",
    ),
    "age-key": (age,),
    "atlassian-token": (atlassian,),
    "aws-access-key-id": (fixed("AKIA", BASE32, 16), fixed("ASIA", BASE32, 16)),
    "aws-bedrock-key": (bedrock, bedrock_short),
    "aws-session-token": (
        lambda rng: "IQoJb3JpZ2luX2Vj" + random_base64(rng, rng.randrange(240, 420)),
        lambda rng: "FwoGZXIvYXdz" + random_base64(rng, rng.randrange(180, 300)),
    ),
    "cloudflare-origin-ca-key": (
        lambda rng: f"v1.0-{hexadecimal(rng, 24)}-{hexadecimal(rng, 146)}",
    ),
    "databricks-token": (
        lambda rng: "dapi" + hexadecimal(rng, 32),
        lambda rng: f"dapi{hexadecimal(rng, 32)}-{rng.randrange(2, 4)}",
    ),
    "digitalocean-token": tuple(
        partial(lambda prefix, rng: prefix + hexadecimal(rng, 64), prefix)
        for prefix in ("dop_v1_", "doo_v1_", "dor_v1_")
    ),
    "discord-bot-token": (discord_bot,),
    "discord-webhook": (discord_webhook,),
    "docker-token": (fixed("dckr_pat_", URL_SAFE, 27),),
    "doppler-token": (fixed("dp.pt.", ALNUM, 43),),
    "dynatrace-token": (lambda rng: f"dt0c01.{text(rng, BASE32, 24)}.{text(rng, BASE32, 64)}",),
    "figma-token": (fixed("figd_", URL_SAFE, 40),),
    "fly-token": (
        fixed("fo1_", URL_SAFE, 43),
        lambda rng: "fm2_" + random_base64(rng, rng.randrange(120, 300)),
    ),
    "gcp-api-key": (fixed("AIzaSy", URL_SAFE, 33),),
    "gcp-client-secret": (fixed("GOCSPX-", URL_SAFE, 28),),
    "gcp-oauth-token": (fixed("ya29.a0", URL_SAFE, 160, 210),),
    "github-fine-grained-token": (
        lambda rng: f"github_pat_{text(rng, ALNUM, 22)}_{text(rng, ALNUM, 59)}",
    ),
    "github-token": (
        *(partial(github, prefix, 36) for prefix in ("ghp_", "gho_", "ghu_", "ghs_")),
        partial(github, "ghr_", 76),
    ),
    "gitlab-token": (
        *(fixed(prefix, URL_SAFE, 20) for prefix in ("glpat-", "gldt-", "glrt-", "glsoat-")),
        fixed("glft-", URL_SAFE, 20),
        fixed("glffct-", URL_SAFE, 20),
        fixed("glimt-", URL_SAFE, 25),
        fixed("glagent-", URL_SAFE, 50),
        fixed("gloas-", URL_SAFE, 64),
        lambda rng: "glptt-" + hexadecimal(rng, 40),
        lambda rng: f"glcbt-{hexadecimal(rng, 2)}_{text(rng, URL_SAFE, 20)}",
        gitlab_routable,
    ),
    "grafana-token": (grafana_account, grafana_cloud),
    "groq-key": (fixed("gsk_", ALNUM, 52),),
    "heroku-key": (fixed("HRKU-AA", URL_SAFE, 58),),
    "honeycomb-key": (
        lambda rng: "hcaik_01" + text(rng, LOWER_ALNUM, 24) + text(rng, LOWER_ALNUM, 32),
    ),
    "hugging-face-token": (fixed("hf_", LETTERS, 34),),
    "linear-key": (fixed("lin_api_", ALNUM, 40),),
    "mailchimp-key": (lambda rng: f"{hexadecimal(rng, 32)}-us{rng.randrange(1, 22)}",),
    "new-relic-key": (
        fixed("NRAK-", UPPER + "0123456789", 27),
        fixed("NRII-", URL_SAFE.replace("_", ""), 32),
    ),
    "notion-token": (lambda rng: f"ntn_{digits(rng, 11)}{text(rng, ALNUM, 35)}",),
    "npm-token": (partial(github, "npm_", 36),),
    "nuget-key": (fixed("oy2", LOWER + "234567", 43),),
    "onepassword-token": (onepassword,),
    "openai-key": (openai,),
    "planetscale-token": tuple(
        fixed(prefix, URL_SAFE, 43) for prefix in ("pscale_tkn_", "pscale_pw_", "pscale_oauth_")
    ),
    "postman-key": (lambda rng: f"PMAK-{hexadecimal(rng, 24)}-{hexadecimal(rng, 34)}",),
    "pypi-token": (partial(pypi, "pypi.org"), partial(pypi, "test.pypi.org")),
    "rubygems-token": (lambda rng: "rubygems_" + hexadecimal(rng, 48),),
    "sendgrid-key": (lambda rng: f"SG.{text(rng, URL_SAFE, 22)}.{text(rng, URL_SAFE, 43)}",),
    "sentry-token": (sentry_org, lambda rng: "sntryu_" + hexadecimal(rng, 64)),
    "shopify-token": tuple(
        partial(lambda prefix, rng: prefix + hexadecimal(rng, 32), prefix)
        for prefix in ("shpat_", "shpss_", "shpca_", "shppa_")
    ),
    "slack-token": (slack_token,),
    "slack-webhook": (slack_webhook,),
    "square-token": (fixed("EAAA", URL_SAFE, 60), fixed("sq0csp-", URL_SAFE, 43)),
    "stripe-key": (
        fixed("sk_live_", ALNUM, 24, 99),
        fixed("rk_live_", ALNUM, 24, 99),
    ),
    "stripe-test-key": (fixed("sk_test_", ALNUM, 24, 99), fixed("rk_test_", ALNUM, 24)),
    "stripe-webhook-secret": (fixed("whsec_", ALNUM, 32),),
    "supabase-token": (lambda rng: "sbp_" + hexadecimal(rng, 40),),
    "teams-webhook": (teams_webhook,),
    "telegram-bot-token": (
        lambda rng: f"{digits(rng, rng.choice((9, 10)))}:AA{text(rng, URL_SAFE, 33)}",
    ),
    "terraform-token": (
        lambda rng: f"{text(rng, ALNUM, 14)}.atlasv1.{text(rng, ALNUM, rng.randrange(60, 68))}",
    ),
    "twilio-key": (lambda rng: "SK" + hexadecimal(rng, 32),),
    "vault-token": (vault,),
}
