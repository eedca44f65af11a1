"""Keys of language models and of observability itself.

Sources: the issuers' documentation where a row names it, else gitleaks, TruffleHog and
CredSweeper, which agree but for lengths; the longer range is taken then.
"""

from __future__ import annotations

import re
import zlib

from collector.evaluate.detectors.base import Detector, Rank
from collector.evaluate.detectors.checks import json_object
from collector.evaluate.detectors.shapes import AFTER, BEFORE, keyed, plausible, simple
from collector.evaluate.detectors.vendors import IDS

_CLOUD = {"o", "n", "k"}  # keys of the JSON in a token of Grafana Cloud
_LEGACY = {"k", "n", "id"}  # and in a key of Grafana before version 9


def _grafana(match: re.Match[str]) -> bool:
    """The CRC32 of what stands before it, in either order of its bytes."""
    body, checksum = match[0][:-9], match[0][-8:]
    swapped = zlib.crc32(body.encode()).to_bytes(4, "little").hex()
    return checksum.lower() in {swapped, f"{zlib.crc32(body.encode()):08x}"}


def _grafana_json(match: re.Match[str]) -> bool:
    held = json_object(match[0].removeprefix("glc_")) or {}
    return held.keys() >= (_CLOUD if match[0].startswith("glc_") else _LEGACY)


def _sentry(match: re.Match[str]) -> bool:
    """A token of an organization begins with the base64 of JSON."""
    held = json_object(match["body"])
    return held is not None and "iat" in held


TOOLS: tuple[Detector, ...] = (
    Detector(
        "openai-key",
        Rank.CRITICAL,
        r"T3BlbkFJ",
        re.compile(
            rf"{BEFORE}sk-(?:[a-z]{{1,12}}-)?[A-Za-z0-9_-]{{20,80}}?T3BlbkFJ[A-Za-z0-9_-]{{20,80}}"
        ),
        plausible(),
        public=3,
    ),
    simple(
        "anthropic-key",
        Rank.CRITICAL,
        r"sk-ant-(?:api03|admin01|oat01|ort01|sid01)-",
        r"[A-Za-z0-9_-]{91}[A-Za-z0-9_-]{0,4}AA",
        public=7,
    ),
    simple(
        "hugging-face-token", Rank.HIGH, "hf_", "[A-Za-z]{34}", gate="hf_[A-Za-z]{34}", public=3
    ),
    simple("groq-key", Rank.HIGH, "gsk_", "[A-Za-z0-9]{48,56}", public=4, bits=4.0),
    # pkg/components/satokengen of grafana/grafana; CredSweeper
    Detector(
        "grafana-token",
        Rank.CRITICAL,
        r"glsa_",
        re.compile(rf"{BEFORE}glsa_[A-Za-z0-9]{{32}}_[0-9a-fA-F]{{8}}{AFTER}"),
        _grafana,
        public=2,
    ),
    Detector(
        "grafana-token",
        Rank.CRITICAL,
        "glc_eyJ|eyJrIjoi",
        re.compile(rf"{BEFORE}(?:glc_eyJ|eyJrIjoi)[A-Za-z0-9+/_-]{{60,400}}+={{0,2}}"),
        _grafana_json,
    ),
    # docs.newrelic.com, "New Relic API keys"
    simple("new-relic-key", Rank.HIGH, "NRAK-", "[A-Z0-9]{27}", public=2),
    simple("new-relic-key", Rank.HIGH, "NRI[IQ]-", "[A-Za-z0-9_-]{32}", public=2),
    simple(
        "new-relic-key", Rank.HIGH, "", "[0-9a-fx]{32}[0-9A-Fa-f]{4}NRAL", gate="[0-9A-Fa-f]NRAL"
    ),
    # docs.dynatrace.com, "Token format"
    simple(
        "dynatrace-token",
        Rank.HIGH,
        r"dt0[a-z][0-9]{2}\.",
        r"[A-Z0-9]{24}\.[A-Z0-9]{64}",
        gate=r"dt0[a-z][0-9]{2}\.[A-Z0-9]{24}\.",
        public=3,
        bits=3.5,
    ),
    # docs.sentry.io, "Token and credential formats"
    simple("sentry-token", Rank.HIGH, "sntry[aiu]_", "[0-9a-f]{64}", public=5),
    Detector(
        "sentry-token",
        Rank.HIGH,
        "sntrys_eyJ",
        re.compile(
            rf"{BEFORE}sntrys_(?P<body>eyJ[A-Za-z0-9+/]{{20,600}}+={{0,2}})_"
            r"[A-Za-z0-9+/]{43}(?![A-Za-z0-9+/])"
        ),
        _sentry,
        public=5,
    ),
    # honeycombio/libhoney-py
    simple(
        "honeycomb-key",
        Rank.HIGH,
        "hc[a-z]i[ck]_",
        "[a-z0-9]{58}",
        gate="hc[a-z]i[ck]_[a-z0-9]{58}",
        public=2,
        bits=3.5,
    ),
    # docs.datadoghq.com, "API and application keys"
    keyed(
        "datadog-key",
        Rank.HIGH,
        r"(?:datadog|\bdd)[_. -]?(?:api|app|application)[_. -]?key",
        "(?:[0-9a-f]{40}|[0-9a-f]{32})",
        gate="(?i:datadog|dd)[_. -]?(?i:api|app|application)[_. -]?(?i:key)",
        words=frozenset({"datadog"}),
        not_words=IDS,
    ),
)
