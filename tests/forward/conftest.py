import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conformance.servers import Servers
from forward import hops


@pytest.fixture
def place():
    """Makes hops and listeners, and stops them."""
    with hops.Place() as made:
        yield made


@pytest.fixture
def servers(tmp_path):
    """Starts auditors, and ends them."""
    made = Servers(tmp_path)
    yield made
    made.close()
