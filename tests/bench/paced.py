"""A sender that keeps a pace, and takes turns between two servers on the same machine.

Usage: paced.py grpc|http DIRECT THROUGH SPANS SPANS_A_SECOND SECONDS SEED
It writes the seconds that each request took, two a line: to the one server and to the other.
"""

from __future__ import annotations

import gc
import http.client
import sys
import time
from collections.abc import Callable

import grpc
from corpus import Corpus
from load import METHOD

Send = Callable[[bytes], None]
#: Requests to each server before any is measured.
WARM = 50


def over_grpc(address: str) -> Send:
    """Send as gRPC calls on one channel."""
    channel = grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
    export = channel.unary_unary(METHOD)
    return lambda body: export(body, timeout=10)


def over_http(address: str) -> Send:
    """Send as HTTP requests on one connection."""
    connection = http.client.HTTPConnection(address, timeout=10)
    headers = {"Content-Type": "application/x-protobuf"}

    def send(body: bytes) -> None:
        connection.request("POST", "/v1/traces", body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"the server answered {answer.status}")

    return send


def main() -> None:
    """See the module."""
    way, direct, through, spans, rate, seconds, seed = sys.argv[1:]
    begin = over_grpc if way == "grpc" else over_http
    both = (begin(direct), begin(through))
    corpus, size = Corpus(int(seed)), int(spans)
    pause = size / float(rate) / len(both)
    count = int(float(seconds) * float(rate) / size)
    bodies = [corpus.traces(size) for _ in range(WARM + count)]
    gc.collect()
    gc.freeze()
    gc.disable()
    took: list[list[float]] = []
    due = time.perf_counter()
    for number, body in enumerate(bodies):
        pair = []
        for send in both:
            due = max(due + pause, time.perf_counter())
            time.sleep(max(0.0, due - time.perf_counter()))
            began = time.perf_counter()
            send(body)
            pair.append(time.perf_counter() - began)
        if number >= WARM:
            took.append(pair)
    for one, other in took:
        print(one, other)


if __name__ == "__main__":
    main()
