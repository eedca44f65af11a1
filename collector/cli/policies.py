"""``telemetry-auditor policies``: list, explain, validate, test, and write the documentation."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click
import yaml
from rich.table import Table
from rich.text import Text

from collector import catalogue, packtest
from collector.cli.tables import STYLES, print_table
from collector.evaluate import registry
from collector.evaluate.policy import AnyPolicy
from collector.policyfile import TEST_SUFFIX, Loaded, is_pack, load, packs_directory, paths_of
from collector.problem import Problem, ProblemsError, render
from collector.wording import counted

FINDINGS, ERROR = 1, 2

_paths = click.argument("paths", nargs=-1, type=click.Path(path_type=Path))


@click.group()
def policies() -> None:
    """List, explain, validate and test policies."""


@policies.command(name="list")
@click.option("--policies", "paths", multiple=True, type=click.Path(path_type=Path))
def list_command(paths: tuple[Path, ...]) -> None:
    """Show every loaded policy."""
    loaded = load(paths_of(shipped=True, paths=paths))
    disabled = {one.terms.id for one in loaded.disabled}
    table = Table(pad_edge=False)
    for name in ("policy", "kind", "severity", "pack", "what is wrong"):
        table.add_column(name, overflow="fold")
    for one in (*loaded.policies, *loaded.disabled):
        terms = one.terms
        severity = "off" if terms.id in disabled else terms.severity.label
        style = "dim" if terms.id in disabled else STYLES[terms.severity]
        pack = loaded.pack_of(terms.id)
        table.add_row(terms.id, terms.kind, Text(severity, style), pack, Text(terms.summary))
    print_table(table)


@policies.command()
@click.argument("name", metavar="POLICY_OR_KIND")
@click.option("--policies", "paths", multiple=True, type=click.Path(path_type=Path))
def explain(name: str, paths: tuple[Path, ...]) -> None:
    """Say what a policy or a kind finds, why it matters, and what to do."""
    loaded = load(paths_of(shipped=True, paths=paths))
    by_id = {one.terms.id: one for one in (*loaded.policies, *loaded.disabled)}
    if name in by_id:
        click.echo("\n".join(_explained(by_id[name])))
    elif name in registry.known():
        click.echo(catalogue.kind_page(name))
    else:
        known = (*by_id, *registry.known())
        message = "there is no policy or kind of this name"
        raise ProblemsError([Problem(name, message=message, allowed=known, found=name)])


def _explained(policy: AnyPolicy) -> Iterator[str]:
    terms = policy.terms
    narrowed = terms.select.model_dump(mode="json", exclude_defaults=True)
    yield f"{terms.id} ({terms.kind}, {terms.severity.label})"
    for title, text in (
        ("", terms.summary),
        ("Why", terms.why),
        ("What to do", terms.remedy),
        ("Known false positives", "\n".join(f"- {one}" for one in terms.false_positives)),
        ("Only for", yaml.safe_dump(narrowed, sort_keys=False) if narrowed else ""),
        ("Options", yaml.safe_dump(policy.options.model_dump(mode="json"), sort_keys=False)),
        ("References", "\n".join(terms.references)),
    ):
        if text:
            yield f"\n{title}:\n{text.rstrip()}" if title else f"\n{text}"


@policies.command()
@_paths
def validate(paths: tuple[Path, ...]) -> None:
    """Check policy files: silent when they are right, else every mistake with its place.

    Without a path the shipped packs are checked. Files that change or excuse shipped
    policies are checked beside them. Exit code 1 for mistakes, 2 when a path cannot be read.
    """
    try:
        for warning in load_beside_shipped(paths).warnings:
            click.echo(f"warning: {warning.render()}", err=True)
    except ProblemsError as error:
        click.echo(render(error.problems), err=True)
        click.echo(counted(len(error.problems), "mistake"), err=True)
        unreadable = all(not one.line for one in error.problems)
        sys.exit(ERROR if unreadable else FINDINGS)


def load_beside_shipped(paths: tuple[Path, ...]) -> Loaded:
    """Load files together with the shipped packs, unless they are among these.

    Args:
        paths: files and directories; none is the shipped packs alone.

    Raises:
        ProblemsError: with everything that is wrong.
    """
    shipped = packs_directory().resolve()
    inside = all(path.resolve() == shipped or shipped in path.resolve().parents for path in paths)
    return load(paths if paths and inside else paths_of(shipped=True, paths=paths))


@policies.command()
@_paths
def test(paths: tuple[Path, ...]) -> None:
    """Run the NAME.test.yaml beside packs: telemetry in, violations expected.

    A path is a pack, a test file or a directory; without one the shipped packs are tested.
    A case sees the policies that its pack holds, and those that its overrides change.
    Exit code 1 when a case fails.
    """
    failed = total = 0
    table = Table(pad_edge=False)
    for name in ("file", "case", "result"):
        table.add_column(name, overflow="fold")
    for file in _test_files(paths or (packs_directory(),)):
        pack = file.with_name(file.name.removesuffix(TEST_SUFFIX) + ".yaml")
        loaded = load_beside_shipped((pack,)).of_pack(pack)
        for case in packtest.cases(file):
            total += 1
            problems = packtest.run(loaded, case)
            failed += bool(problems)
            result = Text("\n".join(problems), "red") if problems else Text("passed", "green")
            table.add_row(file.name, Text(case.name), result)
    print_table(table)
    click.echo(f"{total} cases, {failed} failed")
    if not total:
        click.echo("nothing was tested: no *.test.yaml was found", err=True)
        sys.exit(ERROR)
    sys.exit(FINDINGS if failed else 0)


def _test_files(paths: tuple[Path, ...]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(path.glob(f"*{TEST_SUFFIX}"))
        elif path.name.endswith(TEST_SUFFIX):
            yield path
        elif is_pack(path):
            yield path.with_name(path.name.removesuffix(".yaml") + TEST_SUFFIX)


@policies.command()
def schema() -> None:
    """Print the JSON Schema of policy files."""
    click.echo(catalogue.schema(), nl=False)


@policies.command()
@click.option(
    "--to",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory; the one of the shipped packs without it.",
)
def docs(to: Path | None) -> None:
    """Write the catalogue (README.md) and the schema (schema.json) of the shipped packs."""
    folder = to or packs_directory()
    for name, text in documents().items():
        (folder / name).write_text(text, encoding="utf-8")


def documents() -> dict[str, str]:
    """What is generated, by the name of its file."""
    return {
        "README.md": catalogue.catalogue(load([packs_directory()])),
        "schema.json": catalogue.schema(),
    }
