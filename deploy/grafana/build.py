#!/usr/bin/env python3
"""Writes the dashboards in `dashboards/` from the tables in `generator/`.

Usage: build.py [FOLDER]; without a folder it writes beside itself.
"""

import json
import sys
from pathlib import Path

from generator import auditors, cardinality, overview, reliability, sensitive

BOARDS = (overview, cardinality, reliability, sensitive, auditors)


def main() -> None:
    """Write each dashboard to a file that is named after its uid."""
    given = sys.argv[1:]
    folder = Path(given[0]) if given else Path(__file__).resolve().parent / "dashboards"
    for board in BOARDS:
        made = board.dashboard()
        text = json.dumps(made, indent=2, ensure_ascii=False)
        (folder / f"{made['uid']}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
