"""What policies say of one attribute, and whether a secret stands in it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from collector import testing
from collector.decode.reference import ReferenceDecoder
from collector.evaluate import registry
from collector.evaluate.detectors.scan import Detectors
from collector.evaluate.match import Selector
from collector.evaluate.policy import AnyPolicy, Terms
from collector.evaluate.scrub import Scrubber
from collector.violation import Severity

DETECTORS = Detectors(b"key of the tests")
SCRUBBER = Scrubber(DETECTORS)
#: A token that detectors know, and that opens nothing: its checksum is right, its letters are not
#: random.
TOKEN = "glpat-" + "aB3dE5gH7jK9mN1pQ4sT"
_OPTIONS: dict[str, dict[str, Any]] = {
    "baggage_external": {"internal_domains": ["shop.example"]},
    "baggage_size": {"max_members": 2, "add_up_headers": True},
    "sensitive_value": {},
    "url_unredacted": {},
}


@lru_cache(maxsize=1)
def _policies() -> list[AnyPolicy]:
    made = []
    for name, options in _OPTIONS.items():
        kind = registry.known()[name]
        terms = Terms(
            id=name.replace("_", "-"),
            kind=name,
            severity=Severity.CRITICAL,
            summary="what is wrong",
            remedy="what to do",
            select=Selector(),
        )
        made.append(kind(terms, kind.options_type.model_validate(options)))
    return made


def said(attributes: dict[str, Any]) -> list[str]:
    """Every text of the violations for a call with these attributes."""
    policies = [type(one)(one.terms, one.options) for one in _policies()]
    span = {"name": "GET", "kind": "client", "attributes": attributes}
    delivery = {"service": "shop", "spans": [span]}
    found = testing.run(policies, [delivery], make=ReferenceDecoder)  # the sooner made
    return [
        text
        for one in found
        for text in (one.subject, one.summary, *map(str, one.evidence.values()))
    ]


def secrets_of(key: str, text: str) -> list[str]:
    """What detectors find in a text and know by itself, too.

    What also stands there as a part of a longer word is left out: the word is shown, and nothing
    says that it holds a secret.
    """
    finds = DETECTORS.find(text, key)
    found = {text[find.start : find.end] for find in finds} | {find.secret for find in finds}
    return sorted(one for one in found if not _is_glued(one, text) and SCRUBBER.text(one) != one)


def _is_glued(secret: str, text: str) -> bool:
    within = re.escape(secret)
    return re.search(rf"[\w.-]{within}|{within}[\w.-]", text) is not None
