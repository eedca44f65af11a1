"""Whatever breaks, every request is accounted for: the short form of ``make faults``."""

import pytest
from faults.run import attempt
from faults.scene import Untried
from faults.table import FAULTS


@pytest.mark.parametrize("fault", FAULTS, ids=[one.name for one in FAULTS])
def test_the_books_balance(fault, tmp_path):
    try:
        entry, scene = attempt(fault, tmp_path, 0.02)
    except Untried as why:
        pytest.skip(str(why))

    assert entry.balanced
    assert scene.books.acknowledged <= entry.inspected + entry.uninspected + 2
