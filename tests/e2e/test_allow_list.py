"""A secret that is known and harmless is excused by its fingerprint, over restarts."""

import http.client
import subprocess
import sys

import pytest

from collector import testing

TOKEN = "".join(f"{n:x}Q" for n in range(40, 56))
DELIVERY = {"service": "shop", "spans": [{"attributes": {"client.secret": TOKEN}}]}
EXEMPTION = """
exemptions:
  - policy: secret-in-telemetry
    service: shop
    fingerprint: "{fingerprint}"
    owner: team-shop
    reason: the account of the tests opens nothing
    expires: 2999-12-31
"""


def send(auditor):
    for signal, data in testing.requests(DELIVERY):
        connection = http.client.HTTPConnection(auditor.http, timeout=10)
        headers = {"Content-Type": "application/x-protobuf"}
        connection.request("POST", f"/v1/{signal}", data, headers)
        assert connection.getresponse().status == 200
        connection.close()


@pytest.fixture
def key(tmp_path):
    file = tmp_path / "fingerprint.key"
    file.write_text("a key that outlives a start")
    return {"TELEMETRY_AUDITOR_SECRETS_FINGERPRINT_KEY_FILE": str(file)}


def test_a_fingerprint_from_a_finding_excuses_that_secret_after_a_restart(
    start_auditor, tmp_path, key
):
    first = start_auditor(env=key)
    send(first)
    assert first.stop() == 0
    (finding,) = first.findings().values()
    excused = tmp_path / "excused.yaml"
    excused.write_text(EXEMPTION.format(**finding["evidence"]))

    second = start_auditor("--policies", excused, env=key)
    send(second)

    assert second.total("exempted_total", policy="secret-in-telemetry") == 1
    assert second.total("findings_open") == 0
    assert second.stop() == 0
    assert second.findings() == {}


def test_without_a_lasting_key_an_exemption_by_fingerprint_is_refused_at_start(tmp_path):
    excused = tmp_path / "excused.yaml"
    excused.write_text(EXEMPTION.format(fingerprint="00112233aabbccdd"))

    done = subprocess.run(
        [sys.executable, "-m", "collector.cli", "run", "--policies", str(excused)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 2
    assert f"{excused}:5" in done.stderr
    assert "secrets.fingerprint_key_file" in done.stderr
