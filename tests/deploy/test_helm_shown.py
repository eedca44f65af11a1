"""What the chart passes on and says: rules, dashboards, monitors, notes, and the sidecar."""

import pytest
import yaml
from chart import CHART, GOLDEN, auditor, compare, notes
from manifests import documents, named, problems
from pod_security import breaches


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
