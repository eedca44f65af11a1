"""The Kustomize folders: what they render to, and whether the program takes its part of it."""

import copy
import os
import re
import sys

import pytest
import yaml
from manifests import documents, named, problems
from pod_security import breaches, containers

from collector import configload
from collector.policyfile import load

FOLDERS = ("example", "standalone", "monitoring")


@pytest.fixture(scope="module")
def rendered(kustomize, deploy):
    return {name: kustomize(deploy / "kubernetes" / name) for name in FOLDERS}


def pods(text):
    return [one["spec"]["template"] for one in documents(text) if one["kind"] == "Deployment"]


def auditor(pod):
    (found,) = [one for one in containers(pod) if one["name"] == "telemetry-auditor"]
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_cluster_takes_what_is_rendered(rendered, folder, tool, tmp_path):
    text = rendered[folder]
    assert problems(text, tool("kubernetes-validate"), tool("crds"), tmp_path) == []


@pytest.mark.parametrize("folder", ["example", "standalone"])
def test_pods_keep_to_the_restricted_standard(rendered, folder):
    (pod,) = pods(rendered[folder])
    assert breaches(pod["spec"]) == []
    assert auditor(pod["spec"])["securityContext"]["readOnlyRootFilesystem"] is True


BREACHES = {
    "may be root": lambda pod, one: pod.update(securityContext={}) or one.pop("securityContext"),
    "privilege escalation": lambda _, one: one["securityContext"].pop("allowPrivilegeEscalation"),
    "capabilities kept": lambda _, one: one["securityContext"].pop("capabilities"),
    "host port": lambda _, one: one["ports"][0].update(hostPort=1),
    "volume hostPath": lambda pod, _: pod["volumes"].append({"name": "a", "hostPath": {}}),
    "hostNetwork": lambda pod, _: pod.update(hostNetwork=True),
}


@pytest.mark.parametrize("text", BREACHES)
def test_a_breach_of_the_standard_is_seen(rendered, text):
    pod = copy.deepcopy(pods(rendered["example"])[0]["spec"])
    BREACHES[text](pod, auditor(pod))
    assert any(text in one for one in breaches(pod))


@pytest.mark.parametrize("folder", ["example", "standalone"])
def test_the_program_takes_its_configuration_and_policies(rendered, folder, tmp_path):
    (pod,) = pods(rendered[folder])
    mounted = {one["name"]: one for one in auditor(pod["spec"])["volumeMounts"]}
    for volume in pod["spec"]["volumes"]:
        data = named(rendered[folder], "ConfigMap", volume["configMap"]["name"])["data"]
        assert mounted[volume["name"]]["mountPath"].startswith("/etc/telemetry-auditor")
        for name, text in data.items():
            (tmp_path / name).write_text(text)
    said = {one["name"]: one.get("value") for one in auditor(pod["spec"])["env"]}
    environ = {key: (value or "").replace("$(POD_IP)", "10.0.0.1") for key, value in said.items()}

    config = configload.load(tmp_path / "auditor.yaml", environ)

    assert config.policies.paths == ("/etc/telemetry-auditor/policies",)
    ports = {one["name"]: one["containerPort"] for one in auditor(pod["spec"])["ports"]}
    assert config.admin.address.endswith(f":{ports['auditor-admin']}")
    load([tmp_path / "policies.yaml"])


def test_the_sidecar_starts_before_the_application_and_has_no_say_in_its_readiness(rendered):
    (pod,) = pods(rendered["example"])
    sidecar = auditor(pod["spec"])

    assert sidecar in pod["spec"]["initContainers"]
    assert sidecar["restartPolicy"] == "Always"
    assert not {"startupProbe", "readinessProbe"} & set(sidecar)
    assert sidecar["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "auditor-admin"}


def test_the_sidecar_takes_telemetry_from_its_own_pod_alone(rendered):
    (pod,) = pods(rendered["example"])
    names = {one["name"] for one in auditor(pod["spec"])["env"]}

    assert "TELEMETRY_AUDITOR_GRPC_ADDRESS" not in names
    assert "TELEMETRY_AUDITOR_HTTP_ADDRESS" not in names
    assert [one["name"] for one in auditor(pod["spec"])["ports"]] == ["auditor-admin"]


def test_the_application_says_which_pod_it_is(rendered):
    (pod,) = pods(rendered["example"])
    env = {one["name"]: one for one in pod["spec"]["containers"][0]["env"]}

    for name in ("k8s.pod.name", "k8s.pod.uid", "k8s.namespace.name", "k8s.node.name"):
        assert f"{name}=$(" in env["OTEL_RESOURCE_ATTRIBUTES"]["value"]
    assert " " not in env["OTEL_RESOURCE_ATTRIBUTES"]["value"]


def test_one_replica_whose_pod_is_found_by_all_that_look_for_it(rendered):
    text = rendered["standalone"]
    deployment = named(text, "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"]

    assert deployment["spec"]["replicas"] == 1
    assert named(text, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    for selector in (
        deployment["spec"]["selector"]["matchLabels"],
        named(text, "Service", "telemetry-auditor")["spec"]["selector"],
        named(text, "Service", "telemetry-auditor-headless")["spec"]["selector"],
        named(text, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        named(text, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
    ports = {one["name"] for one in auditor(deployment["spec"]["template"]["spec"])["ports"]}
    for service in ("telemetry-auditor", "telemetry-auditor-headless"):
        said = named(text, "Service", service)["spec"]["ports"]
        assert {one["targetPort"] for one in said} <= ports


@pytest.mark.parametrize("folder", ["example", "standalone"])
def test_the_monitor_finds_the_auditors_port(rendered, folder):
    monitor = named(rendered["monitoring"], "PodMonitor")["spec"]
    (pod,) = pods(rendered[folder])
    (endpoint,) = monitor["podMetricsEndpoints"]

    assert monitor["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert endpoint["port"] in {one["name"] for one in auditor(pod["spec"])["ports"]}
    assert {"targetLabel": "job", "replacement": "telemetry-auditor"} in endpoint["relabelings"]


def test_every_file_is_yaml_that_says_what_it_is_for(deploy):
    for file in (deploy / "kubernetes").rglob("kustomization.yaml"):
        assert file.read_text().startswith("# "), file
        assert yaml.safe_load(file.read_text())["kind"] in {"Kustomization", "Component"}


WRONG = {
    "an unknown key of the configuration": (
        ("auditor.yaml", 'file: "-"', 'flie: "-"'),
        {},
        r"auditor\.yaml:3:3: unknown key `flie`",
    ),
    "a wrong type in the configuration": (
        ("auditor.yaml", 'file: "-"', "file: [a]"),
        {},
        r"auditor\.yaml:3:",
    ),
    "an address without a port": (
        (),
        {"GRPC_ADDRESS": "0.0.0.0"},
        "TELEMETRY_AUDITOR_GRPC_ADDRESS",
    ),
    "a misspelt variable": ((), {"GRPC_ADRESS": "0.0.0.0:1"}, "TELEMETRY_AUDITOR_GRPC_ADRESS"),
    "a policy of an unknown kind": (
        ("policies.yaml", "policies: []", "policies: [{id: a, kind: nothing, summary: b}]"),
        {},
        r"policies\.yaml:4.*",
    ),
    "an exemption without an end": (
        (
            "policies.yaml",
            "policies: []",
            "exemptions: [{policy: retry-storm, service: a, owner: b, reason: c}]",
        ),
        {},
        r"expires",
    ),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_one_wrong_value_ends_the_program_with_a_sentence_that_says_which(
    deploy, tmp_path, case, run
):
    change, variables, sentence = case
    for name in ("auditor.yaml", "policies.yaml"):
        text = (deploy / "kubernetes" / "base" / name).read_text()
        if change and change[0] == name:
            assert change[1] in text
            text = text.replace(change[1], change[2])
        (tmp_path / name).write_text(text)
    env = os.environ | {f"TELEMETRY_AUDITOR_{key}": text for key, text in variables.items()}

    said = run(
        *(sys.executable, "-m", "collector.cli", "run"),
        *("--config", tmp_path / "auditor.yaml", "--policies", tmp_path / "policies.yaml"),
        code=2,
        env=env,
    )

    assert re.search(sentence, said)
    assert "Traceback" not in said


WORKLOAD = """
apiVersion: apps/v1
kind: {kind}
metadata: {{name: {name}, labels: {{telemetry-auditor/sidecar: "{wanted}"}}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      initContainers: [{{name: migrate, image: "a:1"}}]
      containers: [{{name: app, image: "a:1"}}]
"""
FOREIGN = """
resources: [workloads.yaml]
components: [{component}]
namePrefix: team-
images: [{{name: telemetry-auditor, newName: registry.example.org/auditor, newTag: "2"}}]
"""


def test_the_component_adds_an_auditor_to_the_workloads_that_ask_for_one(
    kustomize, deploy, tmp_path
):
    asked = [("Deployment", "shop", "true"), ("StatefulSet", "db", "true")]
    cases = [*asked, ("DaemonSet", "agent", "true"), ("Deployment", "other", "false")]
    workloads = [WORKLOAD.format(kind=kind, name=name, wanted=said) for kind, name, said in cases]
    (tmp_path / "workloads.yaml").write_text("---".join(workloads))
    component = os.path.relpath(deploy / "kubernetes" / "sidecar", tmp_path)
    (tmp_path / "kustomization.yaml").write_text(FOREIGN.format(component=component))

    text = kustomize(tmp_path)

    for kind, name, said in cases:
        pod = named(text, kind, f"team-{name}")["spec"]["template"]["spec"]
        names = [one["name"] for one in pod["initContainers"]]
        assert names == (["telemetry-auditor", "migrate"] if said == "true" else ["migrate"])
        if said == "true":
            assert auditor(pod)["image"] == "registry.example.org/auditor:2"
            for volume in pod["volumes"]:
                assert named(text, "ConfigMap", volume["configMap"]["name"])


def test_the_sidecar_on_the_way_sends_on_to_the_collector(kustomize, deploy, tmp_path, tool):
    (tmp_path / "workloads.yaml").write_text(
        "---".join(
            WORKLOAD.format(kind="Deployment", name=name, wanted=wanted)
            for name, wanted in (("shop", "true"), ("other", "false"))
        )
    )
    folders = [
        os.path.relpath(deploy / "kubernetes" / name, tmp_path)
        for name in ("sidecar", "pass-through")
    ]
    (tmp_path / "kustomization.yaml").write_text(FOREIGN.format(component=", ".join(folders)))

    text = kustomize(tmp_path)

    assert problems(text, tool("kubernetes-validate"), tool("crds"), tmp_path) == []
    pod = named(text, "Deployment", "team-shop")["spec"]["template"]["spec"]
    variables = {one["name"]: one.get("value", "") for one in auditor(pod)["env"]}
    forward = {name: value for name, value in variables.items() if "_FORWARD_" in name}
    config = configload.load(None, forward)
    assert config.forward.endpoint == "http://otel-collector.observability:4317"
    assert config.forward.pass_headers == ("authorization",)
    assert "TELEMETRY_AUDITOR_GRPC_MAX_BYTES" in variables
    other = named(text, "Deployment", "team-other")["spec"]["template"]["spec"]
    assert [one["name"] for one in other["initContainers"]] == ["migrate"]


def test_the_collector_before_several_auditors_asks_for_a_service_that_is_there(rendered, deploy):
    text = (deploy / "collector" / "load-balancing.yaml").read_text()
    (host,) = re.findall(r"AUDITOR_HOST:-([a-z-]+)\.([a-z-]+)}", text)
    service = named(rendered["standalone"], "Service", host[0])

    assert service["metadata"]["namespace"] == host[1]
    assert service["spec"]["clusterIP"] == "None"
