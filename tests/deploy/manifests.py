"""Whether rendered manifests are ones that a cluster takes: strictly, and nothing unknown."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

#: The oldest Kubernetes with native sidecars switched on, and the newest with a schema.
VERSIONS = ("1.29", "1.37")
OPERATOR_GROUP = "monitoring.coreos.com/"
_KEEPS_UNKNOWN = "x-kubernetes-preserve-unknown-fields"

Manifest = dict[str, Any]


def documents(text: str) -> list[Manifest]:
    """The manifests in a rendered text."""
    return [one for one in yaml.safe_load_all(text) if one]


def named(text: str, kind: str, name: str | None = None) -> Manifest:
    """The one manifest of a kind, and of a name where there are more."""
    found = [
        one
        for one in documents(text)
        if one["kind"] == kind and name in (None, one["metadata"]["name"])
    ]
    assert len(found) == 1, f"{len(found)} manifests are {kind} {name or ''}"
    return found[0]


def problems(text: str, validator: str | Path, crds: str | Path, folder: Path) -> list[str]:
    """What a cluster would refuse, or drop without a word.

    Args:
        text: rendered manifests.
        validator: the command kubernetes-validate.
        crds: the folder with the definitions of the Prometheus operator's resources.
        folder: where files may be written.
    """
    found: list[str] = []
    built_in: list[Manifest] = []
    for manifest in documents(text):
        if manifest["apiVersion"].startswith(OPERATOR_GROUP):
            found += _custom(manifest, Path(crds))
        else:
            built_in.append(manifest)
    for version in VERSIONS if built_in else ():
        file = folder / "manifests.yaml"
        file.write_text(yaml.safe_dump_all(built_in))
        done = subprocess.run(
            [str(validator), "--strict", "--quiet", "-k", version, str(file)],
            capture_output=True,
            text=True,
            check=False,
        )
        said = (done.stdout + done.stderr).strip()
        if done.returncode or said:
            found.append(f"Kubernetes {version}: {said}")
    return found


def _custom(manifest: Manifest, crds: Path) -> list[str]:
    kind = manifest["kind"]
    name = f"{kind} {manifest['metadata']['name']}"
    version = manifest["apiVersion"].removeprefix(OPERATOR_GROUP)
    schema = _schemas(crds).get((kind, version))
    if schema is None:
        return [f"{name}: no schema for {manifest['apiVersion']}"]
    errors = jsonschema.Draft202012Validator(schema).iter_errors(manifest)
    return [f"{name}: {error.json_path}: {error.message[:300]}" for error in errors]


@cache
def _schemas(crds: Path) -> dict[tuple[str, str], Manifest]:
    """Schemas by kind and version, closed against fields that they do not name."""
    found = {}
    for file in crds.glob("*.json"):
        spec = json.loads(file.read_text())["spec"]
        for version in spec["versions"]:
            schema = _closed(version["schema"]["openAPIV3Schema"])
            schema["properties"]["metadata"] = {"type": "object"}
            found[spec["names"]["kind"], version["name"]] = schema
    return found


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _closed(value) for key, value in schema.items()}
    if (
        isinstance(made.get("properties"), dict)
        and made.get("type") == "object"
        and not made.get(_KEEPS_UNKNOWN)
    ):
        made.setdefault("additionalProperties", False)
    if made.pop("x-kubernetes-int-or-string", False):
        made.pop("type", None)
        made["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    if made.pop("nullable", False) and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    return made
