import sys
from pathlib import Path

# The modules beside the tests are found as `sensitive.…`, apart from other folders' modules.
sys.path.append(str(Path(__file__).resolve().parents[1]))
