"""The table of all detectors, in the order in which they win over each other at equal rank."""

from __future__ import annotations

from collector.evaluate.detectors.base import Detector, Rank
from collector.evaluate.detectors.credentials import BY_NAME, CREDENTIALS
from collector.evaluate.detectors.personal import PERSONAL
from collector.evaluate.detectors.tokens import TOKENS

DETECTORS: tuple[Detector, ...] = (*TOKENS, *BY_NAME, *CREDENTIALS, *PERSONAL)

#: Every name, as options spell it.
NAMES: tuple[str, ...] = tuple(sorted({detector.name for detector in DETECTORS}))

#: What each name is worth.
RANKS: dict[str, Rank] = {detector.name: detector.rank for detector in DETECTORS}
