"""The auditor keeps every row of the table of OTLP servers."""

import pytest
from conformance.table import TABLE, run


@pytest.mark.parametrize("row", TABLE, ids=[one.number for one in TABLE])
def test_row(row, target):
    assert run(row, target) == ("met", "")
