"""From telemetry to whoever is alerted: the demo's shop, the auditor, Prometheus, Alertmanager.

Not collected with the other tests, for it takes more than a minute: make e2e-monitoring.
"""

import json
import re
import sys
from contextlib import suppress

import panels
import pytest
import tools
from stack import Stack, until

sys.path.insert(0, str(tools.ROOT / "deploy" / "demo"))
from shop.launch import Shop

#: Critical alerts that the misbehaving shop must raise, by the service that is to blame.
RAISED = {
    ("TelemetryAuditorSecretInBaggage", "frontend"),
    ("TelemetryAuditorMetricCardinalityHigh", "checkout"),
    ("TelemetryAuditorForbiddenMetricLabel", "checkout"),
    ("TelemetryAuditorLogsWithoutTraceId", "inventory"),
    ("TelemetryAuditorRetryStorm", "orders"),
    ("TelemetryAuditorLivenessProbeCallsDependency", "catalog"),
}
FIRE_SECONDS = 120
DATA_SECONDS = 120
RESOLVE_SECONDS = 240
FAMILIES = re.compile("|".join(name for name, _ in RAISED))

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def stack(tool, tmp_path_factory):
    folder = tmp_path_factory.mktemp("monitoring")
    running = Stack(folder, tool("prometheus"), tool("alertmanager"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def shop(stack, tmp_path_factory):
    running = []

    def start(*, clean):
        while running:
            running.pop().stop()
        made = Shop(stack.endpoints, tmp_path_factory.mktemp("shop"), clean=clean)
        running.append(made)
        made.start()
        return made

    yield start
    while running:
        running.pop().stop()


def in_state(stack, state):
    return {key for key, (status, _) in stack.receiver.alerts.items() if status == state}


def empty_queries(stack):
    """Panels whose query returns nothing, by dashboard."""
    found = []
    for file in sorted((tools.ROOT / "deploy" / "grafana" / "dashboards").glob("*.json")):
        for query in panels.queries(json.loads(file.read_text())):
            ask = stack.query if query.kind == "instant" else stack.query_range
            if not ask(query.expr):
                found.append((file.stem, query.title, query.ref))
    return found


def test_critical_alerts_arrive_dashboards_have_data_and_all_is_quiet_once_mended(stack, shop):
    misbehaving = shop(clean=False)

    arrived = stack.receiver.wait(lambda: in_state(stack, "firing") >= RAISED, FIRE_SECONDS)
    assert arrived, f"not raised: {RAISED - in_state(stack, 'firing')}"
    raised = {key for key in in_state(stack, "firing") if FAMILIES.fullmatch(key[0])}
    assert raised == RAISED
    routes = {key: route for key, (_, route) in stack.receiver.alerts.items()}
    assert routes["TelemetryAuditorRetryStorm", "orders"] == "pager"
    assert routes["TelemetryAuditorSecretInBaggage", "frontend"] in {"security", "pager"}

    traces = [one["trace_id"] for one in stack.exemplars("telemetry_auditor_violations_total")]
    assert traces
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in traces)

    with suppress(AssertionError):  # of which the next line says more
        until(lambda: not empty_queries(stack), DATA_SECONDS)
    assert empty_queries(stack) == []
    assert misbehaving.ended() == []

    shop(clean=True)
    quiet = stack.receiver.wait(lambda: in_state(stack, "resolved") >= RAISED, RESOLVE_SECONDS)
    assert quiet, f"not resolved: {RAISED - in_state(stack, 'resolved')}"
