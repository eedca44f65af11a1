"""The check of manifests itself: what it must not let through."""

import pytest
from manifests import problems

CONFIG_MAP = """
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: {key: text}
"""
MONITOR = """
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: a}
spec:
  selector: {matchLabels: {app: a}}
  podMetricsEndpoints: [{port: admin}]
"""

REFUSED = {
    "a field that Kubernetes does not know": CONFIG_MAP + "extra: 1\n",
    "a value of the wrong type": CONFIG_MAP.replace("text", "1"),
    "a kind that Kubernetes does not know": CONFIG_MAP.replace("ConfigMap", "ConfigChart"),
    "an API version that is gone": CONFIG_MAP.replace("v1", "v1beta1"),
    "a field that the operator does not know": MONITOR + "  podMetricEndpoint: []\n",
    "a required field that is missing": MONITOR.replace("selector", "selectors"),
    "a kind that the operator does not know": MONITOR.replace("PodMonitor", "PodsMonitor"),
    "a version that the operator does not have": MONITOR.replace("/v1\n", "/v9\n"),
}


@pytest.fixture
def check(tool, tmp_path):
    return lambda text: problems(text, tool("kubernetes-validate"), tool("crds"), tmp_path)


@pytest.mark.parametrize("text", [CONFIG_MAP, MONITOR, CONFIG_MAP + "---" + MONITOR])
def test_good_manifests_pass(check, text):
    assert check(text) == []


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_bad_manifests_do_not_pass(check, text):
    assert check(text)
