"""Every row, in the order of the sections."""

from __future__ import annotations

import re

from conformance import (  # noqa: F401 (each adds its rows)
    rows_abuse,
    rows_compression,
    rows_errors,
    rows_grpc,
    rows_happy,
    rows_json,
    rows_pressure,
    rows_security,
)
from conformance.rows import ROWS, FailedRow, Row, Target, UnknownHere
from conformance.wire import Silent

TABLE = sorted(ROWS, key=lambda one: (one.number[0], int(re.sub(r"\D", "", one.number))))


def run(row: Row, target: Target) -> tuple[str, str]:
    """Try a row.

    Returns:
        One of ``met``, ``broken`` and ``not tried``, and what was seen.
    """
    try:
        row.check(target)
    except UnknownHere as unknown:
        return "not tried", f"{unknown} of the server is not known"
    except FailedRow as failed:
        return "broken", str(failed)
    except Silent:
        return "broken", "no answer, and the connection stays open"
    except OSError as error:
        return "broken", f"{type(error).__name__}: {error}"
    return "met", ""
