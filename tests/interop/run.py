"""``make interop``: fetch and build the senders, try each on a real auditor, say what was left out.

Usage: run.py [NAME ...]
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from interop.senders import SENDERS, Missing, build, lacks


def main() -> int:
    """The exit status: 1 where a promise is broken, or where a sender is missing and CI=true."""
    wanted = sys.argv[1:] or [one.name for one in SENDERS]
    left_out: dict[str, str] = {}
    for one in SENDERS:
        if one.name not in wanted:
            left_out[one.name] = "not asked for"
            continue
        if not lacks(one):
            continue
        print(f"fetching the {one.sdk} and building its sender ...", flush=True)
        try:
            build(one)
        except Missing as why:
            left_out[one.name] = str(why)
    names = " or ".join([one for one in wanted if one not in left_out] + ["curl"])
    code = pytest.main(["--no-cov", "-vv", "-rs", "-k", names, str(Path(__file__).parent)])
    for name, why in left_out.items():
        print(f"left out: {name}: {why}")
    missing = set(wanted) & left_out.keys()
    return int(code) or (1 if missing and os.environ.get("CI") == "true" else 0)


if __name__ == "__main__":
    sys.exit(main())
