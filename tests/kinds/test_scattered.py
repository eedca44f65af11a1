"""What is found in finished traces does not depend on how their spans arrived."""

from pathlib import Path

import pytest
import yaml

from collector import testing
from collector.decode.reference import ReferenceDecoder
from collector.evaluate import registry
from collector.evaluate.match import Selector
from collector.evaluate.policy import Terms

KINDS = [
    "conflict_unhandled", "deadline_ignored", "deadline_overrun", "deep_offset",
    "query_repetition", "read_then_insert", "transaction_long", "transaction_remote_call",
    "unbounded_result", "unbounded_wait",
]  # fmt: skip
CASES = [
    pytest.param(kind, case, id=f"{kind}: {case['name']}")
    for kind in KINDS
    for case in yaml.safe_load((Path(__file__).parent / f"{kind}.yaml").read_text())
]


def scattered(telemetry):
    """Each span in a request of its own, twice, and those that were first last."""
    alone = [one | {"spans": [span]} for one in telemetry for span in one["spans"]]
    return [*alone[::-1], *alone]


@pytest.mark.parametrize(("kind", "case"), CASES)
def test_order_batches_and_repeats_do_not_matter(kind, case):
    made = registry.known()[kind]
    select = Selector.model_validate(case.get("policy", {}).get("select", {}))
    options = made.options_type.model_validate(case.get("options", {}))
    policy = made(Terms(id=kind, kind=kind, select=select), options)

    found = testing.run([policy], scattered(case["telemetry"]), make=ReferenceDecoder)

    assert testing.compare(found, case["expect"]) == []
