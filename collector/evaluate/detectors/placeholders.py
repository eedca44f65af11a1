"""Strings that stand where a secret could stand and are none."""

from __future__ import annotations

import re
from hashlib import blake2b
from urllib.parse import unquote

from collector.evaluate.detectors.checks import words

_FORMS = re.compile(
    r"""
      \W*                                   # nothing, ?, ***, <>, ...
    | (.)\1*                                # one character, repeated
    | [$%:@&]\w{1,40}                       # $1 :name %s @p0
    | %\(\w+\)[a-z]
    | [$\#%@]?\{+[\w\s.:|$()\[\]/'-]*\}*     # ${NAME} {{ name }} {} #{name}
    | %\(\w+ | @@\w+(?:@@)? | %\w+%?         # %(name)s @@NAME@@ %NAME%, cut short or not
    | \([\w\s.-]{0,40}\)?                    # (hidden), cut short or not
    | !(?:vault|secret|env|ref|sub|getatt|include|encrypted)\b.*
    | @Microsoft\.KeyVault\(.*
    | (?:string|str|integer|boolean|bool|number|object|array|varchar|text|bytes|uuid)
      (?:\(\d+\))?[!?\[\]]*                  # the type of a value, not a value
    | \$\([\w\s.-]*\)
    | <[^<>]{0,80}> | \[[^\[\]"']{0,80}\]? | %\w+% | __\w+__
    | (?:your|my|insert|enter|put|some|the|replace)[-_ ].*   # your-api-key
    | (?:null|none|nil|undefined|nan|n/?a|empty|blank|true|false|yes|no|on|off|ok|default
      |redacted|filtered|masked|hidden|removed|scrubbed|sanitized|obfuscated|censored|omitted
      |secret|password|passwd|pwd|token|apikey|api[-_]?key|value|string|test|example|sample
      |dummy|fake|placeholder|change[-_]?me|todo|tbd|foo|bar|unknown|missing|present|absent
      |set|unset|valid|invalid|expired|revoked|required|optional|enabled|disabled|changed
      |reset|incorrect|wrong|correct|failed|success|succeeded|ok|error|bearer|basic|digest
      |negotiate|ntlm|jwt|oauth2?|oidc|saml|ldap|input|output|plain|encrypted|hashed|protected
      |internal|external|public|private|user|username|admin|anonymous|authenticated)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_MASKED = re.compile(
    r"\*{3,}|•{2,}|…|\.{3}|[xX]{5,}|#{4,}|redacted|\[filtered\]|placeholder|changeme",
    re.IGNORECASE,
)
_LONG = 4096  # a longer text is no placeholder


#: Published examples: documentation, standards and emulators. None of them opens anything.
PUBLISHED = frozenset(
    {
        # RFC 7519 section 3.1 and jwt.io, by signature
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
        "TJVA95OrM7E2cBab30RMHrHDcEfxjoYZgeFONFh7HgQ",
        # the storage and Cosmos DB emulators
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
        "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw==",
    }
)

#: More of them by digest, since nobody should find a key in this file: keys of Google's samples
#: (gitleaks leaves them out too), the token that docs.dynatrace.com explains, and two identities
#: that age is tested with.
_DIGESTS = words(
    """
    f27f5358a7c61641 a667918ad80f14e8 1eb23f4ff31fee4a 4278860ad7c8919f 7fa6fe73624d5bcb
    e8e6b794c8c91613 81b4f6c06b09cbed 1dbab3955ee24509 71733bf44ea4212a 6ada812c0c203722
    04720f8c5b48eb54 e4576406f972acf1 2331a06e46b6014b afd2f205ef556be9 5a2e3466d7aa6d95
    b0d0f6e9ac73ad77 09174bbb0b87bdee 44dc071c879dc707 01a399ed9880efb1
    """
)
_DIGESTED = range(20, 129)  # lengths of what _DIGESTS holds

#: Card numbers that payment providers publish for tests (Stripe, PayPal, Adyen, Braintree).
TEST_CARDS = words(
    """
    4242424242424242 4000056655665556 5555555555554444 2223003122003222 5200828282828210
    5105105105105100 378282246310005 371449635398431 378734493671000 6011111111111117
    6011000990139424 6011981111111113 3056930009020004 36227206271667 30569309025904
    38520000023237 6555900000604105 3566002020360505 3530111333300000 6200000000000005
    6200000000000047 6205500000000000004 4111111111111111 4012888888881881 4222222222222
    4000000000000002 4000000000009995 4000000000000077 4012000033330026 4005519200000004
    4009348888881881 5431111111111111 5555341244441115 4988438843884305 4166676667666746
    4646464646464644 5136333333333335 5585558555855583 2222400070000005 370000000000002
    4444333322221111 5454545454545454 6759649826438453 6304000000000000 4917610000000000
    4026000000000002 5000550000000029
    """
)

#: Social security numbers that were printed in advertisements and are void since.
TEST_SSNS = frozenset({"078051120", "219099999", "457555462"})


def _digest(secret: str) -> str:
    return blake2b(secret.encode("utf-8", "replace"), digest_size=8).hexdigest()


def is_published(secret: str) -> bool:
    """Whether a secret is one that documentation shows to everybody."""
    return (
        secret in PUBLISHED
        or secret.rpartition(".")[2] in PUBLISHED
        or secret.endswith(("EXAMPLE", "EXAMPLEKEY"))
        or (len(secret) in _DIGESTED and _digest(secret) in _DIGESTS)
    )


def is_placeholder(text: str) -> bool:
    """Whether a string stands for a secret without being one."""
    if len(text) > _LONG:
        return False
    if "%3" in text:  # a stand-in in a URL
        text = unquote(text)
    return (
        _FORMS.fullmatch(text) is not None or _MASKED.search(text) is not None or is_published(text)
    )
