"""Reads the configuration: defaults, then a file, then the environment, then flags."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias, get_origin

import yaml
from pydantic.fields import FieldInfo

from collector.config import Config, Section
from collector.problem import Problem, ProblemsError, printable
from collector.validation import Fault, validate
from collector.yamlmap import Document, read

PREFIX = "TELEMETRY_AUDITOR_"
#: Names the configuration file itself; the command reads it.
FILE_VARIABLE = f"{PREFIX}CONFIG"

Key: TypeAlias = tuple[str, str]

#: Kubernetes sets these in every pod beside a Service whose name begins with ours.
_SERVICE_LINK = re.compile(
    rf"{PREFIX}([A-Z0-9_]+_)?"
    r"(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)


def keys() -> Iterator[tuple[Key, FieldInfo]]:
    """Every key of the configuration with its section."""
    for section in Config.model_fields:
        for name, field in _section(section).model_fields.items():
            yield (section, name), field


def variable(key: Key) -> str:
    """The environment variable that sets a key.

    Args:
        key: section and name.
    """
    return PREFIX + "_".join(key).upper()


def load(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Config:
    """Read the configuration.

    Args:
        path: of a YAML file, or none.
        environ: environment variables; an empty one counts as not set.
        overrides: values by `section.key`, from flags; None counts as not set.

    Raises:
        ProblemsError: with everything that is wrong in any of them.
    """
    document = read(path) if path else Document("the configuration")
    value = {} if document.value is None else document.value
    problems: list[Problem] = []
    if not isinstance(value, dict):
        _, faults = validate(Config, value)
        raise ProblemsError(_problem(fault, document, {}) for fault in faults)
    said: dict[Any, Any] = {
        name: dict(part) if isinstance(part, dict) else part for name, part in value.items()
    }
    said = {name: part for name, part in said.items() if part is not None}
    sources: dict[Key, str] = {}
    for key, text in _variables(environ or {}, problems):
        _set(said, key, text, sources, f"environment variable {variable(key)}")
    for name, given in (overrides or {}).items():
        if given is not None:
            section, _, rest = name.partition(".")
            flag = f"flag --{section}-{rest}".replace("_", "-")
            _set(said, (section, rest), given, sources, flag)
    config, faults = validate(Config, said)
    problems += [_problem(fault, document, sources) for fault in faults]
    if config is None or problems:
        raise ProblemsError(problems)
    config._sources.update(_origins(document, said, sources))  # noqa: SLF001 (its only writer)
    return config


def _section(name: str) -> type[Section]:
    annotation = Config.model_fields[name].annotation
    if not (isinstance(annotation, type) and issubclass(annotation, Section)):
        raise TypeError(f"{name} is not a section")
    return annotation


def _variables(environ: Mapping[str, str], problems: list[Problem]) -> Iterator[tuple[Key, Any]]:
    known = {variable(key): (key, field) for key, field in keys()}
    for name, text in sorted(environ.items()):
        if not name.startswith(PREFIX) or name == FILE_VARIABLE:
            continue
        if name in known:
            key, field = known[name]
            if text:
                yield key, _read(text, get_origin(field.annotation))
        elif not _SERVICE_LINK.fullmatch(name):
            allowed = (*known, FILE_VARIABLE)
            place = f"environment variable {name}"
            problems.append(
                Problem(place, message="there is no such setting", allowed=allowed, found=name)
            )


def _read(text: str, shape: object) -> object:
    """What a variable says: several values are separated by commas, named ones are NAME=VALUE."""
    parts = list(filter(None, text.split(",")))
    if shape is tuple:
        return parts
    if shape is dict:
        return {name.strip(): value for name, _, value in (one.partition("=") for one in parts)}
    return text


def _set(
    said: dict[Any, Any], key: Key, value: object, sources: dict[Key, str], source: str
) -> None:
    part = said.setdefault(key[0], {})
    if isinstance(part, dict):
        part[key[1]] = value
        sources[key] = source


def _problem(fault: Fault, document: Document, sources: Mapping[Key, str]) -> Problem:
    key = tuple(str(step) for step in fault.where[:2])
    source = sources.get((key[0], key[1])) if len(key) > 1 else None
    if source is not None:
        return Problem(source, message=fault.message, allowed=fault.allowed, found=fault.found)
    return document.problem(
        fault.where,
        fault.message,
        allowed=fault.allowed,
        found=fault.found,
        at_key=fault.at_key,
    )


def _origins(
    document: Document, said: Mapping[Any, Any], sources: Mapping[Key, str]
) -> Iterator[tuple[Key, str]]:
    for section, part in said.items():
        for name in part if isinstance(part, dict) else ():
            line = document.place((section, name), at_key=True)[0]
            yield (section, name), sources.get((section, name), f"{document.path}:{line}")


_MASK = "****"


def as_yaml(config: Config) -> str:
    """The configuration as a file that says the same, what each key means, and its origin.

    Args:
        config: as loaded; it names files with secrets, and never holds secrets.
    """
    lines = []
    for section, values in config.model_dump(mode="json").items():
        model = _section(section)
        lines += ["", f"# {model.__doc__}", f"{section}:"]
        for key, value in values.items():
            if isinstance(value, dict):  # of headers, which may be secret
                value = dict.fromkeys(value, _MASK)  # noqa: PLW2901
            text = yaml.safe_dump({key: value}, default_flow_style=False, width=1000)
            if isinstance(value, list):
                text = f"{key}: {yaml.safe_dump(value, default_flow_style=True, width=1000)}"
            about = model.model_fields[key].description
            origin = printable(config.source(section, key))
            lines += [f"  # {about}", f"  {text.strip()}  # {origin}"]
    return "\n".join(lines[1:])
