"""The tests of kinds share how their cases are read."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
