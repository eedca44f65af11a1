"""The chart: what it renders to.

The renders are compared with `golden/`; RECORD=1 records them, and the sidecar in the chart's
README, anew. Rules and dashboards are stand-ins there, so that no alert changes a render.
"""

from pathlib import Path

import pytest
import yaml
from chart import CASES, CHART, GOLDEN, MOUNT, SCHEMA, VALUES, auditor, compare, config_of, pods
from manifests import VERSIONS, documents, named, problems
from pod_security import breaches

from collector import configload, policyfile
from collector.config import Config


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
