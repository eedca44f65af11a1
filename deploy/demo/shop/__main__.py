"""The shop alone, for an auditor that runs elsewhere: python -m shop.

OTLP goes to SHOP_OTLP_GRPC and SHOP_OTLP_HTTP. With SHOP_CLEAN=1 everything is done right. It runs
until SIGTERM, and ends with status 1 when a service ends by itself.
"""

import os
import signal
import sys
import tempfile
import threading
from pathlib import Path

from .launch import GRPC, HTTP, Shop

WATCH_SECONDS = 1.0
ENDPOINTS = {
    GRPC: os.environ.get("SHOP_OTLP_GRPC", "http://127.0.0.1:4317"),
    HTTP: os.environ.get("SHOP_OTLP_HTTP", "http://127.0.0.1:4318"),
}


def main() -> int:
    """Run the shop.

    Returns:
        The exit status.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with tempfile.TemporaryDirectory(prefix="shop-") as logs:
        shop = Shop(ENDPOINTS, Path(logs), clean=os.environ.get("SHOP_CLEAN") == "1")
        shop.start()
        print(f"the shop sends to {' and '.join(ENDPOINTS.values())}", flush=True)
        try:
            while not stop.wait(WATCH_SECONDS):
                if ended := shop.ended():
                    print(f"ended by themselves: {', '.join(ended)}", file=sys.stderr)
                    return 1
        finally:
            shop.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
