"""A load generator: sends requests that were made beforehand, as fast as they are answered.

Usage: load.py grpc|http|gzip HOST:PORT REQUESTS SEED
It says "ready" when the requests are made, waits for a line, and says the seconds it took.
"""

from __future__ import annotations

import http.client
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import grpc
from corpus import Corpus
from subjects import gzipped

CONNECTIONS = 4
METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

Send = Callable[[Iterable[bytes]], None]


def over_grpc(address: str) -> Send:
    """Send as gRPC calls."""

    def send(bodies: Iterable[bytes]) -> None:
        options = (("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1))
        with grpc.insecure_channel(address, options=options) as channel:
            export = channel.unary_unary(METHOD)
            for body in bodies:
                export(body, timeout=60)

    return send


def over_http(address: str, coding: str) -> Send:
    """Send as HTTP requests on one connection."""

    def send(bodies: Iterable[bytes]) -> None:
        headers = {"Content-Type": "application/x-protobuf"}
        if coding:
            headers["Content-Encoding"] = coding
        connection = http.client.HTTPConnection(address, timeout=60)
        for body in bodies:
            connection.request("POST", "/v1/traces", body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise SystemExit(f"the server answered {answer.status}")
        connection.close()

    return send


def main() -> None:
    """See the module."""
    way, address, count, seed = sys.argv[1:]
    corpus = Corpus(int(seed))
    bodies = [corpus.traces() for _ in range(int(count))]
    if way == "gzip":
        bodies = [gzipped(body) for body in bodies]
    send = over_grpc(address) if way == "grpc" else over_http(address, "gzip" * (way == "gzip"))
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(send, [bodies[at::CONNECTIONS] for at in range(CONNECTIONS)]))
    print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main()
