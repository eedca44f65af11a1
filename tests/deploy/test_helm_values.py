"""The values of the chart: described, checked, and refused by name."""

import re
import shutil

import pytest
import yaml
from chart import CHART, SCHEMA, VALUES
from manifests import VERSIONS, documents, named

from collector import configload

#: Values, and what the refusal says.
REFUSED = {
    "replics: 2": "'replics'",
    "replicas: two": "/replicas': got string, want integer",
    "replicas: -1": "/replicas'",
    "replicas: 2": "replicas is 2: policies on traces need whole traces",
    "{replicas: 2, loadBalancedBy: nginx}": "/loadBalancedBy': value must be one of",
    "config: {trace: {}}": "/config': additional properties 'trace' not allowed",
    "config: {traces: {wait_second: 1}}": "/config/traces': additional properties 'wait_second'",
    "config: {traces: {max_spans: many}}": "/config/traces/max_spans': got string, want integer",
    "config: {traces: {max_spans: 0}}": "/config/traces/max_spans': minimum: got 0, want 1",
    "config: {log: {level: loud}}": "/config/log/level': value must be one of",
    "config: {grpc: {address: here}}": "/config/grpc/address': 'here' does not match",
    "config: {grpc: {address: '127.0.0.1:4317'}}": "config.grpc.address is 127.0.0.1:4317",
    "config: {admin: {address: 'off'}}": "config.admin.address is off",
    "config: {grpc: {address: 'off'}, http: {address: 'off'}}": "nobody could send",
    "config: []": "/config': got array, want object",
    "policies: {files: {a.yaml: 'pack: a'}, existingConfigMap: mine}":
        "policies.files and policies.existingConfigMap (mine) are both set",
    "policies: {files: {a.txt: 'pack: a'}}": "/policies/files': additional properties 'a.txt'",
    "policies: {files: {a.test.yaml: 'pack: a'}}": "policies.files names a.test.yaml",
    "policies: {files: {a.yaml: {pack: a}}}": "/policies/files/a.yaml': got object, want string",
    "tls: {clientAuthentication: true}": "tls.existingSecret is empty",
    "{tls: {existingSecret: a}, config: {tls: {key_file: /b}}}": "config.tls is set",
    "tls: {secretName: a}": "/tls': additional properties 'secretName' not allowed",
    "auth: {existingSecret: Not_A_Name}": "/auth/existingSecret': 'Not_A_Name' does not match",
    "resources: {limits: {memory: 512m}}": "/resources/limits/memory': '512m' does not match",
    "resources: {requests: {cpu: 1 core}}": "/resources/requests/cpu': '1 core' does not match",
    "image: {digest: latest}": "/image/digest': 'latest' does not match",
    "image: {registry: 'https://a'}": "/image/registry': 'https://a' does not match",
    "terminationGracePeriodSeconds: 5": "/terminationGracePeriodSeconds': minimum: got 5",
    "service: {headless: true, type: NodePort}": "service.headless is true and service.type is",
    "{serviceMonitor: {enabled: true}, podMonitor: {enabled: true}}": "scraped twice",
    "{networkPolicy: {enabled: true}, config: {otlp: {endpoint: 'http://a:4317'}}}":
        "config.otlp.endpoint is http://a:4317, which could not be reached",
    "{networkPolicy: {enabled: true}, config: {forward: {endpoint: 'http://a:4317'}}}":
        "config.forward.endpoint is http://a:4317, which could not be reached",
    "prometheusRule: {enabled: true, disabledAlerts: [Nothing]}":
        "prometheusRule.disabledAlerts names Nothing; the alerts are StandInOften, StandInAlone",
    "prometheusRule: {runbookBaseUrl: wiki}": "/prometheusRule/runbookBaseUrl': 'wiki' does not",
    "extraEnv: [{name: A, value: 1}]": "/extraEnv/0/value': got number, want string",
    "commonLabels: {a: b c}": "/commonLabels/a': 'b c' does not match",
    "{sidecar: {configMap: {enabled: true}}, auth: {existingSecret: a}}": "loopback address",
    "config: {grpc: {address: '0.0.0.0:9464'}}":
        "config.grpc.address and config.admin.address both name port 9464",
    "config: {grpc: {address: '0.0.0.0:99999'}}": "the highest port is 65535",
    "{podDisruptionBudget: {enabled: true, maxUnavailable: 0}}": "could ever be drained",
    "podMonitor: {everyAuditor: true}": "podMonitor.everyAuditor is true and podMonitor.enabled",
    "extraEnv: [{name: TELEMETRY_AUDITOR_GRPC_ADDRESS, value: '0.0.0.0:5317'}]":
        "extraEnv sets TELEMETRY_AUDITOR_GRPC_ADDRESS",
    "{sidecar: {configMap: {enabled: true}}, networkPolicy: {enabled: true}}":
        "networkPolicy.enabled is true, and so is sidecar.configMap.enabled",
}  # fmt: skip


@pytest.mark.parametrize("values", REFUSED)
def test_a_wrong_value_is_refused_by_name(values, helm):
    assert REFUSED[values] in helm(values=values, code=1)


def test_a_chart_without_its_copies_says_how_to_make_them(helm, chart, tmp_path):
    shutil.copytree(chart, tmp_path / "bare", ignore=shutil.ignore_patterns("files"))
    for name in ("prometheusRule", "dashboards"):
        text = helm(values=f"{name}: {{enabled: true}}", of=tmp_path / "bare", code=1)
        assert "run python deploy/render.py" in text


def test_a_parent_chart_can_switch_it_on_and_off(chart, run, tool, tmp_path):
    depends = {"name": "telemetry-auditor", "version": "0.1.0", "repository": "",
               "condition": "telemetry-auditor.enabled"}  # fmt: skip
    parent = {"apiVersion": "v2", "name": "parent", "version": "1.0.0", "dependencies": [depends]}
    (tmp_path / "Chart.yaml").write_text(yaml.safe_dump(parent))
    (tmp_path / "values.yaml").write_text("global: {any: thing}\n")
    shutil.copytree(chart, tmp_path / "charts" / "telemetry-auditor")
    command = (tool("helm"), "template", "r", tmp_path, "--kube-version", VERSIONS[0], "--set")

    assert named(run(*command, "telemetry-auditor.enabled=true"), "Deployment")
    assert not documents(run(*command, "telemetry-auditor.enabled=false"))


def leaves(values, path=()):
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key)


def test_every_value_is_described_in_values_and_schema(render_py):
    told = {name for name, _, _ in render_py.described((CHART / "values.yaml").read_text())}
    for leaf in leaves(VALUES):
        assert any(".".join(leaf[:end]) in told for end in range(1, len(leaf) + 1)), leaf
        schema = SCHEMA
        for key in leaf:
            if "$ref" in schema:
                schema = SCHEMA["definitions"][schema["$ref"].rpartition("/")[2]]
            schema = schema.get("properties", {}).get(key) or schema.get("additionalProperties")
            if schema is None:  # as Kubernetes, which checks it
                assert leaf[0] in {"podSecurityContext", "securityContext"}
                break
            assert schema, f"{leaf} is not in the schema"
    for name, one in SCHEMA["properties"].items():
        assert one.get("description"), name
        assert name in VALUES or name in {"global", "enabled"}


def test_the_schema_is_closed_but_where_kubernetes_knows_better():
    def opened(schema, path=()):
        if isinstance(schema, dict):
            if schema.get("type") == "object" and "additionalProperties" not in schema:
                yield ".".join(path)
            for key, value in schema.items():
                yield from opened(value, path if key in {"properties", "items"} else (*path, key))

    assert sorted(opened(SCHEMA)) == [
        "affinity", "config.forward.headers", "extraEnv.valueFrom", "extraVolumeMounts",
        "extraVolumes", "global",
        "networkPolicy.adminFrom", "networkPolicy.egress", "networkPolicy.otlpFrom",
        "podMonitor.metricRelabelings", "podMonitor.relabelings", "podSecurityContext",
        "resources.claims", "securityContext", "serviceMonitor.metricRelabelings",
        "serviceMonitor.relabelings", "tolerations", "topologySpreadConstraints",
    ]  # fmt: skip


def test_the_schema_knows_the_configuration_of_the_program(render_py):
    text = (CHART / "values.schema.json").read_text()
    assert render_py.values_schema(text) == text
    sections = SCHEMA["properties"]["config"]["properties"]
    assert {(section, key) for section in sections for key in sections[section]["properties"]} == {
        key
        for key, _ in configload.keys()  # noqa: SIM118 (a function, of no mapping)
    }


def test_the_readme_lists_the_values_as_they_are(render_py):
    readme = (CHART / "README.md").read_text()
    assert render_py.with_table(readme, (CHART / "values.yaml").read_text()) == readme


def test_every_example_in_the_readme_is_yaml_that_the_chart_takes(helm):
    blocks = re.findall(r"```yaml\n(.*?)```", (CHART / "README.md").read_text(), re.DOTALL)
    of_the_chart = [one for one in blocks if set(yaml.safe_load(one)) <= set(VALUES)]
    assert len(of_the_chart) == 4
    for one in of_the_chart:
        assert named(helm(values=one), "Deployment")
