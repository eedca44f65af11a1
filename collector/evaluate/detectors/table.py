"""The table of all detectors, in the order in which they win over each other at equal rank."""

from __future__ import annotations

from collector.evaluate.detectors.azure import AZURE
from collector.evaluate.detectors.base import Detector, Rank
from collector.evaluate.detectors.carriers import CARRIERS
from collector.evaluate.detectors.cloud import CLOUD
from collector.evaluate.detectors.contacts import CONTACTS
from collector.evaluate.detectors.credentials import BY_NAME, CREDENTIALS
from collector.evaluate.detectors.national import NATIONAL
from collector.evaluate.detectors.optional import OPTIONAL
from collector.evaluate.detectors.personal import PERSONAL
from collector.evaluate.detectors.platforms import PLATFORMS
from collector.evaluate.detectors.signed import SIGNED
from collector.evaluate.detectors.tokens import TOKENS
from collector.evaluate.detectors.tools import TOOLS
from collector.evaluate.detectors.vendors import VENDORS

#: Detectors that know a secret by its own form.
BY_FORM: tuple[Detector, ...] = (
    *CLOUD,
    *AZURE,
    *SIGNED,
    *PLATFORMS,
    *VENDORS,
    *TOOLS,
    *TOKENS,
)

DETECTORS: tuple[Detector, ...] = (*BY_FORM, *BY_NAME, *CREDENTIALS, *CARRIERS, *PERSONAL)

#: Detectors that are off unless a policy names them: what they find is often meant to be there.
OPT_IN: tuple[Detector, ...] = (*OPTIONAL, *CONTACTS, *NATIONAL)

#: Every name of those that are always on, as options spell it.
NAMES: tuple[str, ...] = tuple(sorted({detector.name for detector in DETECTORS}))

#: Every name of those that are off unless they are named.
OPT_IN_NAMES: tuple[str, ...] = tuple(sorted({detector.name for detector in OPT_IN}))

#: What each name is worth.
RANKS: dict[str, Rank] = {detector.name: detector.rank for detector in (*DETECTORS, *OPT_IN)}
