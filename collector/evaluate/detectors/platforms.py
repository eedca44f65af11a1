"""Tokens of hosts, of databases as a service and of what keeps secrets itself.

Sources: the issuers' documentation where a row names it, else gitleaks and TruffleHog, which
agree but for lengths; the longer range is taken then.
"""

from __future__ import annotations

import re

from collector.evaluate.detectors.base import Detector, Rank
from collector.evaluate.detectors.bech32 import bech32
from collector.evaluate.detectors.checks import json_object
from collector.evaluate.detectors.placeholders import is_published
from collector.evaluate.detectors.shapes import AFTER, BEFORE, keyed, plausible, simple


def _age(match: re.Match[str]) -> bool:
    return bech32(match[0]) and not is_published(match[0])


def _holds_json(match: re.Match[str]) -> bool:
    return json_object(match[0].partition("_")[2]) is not None


PLATFORMS: tuple[Detector, ...] = (
    # developer.hashicorp.com, "Vault tokens"
    simple(
        "vault-token",
        Rank.CRITICAL,
        r"hv[sbr]\.",
        r"[A-Za-z0-9_-]{24,300}+",
        gate=r"hv[sbr]\.[A-Za-z0-9_-]{24}",
        public=2,
        bits=3.5,
    ),
    Detector(
        "terraform-token",
        Rank.CRITICAL,
        r"\.atlasv1\.",
        re.compile(rf"{BEFORE}[A-Za-z0-9]{{14}}\.atlasv1\.[A-Za-z0-9_=-]{{60,70}}{AFTER}"),
        plausible(3.5),
    ),
    # developer.1password.com, "Service accounts": base64 of JSON
    Detector(
        "onepassword-token",
        Rank.CRITICAL,
        "ops_eyJ",
        re.compile(rf"{BEFORE}ops_eyJ[A-Za-z0-9+/_-]{{100,4096}}+={{0,2}}"),
        _holds_json,
        public=4,
    ),
    simple(
        "doppler-token",
        Rank.CRITICAL,
        r"dp\.(?:pt|ct|sa|scim|audit|st(?:\.[a-z0-9_-]{2,35})?)\.",
        "[A-Za-z0-9]{40,44}",
        gate=r"dp\.(?:pt|ct|sa|scim|audit|st)\.",
        public=3,
        bits=3.5,
    ),
    # age-encryption.org/v1; BIP 173
    Detector(
        "age-key",
        Rank.CRITICAL,
        "AGE-SECRET-KEY-",
        re.compile(
            rf"{BEFORE}AGE-SECRET-KEY-(?:PQ-)?1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{{58}}{AFTER}"
        ),
        _age,
        public=15,
    ),
    simple("digitalocean-token", Rank.HIGH, "do[opr]_v1_", "[0-9a-f]{64}", public=2),
    simple(
        "databricks-token",
        Rank.HIGH,
        "dapi",
        "[0-9a-f]{32}(?:-[0-9])?",
        gate="dapi[0-9a-f]{32}",
        public=4,
    ),
    simple("heroku-key", Rank.HIGH, "HRKU-AA", "[A-Za-z0-9_-]{58}", public=7, bits=4.0),
    simple("fly-token", Rank.HIGH, "fo1_", "[A-Za-z0-9_-]{43}", public=2, bits=4.0),
    Detector(
        "fly-token",
        Rank.HIGH,
        "fm(?:1[ar]|2)_[A-Za-z0-9+/]{100}",
        re.compile(rf"{BEFORE}fm(?:1[ar]|2)_[A-Za-z0-9+/]{{100,4096}}+={{0,2}}"),
        plausible(4.0),
        public=2,
    ),
    simple(
        "planetscale-token",
        Rank.HIGH,
        "pscale_(?:tkn|oauth|pw)_",
        "[A-Za-z0-9=._-]{32,64}",
        public=7,
    ),
    # supabase.com, "API keys"
    simple(
        "supabase-token",
        Rank.HIGH,
        "sbp_(?:v0_|oauth_)?",
        "[0-9a-f]{40}",
        gate="sbp_[a-z0-9_]{40}",
        public=2,
    ),
    simple("supabase-token", Rank.HIGH, "sb_secret_", "[A-Za-z0-9_-]{28,48}", public=2, bits=3.5),
    simple(
        "cloudflare-origin-ca-key",
        Rank.HIGH,
        r"v1\.0-",
        "[0-9a-f]{24}-[0-9a-f]{146}",
        gate=r"v1\.0-[0-9a-f]{24}-",
    ),
    # developer.okta.com, "API token": the scheme SSWS
    keyed(
        "okta-token",
        Rank.HIGH,
        r"\bSSWS\b",
        "00[A-Za-z0-9_-]{40}",
        gate="(?i:SSWS)",
        words=frozenset({"okta"}),
        bits=4.0,
    ),
    keyed("okta-token", Rank.HIGH, "okta", "00[A-Za-z0-9_-]{40}", gate="(?i:okta)", bits=4.0),
)
