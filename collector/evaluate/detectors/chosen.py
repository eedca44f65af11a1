"""Names of detectors in options: only those that exist, a user's own ones included."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, ValidationInfo

from collector.evaluate.detectors.table import NAMES
from collector.evaluate.policy import DETECTORS


def _known(names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    known = (*NAMES, *(info.context or {}).get(DETECTORS, ()))
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(
            f"no detector is called {', '.join(unknown)}; choose from {', '.join(known)}"
        )
    return names


#: The type of an option that names detectors.
DetectorNames = Annotated[tuple[str, ...], AfterValidator(_known)]
