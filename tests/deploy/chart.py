"""The chart and its values, and how its renders are read."""

import difflib
import json
import os
from pathlib import Path

import yaml
from manifests import documents, named

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
