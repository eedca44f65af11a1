"""The chart: what it renders to, what it refuses, and what of it is generated.

The renders are compared with `golden/`; RECORD=1 records them, and the sidecar in the chart's
README, anew. Rules and dashboards are stand-ins there, so that no alert changes a render.
"""

import difflib
import functools
import importlib.util
import json
import os
import re
import shutil
from pathlib import Path

import pytest
import yaml
from manifests import VERSIONS, documents, named, problems
from pod_security import breaches

from collector import configload, policyfile
from collector.config import Config

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
CHART = HERE.parents[1] / "deploy" / "helm" / "telemetry-auditor"
CASES = sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*.yaml"))
RECORD = bool(os.environ.get("RECORD"))
MOUNT = "/etc/telemetry-auditor"
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
#: Shows NOTES.txt, which helm template does not.
NOTES = """
{{- if (.Values.global).notes }}
apiVersion: v1
kind: ConfigMap
metadata: {name: notes}
data: {notes: {{ include "telemetry-auditor.notes" . | toJson }}}
{{- end }}
"""


@pytest.fixture(scope="session")
def chart(tmp_path_factory):
    """The chart with stand-ins for what is copied into it."""
    made = tmp_path_factory.mktemp("chart") / "telemetry-auditor"
    shutil.copytree(CHART, made, ignore=shutil.ignore_patterns("files"))
    shutil.copytree(GOLDEN / "files", made / "files")
    (made / "templates" / "shown.yaml").write_text(NOTES)
    return made


@pytest.fixture(scope="session")
def helm(tool, run, chart):
    """Renders the chart with a case of `ci/`, or with values given as YAML."""

    @functools.cache
    def call(case="default", values="", *, version=VERSIONS[0], release="rel", code=0, of=chart):
        files = ("--values", CHART / "ci" / f"{case}-values.yaml", "--values", "-")
        where = ("--namespace", "observability", "--kube-version", version)
        text = run(
            *(tool("helm"), "template", release, of, *where, *files),
            code=code,
            input=values or "{}",
        )
        # Helm 4 leaves an empty line between two manifests.
        return text.rstrip().replace("\n\n---\n", "\n---\n") + "\n"

    return call


@pytest.fixture(scope="session")
def render_py():
    spec = importlib.util.spec_from_file_location("render", HERE.parents[1] / "deploy/render.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compare(file, text, what):
    """Fails with the difference, or records the text anew."""
    if RECORD:
        file.write_text(text)
    old = file.read_text() if file.exists() else ""
    lines = difflib.unified_diff(
        old.splitlines(), text.splitlines(), "recorded", "rendered", lineterm="", n=5
    )
    assert text == old, f"{what} changed; if it should, RECORD=1:\n" + "\n".join(lines)


def pods(text):
    """Labels and specs of all pods."""
    for one in documents(text):
        if one["kind"] == "Deployment":
            one = one["spec"]["template"]  # noqa: PLW2901 (a pod is found at two depths)
        elif one["kind"] != "Pod":
            continue
        yield one["metadata"]["labels"], one["spec"]


def auditor(text):
    pod = named(text, "Deployment")["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    return pod, container


def config_of(text):
    (found,) = (one for one in documents(text) if "auditor.yaml" in one.get("data", ()))
    return yaml.safe_load(found["data"]["auditor.yaml"])


def notes(helm, values="", case="default"):
    both = (yaml.safe_load(values) or {}) | {"global": {"notes": True}}
    return named(helm(case, json.dumps(both)), "ConfigMap", "notes")["data"]["notes"]


@pytest.mark.parametrize("case", CASES)
def test_lint_has_nothing_to_say(case, tool, run, chart):
    values = CHART / "ci" / f"{case}-values.yaml"
    version = ("--kube-version", VERSIONS[0])
    run(tool("helm"), "lint", "--strict", "--quiet", *version, chart, "--values", values)


@pytest.mark.parametrize("case", CASES)
def test_a_render_is_what_was_recorded(case, helm):
    compare(GOLDEN / f"{case}.yaml", helm(case), f"the render of {case}")


@pytest.mark.parametrize("case", CASES)
def test_the_newest_kubernetes_gets_what_the_oldest_gets(case, helm):
    assert helm(case, version=VERSIONS[-1]) == helm(case)


@pytest.mark.parametrize("case", CASES)
def test_a_cluster_takes_what_is_rendered(case, helm, tool, tmp_path):
    assert problems(helm(case), tool("kubernetes-validate"), tool("crds"), tmp_path) == []


@pytest.mark.parametrize("case", CASES)
def test_pods_keep_to_the_restricted_standard(case, helm):
    for _, pod in pods(helm(case)):
        assert breaches(pod) == []
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("case", CASES)
def test_what_selects_the_auditor_selects_its_pods_alone(case, helm):
    text = helm(case)
    selectors = [
        spec.get("podSelector", spec.get("selector"))
        for one in documents(text)
        if (spec := one.get("spec", {}))
        and one["kind"]
        in {
            "Deployment",
            "Service",
            "PodDisruptionBudget",
            "NetworkPolicy",
        }
    ]
    for selector in selectors:
        wanted = selector.get("matchLabels", selector).items()
        names = [
            pod["containers"][0]["name"] for labels, pod in pods(text) if wanted <= labels.items()
        ]
        assert names == ["telemetry-auditor"]


@pytest.mark.parametrize("case", sorted(set(CASES) - {"sidecar"}))
def test_ports_are_those_on_which_the_program_listens(case, helm):
    text, config = helm(case), config_of(helm(case))
    _, container = auditor(text)
    ports = {one["name"]: one["containerPort"] for one in container["ports"]}
    listening = {
        f"auditor-{name}": int(config[name]["address"].rpartition(":")[2])
        for name in ("grpc", "http", "admin")
        if config[name]["address"] != "off"
    }

    assert ports == listening
    assert {one["targetPort"] for one in named(text, "Service")["spec"]["ports"]} <= set(ports)
    for one in documents(text):
        for rule in one["spec"]["ingress"] if one["kind"] == "NetworkPolicy" else ():
            assert {port["port"] for port in rule["ports"]} <= set(ports.values())


@pytest.mark.parametrize("case", CASES)
def test_the_program_takes_its_configuration_and_policies(case, helm, tmp_path):
    files = {}
    for one in documents(helm(case)):
        if one["kind"] == "ConfigMap" and "dashboard" not in one["metadata"]["name"]:
            files |= one["data"]
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    said = VALUES | yaml.safe_load((CHART / "ci" / f"{case}-values.yaml").read_text())
    environ = {one["name"]: one["value"] for one in said["extraEnv"]}

    config = configload.load(tmp_path / "auditor.yaml", environ)
    own = [tmp_path / name for name in files if name != "auditor.yaml"]
    loaded = policyfile.load(policyfile.paths_of(config.policies.shipped, own))

    mounted = bool(said["policies"].get("files") or said["policies"].get("existingConfigMap"))
    assert config.policies.paths == ((f"{MOUNT}/policies",) if mounted else ())
    assert loaded.policies


def test_each_file_that_the_configuration_names_is_mounted_read_only(helm):
    keys = "secrets: {fingerprintKey: {existingSecret: auditor-fingerprints}}"
    text = helm("tls-auth", keys)
    pod, container = auditor(text)
    mounts = {one["mountPath"]: one for one in container["volumeMounts"]}
    volumes = {one["name"]: one for one in pod["spec"]["volumes"]}
    config = config_of(text)
    named_files = [*config["tls"].values(), *config["auth"].values(), *config["secrets"].values()]

    assert len(named_files) == 5
    for file in map(Path, named_files):
        mount = mounts[str(file.parent)]
        secret = volumes[mount["name"]]["secret"]
        assert mount["readOnly"] is True
        assert file.name in {one["path"] for one in secret["items"]}
        assert secret["defaultMode"] == 0o440


def test_configuration_overrides_what_the_chart_sets_and_keeps_its_numbers(helm):
    values = """
    config:
      findings: {file: "", keep: 0}
      decode: {max_series: 12345678}
      traces: {wait_seconds: 0.5}
      policies: {shipped: false, paths: [/more]}
    policies: {existingConfigMap: mine}
    """
    text = helm(values=values)

    assert config_of(text)["findings"] == {"file": "", "keep": 0}
    assert config_of(text)["policies"] == {
        "shipped": False,
        "paths": ["/more", f"{MOUNT}/policies"],
    }
    assert "max_series: 12345678" in text
    assert config_of(text)["traces"] == {"max_spans": 1_000_000, "wait_seconds": 0.5}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "config: {log: {level: debug}}"),
        ("policies: {files: {a.yaml: 'pack: a'}}", "policies: {files: {a.yaml: 'pack: b'}}"),
        ("policies: {existingConfigMap: a}", "policies: {existingConfigMap: b}"),
    ],
)
def test_pods_are_replaced_when_what_they_read_changes_and_else_not(before, after, helm):
    def checksum(values):
        return auditor(helm(values=values))[0]["metadata"]["annotations"]["checksum/config"]

    assert checksum(before) != checksum(after)
    assert checksum("") == checksum("podLabels: {a: b}")


def test_a_release_whose_name_looks_like_a_number_keeps_it(helm, tool, tmp_path):
    text = helm(release="007", values="podMonitor: {enabled: true}")
    assert problems(text, tool("kubernetes-validate"), tool("crds"), tmp_path) == []


def test_a_pod_has_the_time_that_the_program_takes_to_stop(helm):
    grace = Config().admission.grace_seconds
    least = SCHEMA["properties"]["terminationGracePeriodSeconds"]["minimum"]
    assert least >= grace + 15  # cutting off what is left, the findings, the last push
    assert auditor(helm())[0]["spec"]["terminationGracePeriodSeconds"] >= least


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


def rules(text):
    return [rule for group in named(text, "PrometheusRule")["spec"]["groups"]
            for rule in group["rules"]]  # fmt: skip


def test_rules_are_passed_on_as_they_are_but_for_runbook_and_labels(helm):
    values = """
    prometheusRule:
      {enabled: true, runbookBaseUrl: "https://wiki.example.org/r/", alertLabels: {team: a}}
    """
    source = []
    for file in sorted((GOLDEN / "files" / "rules").glob("*.yaml")):
        source += [rule for group in yaml.safe_load(file.read_text())["groups"]
                   for rule in group["rules"]]  # fmt: skip
    for rule in source:
        if "alert" in rule:
            url = f"https://wiki.example.org/r/{rule['alert']}"
            rule["annotations"] = rule.get("annotations", {}) | {"runbook_url": url}
            rule["labels"] = rule["labels"] | {"team": "a"}

    assert rules(helm(values=values)) == source
    assert "{{ $labels.service_name }}" in helm(values=values)


def test_alerts_can_be_left_out_and_runbooks_too(helm):
    values = "prometheusRule: {enabled: true, runbookBaseUrl: '', disabledAlerts: [StandInOften]}"
    left = rules(helm(values=values))
    assert [one.get("alert") for one in left] == ["StandInAlone", None]
    assert "runbook_url" not in str(left)


def test_dashboards_are_passed_on_as_they_are(helm):
    (file,) = (GOLDEN / "files" / "dashboards").glob("*.json")
    found = named(helm("full"), "ConfigMap", "auditor-dashboard-stand-in")
    assert found["data"][file.name] == file.read_text()
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"


@pytest.mark.parametrize("kind", ["serviceMonitor", "podMonitor"])
def test_a_monitor_finds_the_auditor_and_calls_its_job_by_name(kind, helm):
    text = helm(values=f"{kind}: {{enabled: true}}")
    pod, container = auditor(text)
    service = named(text, "Service")
    monitor = named(text, kind[0].upper() + kind[1:])["spec"]
    of_service = kind == "serviceMonitor"
    (endpoint,) = monitor["endpoints" if of_service else "podMetricsEndpoints"]
    target = service if of_service else pod
    ports = service["spec"]["ports"] if of_service else container["ports"]

    assert monitor["selector"]["matchLabels"].items() <= target["metadata"]["labels"].items()
    assert endpoint["port"] in {one["name"] for one in ports}
    assert {"targetLabel": "job", "replacement": "telemetry-auditor"} in endpoint["relabelings"]
    assert pod["metadata"]["labels"]["telemetry-auditor/scrape"] == "true"


#: Values, what NOTES.txt says, and what it does not.
SAID = [
    ("", "http://rel-telemetry-auditor.observability.svc:4317  (grpc)", "bearer"),
    ("", "WARNING: whoever reaches rel-telemetry-auditor.observability.svc may", "LoadBalancer"),
    ("", "Nothing scrapes it yet", "placeholder"),
    ("service: {type: LoadBalancer}", "service.type is LoadBalancer: that may be everybody", "x0"),
    ("networkPolicy: {enabled: true}", "WARNING: whoever reaches", "or at least"),
    ("auth: {existingSecret: a}", "WARNING: bearer tokens travel in plain text", "whoever"),
    ("{auth: {existingSecret: a}, tls: {existingSecret: b}}", "https://rel", "WARNING"),
    ("tls: {existingSecret: b, clientAuthentication: true}", "https://rel", "WARNING"),
    ("tls: {existingSecret: b}", "WARNING: whoever reaches", "http://rel"),
    ("config: {tls: {certificate_file: /a, key_file: /b}}", "https://rel", "http://rel"),
    ("config: {http: {address: 'off'}}", ":4317  (grpc)", "4318"),
    ("prometheusRule: {enabled: true}", "runbookBaseUrl is still a placeholder", "Nothing scrapes"),
    ("sidecar: {configMap: {enabled: true}}", "Add this to the template of each pod", "WARNING"),
    ("{sidecar: {configMap: {enabled: true}}, secrets: {fingerprintKey: {existingSecret: key-of}}}",
     "secretName: key-of", "WARNING"),
    ("{sidecar: {configMap: {enabled: true}}, config: {grpc: {address: '0.0.0.0:4317'}}}",
     "WARNING: config.grpc.address is 0.0.0.0:4317", "Send OTLP to"),
]  # fmt: skip


@pytest.mark.parametrize(("values", "says", "says_not"), SAID)
def test_notes_say_where_to_send_and_warn_of_an_open_door(values, says, says_not, helm):
    text = notes(helm, values)
    assert says in text
    assert says_not not in text


def test_the_sidecar_that_is_shown_runs_beside_an_application(helm, tool, tmp_path):
    _, _, snippet = notes(helm, case="sidecar").partition(":\n\n")
    template = yaml.safe_load(snippet)
    pod = template["spec"]
    (sidecar,) = pod["initContainers"]
    pod["containers"][0]["image"] = "registry.example.org/shop:1"
    template["metadata"]["labels"]["app"] = "shop"
    spec = {"selector": {"matchLabels": {"app": "shop"}}, "template": template}
    manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop"}}
    text = yaml.safe_dump(manifest | {"spec": spec})
    rendered = helm("sidecar")

    assert problems(text, tool("kubernetes-validate"), tool("crds"), tmp_path) == []
    assert breaches({"containers": [sidecar], "volumes": pod["volumes"]}) == []
    assert sidecar["restartPolicy"] == "Always"
    assert not {"startupProbe", "readinessProbe"} & set(sidecar)
    for volume in pod["volumes"]:
        assert named(rendered, "ConfigMap", volume["configMap"]["name"])
    assert {one["kind"] for one in documents(rendered)} == {"ConfigMap", "PodMonitor"}
    label = named(rendered, "PodMonitor")["spec"]["selector"]["matchLabels"]
    assert label.items() <= template["metadata"]["labels"].items()

    readme = (CHART / "README.md").read_text()
    begin, end = "<!-- sidecar: begin -->\n", "<!-- sidecar: end -->"
    before, after = readme.split(begin)[0], readme.split(end)[1]
    shown = f"{before}{begin}```yaml\n{snippet.strip()}\n```\n{end}{after}"
    compare(CHART / "README.md", shown, "the sidecar in README.md")


def test_every_example_in_the_readme_is_yaml_that_the_chart_takes(helm):
    blocks = re.findall(r"```yaml\n(.*?)```", (CHART / "README.md").read_text(), re.DOTALL)
    of_the_chart = [one for one in blocks if set(yaml.safe_load(one)) <= set(VALUES)]
    assert len(of_the_chart) == 4
    for one in of_the_chart:
        assert named(helm(values=one), "Deployment")


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


@pytest.fixture
def tree(tmp_path):
    """A folder like deploy/, with stand-ins for its sources."""
    shutil.copytree(CHART, tmp_path / "helm/telemetry-auditor")
    shutil.copytree(GOLDEN / "files/rules", tmp_path / "alerts/rules")
    shutil.copytree(GOLDEN / "files/dashboards", tmp_path / "grafana/dashboards")
    return tmp_path


def test_what_is_rendered_is_written_once_and_then_clean(render_py, tree, tool, capsys):
    assert render_py.main(["--check"], tree) == 1
    assert render_py.main([], tree) == 0
    assert render_py.main(["--check"], tree) == 0
    capsys.readouterr()
    assert render_py.main([], tree) == 0
    assert capsys.readouterr().out == ""

    text = (tree / "kubernetes/monitoring/prometheusrule.yaml").read_text()
    files = (GOLDEN / "files" / "rules").glob("*.yaml")
    groups = [one for file in sorted(files) for one in yaml.safe_load(file.read_text())["groups"]]
    assert named(text, "PrometheusRule")["spec"]["groups"] == groups
    assert problems(text, "none is needed", tool("crds"), tree) == []


#: What goes wrong in the tree, and the file that is named for it.
STALE = {
    "alerts/rules/alerts.yaml": "files/rules/alerts.yaml",
    "helm/telemetry-auditor/files/dashboards/gone.json": "files/dashboards/gone.json",
    "helm/telemetry-auditor/values.yaml": "README.md",
}


@pytest.mark.parametrize("file", STALE)
def test_what_is_stale_is_named_and_mended(file, render_py, tree, capsys):
    render_py.main([], tree)
    with (tree / file).open("a") as text:
        text.write("\n# -- Something new.\nnew: 1\n")
    assert render_py.main(["--check"], tree) == 1
    assert STALE[file] in capsys.readouterr().out
    assert render_py.main([], tree) == 0
    assert render_py.main(["--check"], tree) == 0


def test_a_schema_that_has_drifted_from_the_program_is_stale(render_py, tree, capsys):
    render_py.main([], tree)
    file = tree / "helm/telemetry-auditor/values.schema.json"
    file.write_text(file.read_text().replace('"wait_seconds"', '"patience"'))
    assert render_py.main(["--check"], tree) == 1
    assert "stale: helm/telemetry-auditor/values.schema.json" in capsys.readouterr().out


#: What is broken in the tree, and the sentence.
BROKEN = {
    "no rules": (lambda tree: shutil.rmtree(tree / "alerts"), "alerts/rules is not there, or"),
    "no dashboards": (lambda tree: shutil.rmtree(tree / "grafana"), "dashboards is not there, or"),
    "no YAML": (lambda tree: (tree / "alerts/rules/alerts.yaml").write_text("a: ["), "alerts.yaml"),
    "no groups": (lambda tree: (tree / "alerts/rules/a.yaml").write_text("a: 1"), "has no groups"),
    "no JSON": (lambda tree: (tree / "grafana/dashboards/a.json").write_text("{"), "a.json cannot"),
    "no place": (
        lambda tree: (tree / "helm/telemetry-auditor/README.md").write_text(""),
        "for the table",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_missing_or_broken_source_is_an_error_with_a_sentence(case, render_py, tree, capsys):
    damage, sentence = BROKEN[case]
    damage(tree)
    assert render_py.main([], tree) == 2
    assert sentence in capsys.readouterr().err
    assert not (tree / "kubernetes").exists()


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


def test_what_is_committed_is_what_is_rendered(render_py, deploy, helm, tool, tmp_path):
    if not (deploy / "alerts").exists() or not (deploy / "grafana").exists():
        pytest.skip("without deploy/alerts and deploy/grafana there is nothing to render")
    assert render_py.stale(deploy, render_py.wanted(deploy)) == []
    text = helm("full", "dashboards: {enabled: false}", of=CHART)  # slow to read, checked as JSON
    assert problems(text, tool("kubernetes-validate"), tool("crds"), tmp_path) == []
