import sys
from pathlib import Path

# The modules beside the tests are found as `sensitive.…`, apart from other folders' modules.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
