"""Names of detectors in options: only those that exist, a user's own ones included."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, ValidationInfo

from collector.evaluate.detectors.table import NAMES, OPT_IN_NAMES
from collector.evaluate.policy import DETECTORS


def _known(names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    known = (*NAMES, *OPT_IN_NAMES, *_own(info))
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(
            f"no detector is called {', '.join(unknown)}; choose from {', '.join(known)}"
        )
    return names


def _opt_in(names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    allowed = f"choose from {', '.join(OPT_IN_NAMES)}"
    always = [name for name in names if name in NAMES or name in _own(info)]
    if always:
        raise ValueError(f"{', '.join(always)} need not be asked for, being always on; {allowed}")
    unknown = [name for name in names if name not in OPT_IN_NAMES]
    if unknown:
        raise ValueError(f"no opt-in detector is called {', '.join(unknown)}; {allowed}")
    return names


def _own(info: ValidationInfo) -> tuple[str, ...]:
    return tuple((info.context or {}).get(DETECTORS, ()))


#: The type of an option that names detectors.
DetectorNames = Annotated[tuple[str, ...], AfterValidator(_known)]

#: The type of an option that names detectors which are off unless they are named.
OptInNames = Annotated[tuple[str, ...], AfterValidator(_opt_in)]
