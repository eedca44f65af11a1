"""The same program gives the same violations over gRPC, HTTP/protobuf and HTTP/JSON."""

import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("program.py")
SIGNALS = ("traces", "logs", "metrics")
BAGGAGE = "baggage member password in http.request.header.baggage (secret-attribute)"


def program(*arguments):
    subprocess.run([sys.executable, PROGRAM, *map(str, arguments)], check=True, timeout=60)


def post_with_curl(url, file):
    """Post a file as a person would; without curl on the machine, as Python does."""
    if shutil.which("curl"):
        command = ["curl", "--silent", "--fail", "--header", "Content-Type: application/json"]
        subprocess.run([*command, "--data-binary", f"@{file}", url], check=True, timeout=30)
        return
    request = urllib.request.Request(
        url, file.read_bytes(), headers={"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=30).close()


def send(how, auditor, folder):
    if how == "grpc":
        program("grpc", auditor.grpc)
    elif how == "http":
        program("http", f"http://{auditor.http}")
    else:
        program("json", folder)
        for signal in SIGNALS:
            post_with_curl(f"http://{auditor.http}/v1/{signal}", folder / f"{signal}.json")


@pytest.mark.parametrize("how", ["grpc", "http", "json"])
def test_the_program_breaks_six_policies_however_it_sends(
    how, start_auditor, steady_policies, tmp_path
):
    auditor = start_auditor("--policies", steady_policies)

    send(how, auditor, tmp_path)
    assert auditor.stop() == 0

    found = {
        (one["policy"], one["severity"], one["service"], one["subject"], one["count"])
        for one in auditor.findings().values()
    }
    assert found == {
        ("metric-label-cardinality", "warning", "shop", "orders{basket}", 1),
        ("secret-in-baggage", "critical", "shop", BAGGAGE, 1),
        ("logs-without-trace-id", "critical", "shop", "logs without trace id", 1),
        ("retry-storm", "warning", "shop", "payments GET /pay/{id}", 1),
        ("retry-backoff", "warning", "shop", "payments GET /pay/{id}", 1),
        ("liveness-calls-dependency", "critical", "shop", "/livez → postgresql db", 1),
    }
