import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conformance import servers


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    with servers.own(tmp_path_factory.mktemp("conformance")) as target:
        yield target
