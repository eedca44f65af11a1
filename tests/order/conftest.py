"""These tests read the cases of kinds, too."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
