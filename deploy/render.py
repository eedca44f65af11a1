"""Writes what is generated in `deploy/`, so that each thing is said in one place.

Usage: python deploy/render.py [--check]

| made | of |
|---|---|
| files/rules/ of the chart | alerts/rules/*.yaml, as they are |
| files/dashboards/ of the chart | grafana/dashboards/*.json, as they are |
| kubernetes/monitoring/prometheusrule.yaml | alerts/rules/*.yaml |
| `config` in values.schema.json of the chart | collector/config.py |
| the table of values in README.md of the chart | values.yaml of the chart |

With --check nothing is written, and what is stale is named. Exit status: 0 when all is as it
should be, 1 when something is stale, 2 for an error.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from collector.config import _ADDRESS, OFF, Config

DEPLOY = Path(__file__).resolve().parent
CHART = Path("helm", "telemetry-auditor")
RULES = Path("alerts", "rules")
DASHBOARDS = Path("grafana", "dashboards")
RULE_MANIFEST = Path("kubernetes", "monitoring", "prometheusrule.yaml")

BEGIN, END = "<!-- values: begin -->", "<!-- values: end -->"
_SAID = re.compile(r" *# -- (?P<text>.+)")
_MORE = re.compile(r" *# (?P<text>.+)")
_KEY = re.compile(r"(?P<indent> *)(?P<name>\w+):")

#: Words of JSON Schema that say nothing about whether a value is right.
_IDLE = {"$defs", "default", "format", "title"}


class RenderError(Exception):
    """Something that is needed is missing, or cannot be read; the text says what."""


def wanted(deploy: Path) -> dict[Path, str]:
    """What each generated file should hold.

    Args:
        deploy: the folder `deploy/`.

    Raises:
        RenderError: if a source is missing or broken.
    """
    chart = deploy / CHART
    rules = _sources(deploy / RULES, "*.yaml", yaml.safe_load)
    dashboards = _sources(deploy / DASHBOARDS, "*.json", json.loads)
    schema, readme = chart / "values.schema.json", chart / "README.md"
    return {
        **{chart / "files/rules" / name: text for name, text in rules.items()},
        **{chart / "files/dashboards" / name: text for name, text in dashboards.items()},
        deploy / RULE_MANIFEST: rule_manifest(rules),
        schema: values_schema(_read(schema)),
        readme: with_table(_read(readme), _read(chart / "values.yaml")),
    }


def stale(deploy: Path, files: Mapping[Path, str]) -> list[Path]:
    """Generated files that are missing, hold something else, or have lost their source.

    Args:
        deploy: the folder `deploy/`.
        files: what each should hold.
    """
    found = [path for path, text in files.items() if not path.exists() or _read(path) != text]
    kept = (deploy / CHART / "files").rglob("*")
    return sorted(found + [path for path in kept if path.is_file() and path not in files])


def rule_manifest(rules: Mapping[str, str]) -> str:
    """All groups of the rule files in one PrometheusRule.

    Args:
        rules: texts of the files by name.

    Raises:
        RenderError: if a file has no groups.
    """
    groups = []
    for name, text in rules.items():
        said = yaml.safe_load(text)
        if not isinstance(said, dict) or not said.get("groups"):
            raise RenderError(f"{name} has no groups: it is no rule file of Prometheus")
        groups += said["groups"]
    manifest = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {
            "name": "telemetry-auditor",
            "labels": {"app.kubernetes.io/name": "telemetry-auditor"},
        },
        "spec": {"groups": groups},
    }
    body = yaml.dump(manifest, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return f"# Made by deploy/render.py from deploy/{RULES.as_posix()}; edit it there.\n{body}"


def values_schema(text: str) -> str:
    """The schema of the chart's values, with the part on `config` anew.

    Args:
        text: the schema as it is.
    """
    schema = json.loads(text)
    model = Config.model_json_schema()
    schema["properties"]["config"] = _plain(model, model["$defs"])
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def with_table(readme: str, values: str) -> str:
    """The README with the table of values anew.

    Args:
        readme: as it is.
        values: text of values.yaml.

    Raises:
        RenderError: if the README has no place for the table.
    """
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise RenderError(f"README.md of the chart has no {BEGIN} and {END} for the table")
    rows = "".join(
        f"| `{name}` | `{_shown(default)}` | {about.replace('|', chr(92) + '|')} |\n"
        for name, default, about in described(values)
    )
    return f"{before}{BEGIN}\n| value | default | what it does |\n|---|---|---|\n{rows}{END}{after}"


def described(values: str) -> Iterator[tuple[str, Any, str]]:
    """Each value that has a `# --` line: its dotted name, its default, what it does.

    Args:
        values: text of values.yaml.
    """
    document = yaml.safe_load(values)
    path: list[str] = []
    about: list[str] = []
    for line in values.splitlines():
        if said := _SAID.fullmatch(line):
            about = [said["text"]]
        elif about and (more := _MORE.fullmatch(line)):
            about.append(more["text"])
        elif key := _KEY.match(line):
            path = [*path[: len(key["indent"]) // 2], key["name"]]
            if about:
                value = document
                for step in path:
                    value = value[step]
                yield ".".join(path), value, " ".join(about)
            about = []


def _plain(schema: dict[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """A schema of pydantic without references, and without what the chart has no use for.

    A file that may be absent is a text here: in Helm, null takes a default away.
    """
    if "$ref" in schema:
        return _plain(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    made = {key: value for key, value in schema.items() if key not in _IDLE}
    for one in made.pop("anyOf", ()):
        made |= {} if one == {"type": "null"} else _plain(one, definitions)
    if "items" in made:
        made["items"] = _plain(made["items"], definitions)
    if "properties" in made:
        inner = made["properties"].items()
        made["properties"] = {name: _plain(one, definitions) for name, one in inner}
        if "address" in made["properties"]:
            made["properties"]["address"]["pattern"] = _address_pattern()
    return made


def _address_pattern() -> str:
    """The program's own pattern; named groups are Python's."""
    return f"^({OFF}|{re.sub(r'[?]P<[a-z]+>', '', _ADDRESS.pattern)})$"


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def _sources(folder: Path, pattern: str, parse: Callable[[str], Any]) -> dict[str, str]:
    found = {path.name: _read(path) for path in sorted(folder.glob(pattern))}
    if not found:
        raise RenderError(f"{folder} is not there, or holds no {pattern}: nothing to copy from")
    for name, text in found.items():
        try:
            parse(text)
        except (yaml.YAMLError, ValueError) as error:
            raise RenderError(f"{folder / name} cannot be read: {error}") from None
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise RenderError(f"{path} cannot be read: {error}") from None


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, "|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def main(words: list[str] | None = None, deploy: Path = DEPLOY) -> int:
    """The command.

    Args:
        words: its arguments; those of the process without them.
        deploy: the folder `deploy/`.
    """
    parser = argparse.ArgumentParser(prog="render.py", description=str(__doc__).splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, name what is stale")
    checks = parser.parse_args(words).check
    try:
        files = wanted(deploy)
        found = stale(deploy, files)
    except RenderError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for path in found:
        done = "stale" if checks else "written" if path in files else "removed"
        sys.stdout.write(f"{done}: {path.relative_to(deploy)}\n")
        if done == "written":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path], encoding="utf-8")
        elif done == "removed":
            path.unlink()
    if found and checks:
        sys.stdout.write("run python deploy/render.py\n")
    return 1 if found and checks else 0


if __name__ == "__main__":
    sys.exit(main())
