"""Findings as JSON lines: nobody waits for the disk, files rotate, nothing raises."""

import json
import stat

import pytest

from collector.report.collapse import Finding
from collector.report.jsonlog import JsonLines
from collector.violation import Basis, Service, Severity, Signal, Violation

SHOP = Service("shop")


def finding(subject="s", service=SHOP):
    return Finding.of(
        Violation(
            policy="p", kind="k", severity=Severity.CRITICAL, signal=Signal.TRACES,
            service=service, subject=subject, basis=Basis.INFERRED, summary="müd", remedy="mend",
            evidence={"n": 1, "all": ("a", "b")},
        ),
        1_800_000_000.5,
    )  # fmt: skip


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_line_holds_every_field(tmp_path):
    log = JsonLines(str(tmp_path / "f"))
    log.write(finding(service=Service("shop", "n", "e")))
    log.close()

    assert lines(tmp_path / "f") == [
        {
            "policy": "p", "kind": "k", "severity": "critical", "signal": "traces",
            "service": "shop", "namespace": "n", "environment": "e", "subject": "s",
            "basis": "inferred", "count": 1, "first_seen": "2027-01-15T08:00:00.500+00:00",
            "last_seen": "2027-01-15T08:00:00.500+00:00", "trace_id": "", "summary": "müd",
            "evidence": {"n": 1, "all": ["a", "b"]}, "remedy": "mend", "state": "open",
        }
    ]  # fmt: skip


def test_only_the_owner_may_read_the_file(tmp_path):
    log = JsonLines(str(tmp_path / "f"))
    log.write(finding())
    log.close()

    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o600


@pytest.mark.parametrize("keep", [0, 1, 2])
def test_files_rotate_by_size_and_the_oldest_goes(tmp_path, keep):
    log = JsonLines(str(tmp_path / "f"), rotate_bytes=1, keep=keep)
    for number in range(5):
        log.write(finding(str(number)))
    log.close()

    kept = [tmp_path / "f", *(tmp_path / f"f.{n}" for n in range(1, keep + 1))]
    assert [lines(path)[0]["subject"] for path in kept] == [str(4 - n) for n in range(keep + 1)]
    assert len(list(tmp_path.iterdir())) == keep + 1


def test_what_cannot_be_written_is_counted_and_said_once(tmp_path, caplog):
    log = JsonLines(str(tmp_path / "absent" / "f"))
    for _ in range(3):
        log.write(finding())
    log.close()

    assert log.dropped == 3
    assert len(caplog.records) == 1


def test_a_full_queue_drops_and_counts(tmp_path):
    log = JsonLines(str(tmp_path / "f"), queue_size=1)
    log.close()
    for _ in range(3):
        log.write(finding())

    assert log.dropped == 2


def test_standard_output(capsys):
    log = JsonLines("-")
    log.write(finding())
    log.close()

    assert json.loads(capsys.readouterr().out)["policy"] == "p"
