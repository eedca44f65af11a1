"""The demo's shop on its own, as a container runs it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

DEMO = Path(__file__).resolve().parents[2] / "deploy" / "demo"


def test_the_shop_sends_to_where_it_is_told_and_ends_cleanly(start_auditor):
    auditor = start_auditor(env={"TELEMETRY_AUDITOR_TRACES_WAIT_SECONDS": "1"})
    endpoints = {
        "SHOP_OTLP_GRPC": f"http://{auditor.grpc}",
        "SHOP_OTLP_HTTP": f"http://{auditor.http}",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "shop"], cwd=DEMO, env=os.environ | endpoints
    ) as shop:
        try:
            while not auditor.total("violations_total", policy="liveness-calls-dependency"):
                assert shop.poll() is None
        finally:
            shop.send_signal(signal.SIGTERM)

    assert shop.returncode == 0
