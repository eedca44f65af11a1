"""Policies are loaded again while telemetry comes in, and what has not changed keeps its state."""

from __future__ import annotations

import signal
import threading
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

from collector import testing

WAIT_SECONDS = 20
PACK = """
pack: mine
summary: Of this test.
policies:
  - id: mine
    kind: attribute_required
    severity: warning
    summary: A span says nothing of its tenant.
    remedy: Say it.
    options: {{signal: spans, require: [[{attribute}]]}}
overrides:
  - policy: metric-label-cardinality
    options: {{warn_values: 500, window_seconds: 1000000000, growth_seconds: 1000000000}}
"""
EXPIRED = """
exemptions:
  - {policy: mine, service: shop, owner: team, reason: why, expires: 2020-01-31}
"""


def until(holds, said):
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline, said()
        time.sleep(0.05)


def post(auditor, delivery):
    for name, body in testing.requests(delivery):
        request = urllib.request.Request(
            f"http://{auditor.http}/v1/{name}", body, {"Content-Type": "application/x-protobuf"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200


def orders(first, count):
    return {
        "service": "shop",
        "repeat": count,
        "metrics": [{"name": "orders", "labels": {"id": f"{first}-{{i}}"}}],
    }


def reload(auditor, outcome, count):
    auditor.send_signal(signal.SIGHUP)
    until(
        lambda: auditor.total("policy_reloads_total", outcome=outcome) == count,
        lambda: auditor.said,
    )


def test_unchanged_policies_keep_their_state_and_changed_ones_take_effect(start_auditor, tmp_path):
    pack = tmp_path / "mine.yaml"
    pack.write_text(PACK.format(attribute="tenant.id"))
    auditor = start_auditor("--policies", pack)
    post(auditor, orders("a", 300))

    pack.write_text(PACK.format(attribute="user.tier") + "exemptions: []\n")
    reload(auditor, "loaded", 1)
    post(auditor, orders("b", 300))
    post(auditor, {"service": "shop", "spans": [{"attributes": {"tenant.id": "t"}}]})

    assert auditor.stop() == 0
    found = {(policy, service) for policy, service, _ in auditor.findings()}
    assert ("metric-label-cardinality", "shop") in found
    subjects = [subject for policy, _, subject in auditor.findings() if policy == "mine"]
    assert any("user.tier" in one for one in subjects)
    assert not any("tenant.id" in one for one in subjects)


def test_a_bad_file_keeps_the_last_good_ones_and_is_told_of(start_auditor, tmp_path):
    pack = tmp_path / "mine.yaml"
    pack.write_text(PACK.format(attribute="tenant.id"))
    auditor = start_auditor("--policies", pack)

    pack.write_text(PACK.format(attribute="tenant.id").replace("require:", "requires:"))
    reload(auditor, "failed", 1)

    assert "mine.yaml" in auditor.page("/readyz")
    assert auditor.page("/readyz").startswith("ready\n")
    assert "requires" in auditor.said
    assert auditor.total("last_reload_successful", what="policies") == 0
    assert auditor.total("last_reload_successful", what="certificates") == 1
    post(auditor, {"service": "shop", "spans": [{}]})
    pack.write_text(PACK.format(attribute="tenant.id"))
    reload(auditor, "loaded", 1)
    assert auditor.page("/readyz") == "ready\n"
    assert auditor.stop() == 0
    assert "mine" in {policy for policy, _, _ in auditor.findings()}


def test_an_exemption_that_has_expired_is_told_of_when_files_are_loaded_again(
    start_auditor, tmp_path
):
    pack = tmp_path / "mine.yaml"
    pack.write_text(PACK.format(attribute="tenant.id"))
    auditor = start_auditor("--policies", pack)

    pack.write_text(PACK.format(attribute="tenant.id") + EXPIRED)
    reload(auditor, "loaded", 1)

    until(lambda: "expired on 2020-01-31: not applied" in auditor.said, lambda: auditor.said)
    assert auditor.stop() == 0


def test_bad_tokens_keep_the_last_good_ones_and_are_told_of(start_auditor, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("one-token-of-a-sender\n")
    auditor = start_auditor(
        env={
            "TELEMETRY_AUDITOR_AUTH_TOKENS_FILE": str(tokens),
            "TELEMETRY_AUDITOR_TLS_RELOAD_SECONDS": "0.1",
        }
    )

    tokens.write_text("no token\n")
    until(
        lambda: auditor.total("last_reload_successful", what="certificates") == 0,
        lambda: auditor.said,
    )
    ready = auditor.page("/readyz")
    assert ready.startswith("ready\n")
    assert "auth.tokens_file" in ready
    assert "no token" not in ready
    assert auditor.total("certificate_reloads_total", outcome="failed") == 1

    tokens.write_text("another-token-of-a-sender\n")
    until(
        lambda: auditor.total("last_reload_successful", what="certificates") == 1,
        lambda: auditor.said,
    )
    assert auditor.page("/readyz") == "ready\n"
    assert auditor.stop() == 0


def test_a_file_that_changes_is_taken_without_being_asked(start_auditor, tmp_path):
    pack = tmp_path / "mine.yaml"
    pack.write_text(PACK.format(attribute="tenant.id"))
    auditor = start_auditor(
        "--policies", pack, env={"TELEMETRY_AUDITOR_POLICIES_RELOAD_SECONDS": "0.1"}
    )

    pack.write_text(PACK.format(attribute="user.tier"))

    until(
        lambda: auditor.total("policy_reloads_total", outcome="loaded") == 1, lambda: auditor.said
    )


def test_a_storm_of_reloads_costs_no_request(start_auditor, tmp_path):
    pack = tmp_path / "mine.yaml"
    pack.write_text(PACK.format(attribute="tenant.id"))
    auditor = start_auditor("--policies", pack)
    stop = threading.Event()
    sent = []

    def send():
        while not stop.is_set():
            post(auditor, {"service": "shop", "repeat": 20, "spans": [{"trace": "t{i}"}]})
            sent.append(20)

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(12):
        with suppress(OSError):
            pack.write_text(PACK.format(attribute=f"key.{number}"))
        reload(auditor, "loaded", number + 1)
    stop.set()
    for thread in threads:
        thread.join()

    assert auditor.total("items_inspected_total") == sum(sent)
    assert auditor.total("requests_refused_total") == 0
    assert auditor.total("policy_errors_total") == 0
    descriptors = len(list(Path(f"/proc/{auditor.pid}/fd").iterdir()))
    assert descriptors < 100
    assert auditor.stop() == 0
