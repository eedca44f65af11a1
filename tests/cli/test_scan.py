"""`telemetry-auditor scan`: what is found in a file, where, and with which exit code."""

import json

import pytest
from click.testing import CliRunner

from collector import scanfile
from collector.cli.scan import scan
from collector.evaluate.detectors.scan import Detectors
from collector.violation import Severity

ID = "".join(f"{n:x}Q" for n in range(40, 56))
PASSWORD = f"password={ID}"
DETECTORS = Detectors(b"key of the tests")
SPAN = {
    "resourceSpans": [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
            "scopeSpans": [
                {
                    "spans": [
                        {
                            "traceId": "5b8efff798038103d269b633813fc60c",
                            "spanId": "eee19b7ec3c1b174",
                            "name": "GET /",
                            "attributes": [{"key": "client.secret", "value": {"stringValue": ID}}],
                        }
                    ]
                }
            ],
        }
    ]
}


@pytest.fixture
def run(tmp_path):
    def call(content, *options):
        file = tmp_path / "file"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return CliRunner().invoke(scan, [*options, "--format", "json", str(file)])

    return call


def places(result):
    return [json.loads(line)["place"] for line in result.stdout.splitlines()]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("", []),
        ("all is well\n", []),
        (f"{PASSWORD}\n", ["1:10"]),
        (f"a\nb\n  {PASSWORD}", ["3:12"]),
        (f"é {PASSWORD}", ["1:12"]),
        (b"\xff\xfe " + PASSWORD.encode(), ["1:13"]),
        (json.dumps({"user": "a", "password": ID}), ["1:28"]),
        ("{not json", []),
    ],
)
def test_a_text_is_searched_and_each_find_has_its_place(run, content, found):
    result = run(content)

    assert places(result) == found
    assert result.exit_code == (1 if found else 0)
    assert ID not in result.output


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(SPAN),
        json.dumps(SPAN, indent=2),
        json.dumps({"resourceLogs": []}) + "\n" + json.dumps(SPAN) + "\n",
    ],
)
def test_a_file_of_otlp_is_searched_as_telemetry(run, content):
    result = run(content)

    assert places(result) == ["shop / span attribute / client.secret / GET /"]
    assert result.exit_code == 1


def test_a_secret_that_comes_again_is_found_again(run):
    assert len(places(run("\n".join([json.dumps(SPAN)] * 3)))) == 3


def test_otlp_with_a_mistake_is_an_error_that_names_its_place(run):
    broken = json.dumps(SPAN).replace('"5b8efff798038103d269b633813fc60c"', '"xyz"')

    result = run(broken)

    assert result.exit_code == 2
    assert "traceId" in result.stderr


def test_the_key_says_under_which_attribute_a_text_would_stand(run):
    assert places(run(ID)) == []
    assert places(run(ID, "--key", "client.secret")) == ["1:1"]


def detectors_of(result):
    return [json.loads(line)["detector"] for line in result.stdout.splitlines()]


UUID = "6f1e2a4c-93b7-4d05-8e21-5c7a90f3b1d8"
ADDRESS = "3c:22:fb:8a:91:0e"


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ((), []),
        (("--also", "uuid"), ["uuid"]),
        (("--also", "uuid", "--also", "mac-address"), ["uuid", "mac-address"]),
        (("--also", "all"), ["uuid", "mac-address"]),
        (("--also", "all", "--also", "uuid"), ["uuid", "mac-address"]),
    ],
)
def test_opt_in_detectors_run_where_they_are_asked_for(run, options, found):
    result = run(f"{UUID} on {ADDRESS}", *options)

    assert detectors_of(result) == found
    assert UUID not in result.output
    assert result.exit_code == (1 if found else 0)


def test_opt_in_detectors_search_otlp_too(run):
    content = json.dumps(SPAN).replace(ID, UUID).replace("client.secret", "client.note")

    assert detectors_of(run(content)) == []
    assert detectors_of(run(content, "--also", "uuid")) == ["uuid"]


def test_what_a_policy_asks_for_is_searched_for(run, tmp_path):
    pack = tmp_path / "own.yaml"
    pack.write_text(
        "policies: [{id: ids, kind: sensitive_value, summary: s, remedy: r, "
        "options: {also: [uuid]}}]"
    )

    assert detectors_of(run(UUID, "--policies", str(pack))) == ["uuid"]


@pytest.mark.parametrize("name", ["uuids", "email"])
def test_an_unknown_opt_in_detector_is_an_error_that_names_those_there_are(run, name):
    result = run("", "--also", name)

    assert result.exit_code == 2
    assert "uuid" in result.stderr
    assert "br-cpf" in result.stderr


def test_fingerprints_are_shown_where_they_last(run, tmp_path):
    key = tmp_path / "key"
    key.write_text("a key")
    config = tmp_path / "config.yaml"
    config.write_text(f"secrets: {{fingerprint_key_file: {key}}}\n")

    (with_key,) = run(PASSWORD, "--config", str(config)).stdout.splitlines()
    (without,) = run(PASSWORD).stdout.splitlines()

    assert len(json.loads(with_key)["fingerprint"]) == 16
    assert "fingerprint" not in json.loads(without)


def test_a_table_is_for_people(tmp_path):
    file = tmp_path / "file"
    file.write_text(PASSWORD)

    result = CliRunner().invoke(scan, [str(file)])

    assert "password-assignment" in result.stdout
    assert "1 found" in result.stdout
    assert result.exit_code == 1


@pytest.mark.parametrize("at", [0, 16_000, 32_760, 49_140, 49_152, 65_530, 200_000])
def test_a_secret_is_found_once_wherever_pieces_of_a_long_text_end(at):
    text = "x " * 150_000
    text = f"{text[:at]} {PASSWORD} {text[at:]}"

    (found,) = scanfile.scan_text(text, DETECTORS, 0)

    assert found.place == f"1:{at + 11}"
    assert found.severity is Severity.CRITICAL


@pytest.mark.parametrize("form", ["table", "json"])
def test_names_in_a_file_are_no_commands_to_a_terminal(tmp_path, form):
    file = tmp_path / "file"
    name = json.dumps("\x1b[2J\nshop\x9b31m\u202e")
    file.write_text(json.dumps(SPAN).replace('"shop"', name))

    result = CliRunner().invoke(scan, ["--format", form, str(file)])

    assert "shop" in result.output
    assert all(line.isprintable() for line in result.output.split("\n"))
