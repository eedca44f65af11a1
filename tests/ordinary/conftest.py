"""The modules of this folder import each other as a package."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
