"""A next hop that takes everything and keeps nothing, over both protocols.

It says where it listens, HTTP first, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Any

import grpc

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"
_LENGTH = b"content-length:"


class _Web(asyncio.Protocol):
    """Just enough of HTTP to be no part of what is measured."""

    def __init__(self) -> None:
        self._left = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._left += data
        while (end := self._left.find(b"\r\n\r\n")) >= 0:
            head = self._left[:end].lower()
            at = head.find(_LENGTH)
            size = int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._left) < end + 4 + size:
                return
            self._left = self._left[end + 4 + size :]
            self._transport.write(_ANSWER)


class _Rpc(grpc.GenericRpcHandler):
    def service(self, details: grpc.HandlerCallDetails) -> Any:
        del details
        return grpc.unary_unary_rpc_method_handler(lambda body, context: b"")


def main() -> None:
    """See the module."""
    options = (("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0))
    rpc = grpc.server(ThreadPoolExecutor(4), handlers=(_Rpc(),), options=options)
    port = rpc.add_insecure_port("127.0.0.1:0")
    rpc.start()

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        web = await loop.create_server(_Web, "127.0.0.1", 0)
        where = "{}:{}".format(*web.sockets[0].getsockname())
        print(where, f"127.0.0.1:{port}", flush=True)
        done = asyncio.Event()

        def wait() -> None:
            sys.stdin.read()
            loop.call_soon_threadsafe(done.set)

        Thread(target=wait, daemon=True).start()
        await done.wait()
        web.close()

    asyncio.run(serve())
    rpc.stop(0)


if __name__ == "__main__":
    main()
