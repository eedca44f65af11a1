"""What a shell script sends with curl is taken like anything else."""

import gzip
import json
import shutil
import subprocess
from contextlib import ExitStack

import pytest
from conformance import wire
from conformance.samples import JSON, PROTOBUF, SIGNALS, as_json, as_protobuf, document, span
from faults.scene import Scene, until

CURL = shutil.which("curl")
TOKEN = "interop-token-0123456789"

pytestmark = pytest.mark.skipif(CURL is None, reason="curl is not on this machine")


def curl(*arguments):
    """Status and body of what curl was answered."""
    done = subprocess.run(
        [CURL, "--silent", "--show-error", "--write-out", "\n%{http_code}", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def sent(address, signal, data, content_type, *more):
    return curl(
        *("--header", f"Content-Type: {content_type}", "--data-binary", data, *more),
        f"http://{address}/v1/{signal}",
    )


@pytest.fixture
def scene(servers):
    return Scene(servers)


def items(scene):
    return {
        signal: scene.metric("items_inspected_total", signal=signal, protocol="http")
        for signal in SIGNALS
    }


@pytest.mark.parametrize("content_type", [JSON, PROTOBUF])
@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_a_file_of_each_signal(scene, tmp_path, content_type, encoding):
    make = as_json if content_type == JSON else as_protobuf
    for signal in SIGNALS:
        file = tmp_path / signal
        file.write_bytes(gzip.compress(make(signal)) if encoding else make(signal))
        more = ("--header", f"Content-Encoding: {encoding}") if encoding else ()

        status, body = sent(scene.program.http, signal, f"@{file}", content_type, *more)

        assert (status, body) == (200, "{}" if content_type == JSON else "")
    assert items(scene) == dict.fromkeys(SIGNALS, 1)
    assert scene.entry().balanced


def test_text_on_the_command_line_and_what_is_wrong_with_it(scene):
    told = document("traces", span())
    told["resourceSpans"][0]["resource"] = {}

    assert sent(scene.program.http, "traces", json.dumps(told), JSON) == (200, "{}")

    scene.end()
    assert "telemetry-without-service-name" in {policy for policy, _ in scene.program.found()}


def test_a_warning_stands_in_the_answer(servers):
    scene = Scene(servers, {"feedback": {"enabled": True}})
    planted = "".join(reversed("9x!kQ2r7Zt"))
    attributes = [{"key": "db.password", "value": {"stringValue": planted}}]
    text = as_json("traces", span(attributes=attributes)).decode()

    status, body = sent(scene.program.http, "traces", text, JSON)

    assert status == 200
    assert "telemetry-auditor: " in json.loads(body)["partialSuccess"]["errorMessage"]
    assert planted not in body


def test_over_a_unix_socket(servers):
    socket = servers.folder() / "otlp.sock"
    scene = Scene(servers, {"http": {"address": f"unix:{socket}"}})

    answered = sent("localhost", "logs", as_json("logs").decode(), JSON, "--unix-socket", socket)

    assert answered == (200, "{}")
    assert items(scene)["logs"] == 1


def test_a_wrong_token_is_refused_once(servers):
    tokens = servers.folder() / "tokens"
    tokens.write_text(TOKEN + "\n")
    scene = Scene(servers, {"auth": {"tokens_file": str(tokens)}})
    text = as_json("logs").decode()

    def told(token):
        header = ("--retry", 3, "--header", f"Authorization: Bearer {token}")
        return sent(scene.program.http, "logs", text, JSON, *header)

    status, body = told("wrong")
    assert status == 401
    assert json.loads(body)["message"]
    assert TOKEN not in body
    assert told(TOKEN) == (200, "{}")
    entry = scene.entry()
    assert (entry.received, entry.inspected, entry.refused) == (2, 1, 1)


def test_it_waits_as_long_as_retry_after_says_and_arrives_once(servers):
    scene = Scene(servers, {"admission": {"max_requests": 1, "retry_after_seconds": 1}})
    with ExitStack() as held:
        one = held.enter_context(wire.Connection(scene.program.http))
        fields = {"Content-Type": PROTOBUF, "Content-Length": "100"}
        one.send(wire.request("/v1/traces", None, fields) + b"x")
        until(lambda: scene.metric("requests_received_total") == 1, "the place is not taken")
        text = as_json("logs").decode()
        sender = subprocess.Popen(
            [
                *(CURL, "--silent", "--retry", "30", "--header", f"Content-Type: {JSON}"),
                *("--data-binary", text, f"http://{scene.program.http}/v1/logs"),
            ],
            stdout=subprocess.DEVNULL,
        )
        until(
            lambda: scene.metric("requests_refused_total", reason="overloaded") == 1,
            "nothing was refused",
        )

    assert sender.wait(60) == 0
    assert items(scene)["logs"] == 1
    assert scene.metric("requests_refused_total", reason="overloaded") == 1
    assert scene.entry().balanced
