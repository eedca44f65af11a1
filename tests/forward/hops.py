"""Next hops that record what they got and answer what a test says, and the auditor before them."""

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Any, NamedTuple

import grpc
from aiohttp import web
from conformance.samples import SERVICES, SIGNALS
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from collector.accept.admission import Admission
from collector.accept.grpc import GrpcListener
from collector.accept.http import HttpListener
from collector.config import Forward
from collector.decode.messages import Encoding, parse
from collector.decode.otlp_json import to_protobuf
from collector.forward.hops import forwarder_of
from collector.ledger import Ledger

DETAILS = "grpc-status-details-bin"
RETRY = "google.rpc.retryinfo-bin"
METHODS = {f"/{service}/Export": signal for signal, service in SERVICES.items()}
PATHS = {f"/v1/{signal}": signal for signal in SIGNALS}


class Got(NamedTuple):
    """A request as a hop received it."""

    signal: str
    body: bytes
    headers: dict[str, Any]


class Refusal(NamedTuple):
    """How a gRPC hop refuses."""

    code: grpc.StatusCode
    text: str = "no"
    trailers: tuple[tuple[str, bytes], ...] = ()


def waiting(seconds, nanos=0):
    return RetryInfo(retry_delay=Duration(seconds=seconds, nanos=nanos))


def status(code, text, *details):
    made = Status(code=code, message=text)
    for one in details:
        packed = Packed()
        packed.Pack(one)
        made.details.append(packed)
    return made


class RpcHop:
    """A gRPC server; `answer` gives a response, bytes or a `Refusal`, for what it got."""

    protocol = "grpc"

    def __init__(self, credentials=None, threads=80):
        self.got = []
        self.answer = lambda got: b""
        self._pool = ThreadPoolExecutor(threads)
        options = (("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", -1))
        self._server = grpc.server(self._pool, handlers=(self,), options=options)
        if credentials is None:
            port = self._server.add_insecure_port("127.0.0.1:0")
        else:
            port = self._server.add_secure_port("127.0.0.1:0", credentials)
        self.address = f"127.0.0.1:{port}"
        scheme = "http" if credentials is None else "https"
        self.endpoint = f"{scheme}://localhost:{port}" if credentials else f"http://{self.address}"
        self._server.start()

    def service(self, details):
        signal = METHODS.get(details.method)
        if signal is None:
            return None
        return grpc.unary_unary_rpc_method_handler(lambda *call: self._take(signal, *call))

    def _take(self, signal, body, context):
        got = Got(signal, body, dict(context.invocation_metadata()))
        self.got.append(got)
        answer = self.answer(got)
        if not isinstance(answer, Refusal):
            return answer if isinstance(answer, bytes) else answer.SerializeToString()
        context.set_trailing_metadata(answer.trailers)
        context.set_code(answer.code)
        context.set_details(answer.text)
        return b""

    def close(self):
        self._server.stop(0).wait()
        self._pool.shutdown()


class WebHop:
    """An HTTP server; `answer` gives status, headers and body for what it got."""

    protocol = "http/protobuf"

    def __init__(self, tls=None):
        self.got = []
        self.answer = lambda got: (200, {"Content-Type": got.headers["Content-Type"]}, good(got))
        self._tls = tls
        self._pool = ThreadPoolExecutor(80)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.address = self._run(self._open())
        port = self.address.rpartition(":")[2]
        self.endpoint = f"https://localhost:{port}" if tls else f"http://{self.address}"

    def _run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _open(self):
        server = web.Server(self._take, auto_decompress=False, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        return f"127.0.0.1:{self._runner.addresses[0][1]}"

    async def _take(self, request):
        body = await request.content.read()
        got = Got(PATHS.get(request.path, request.path), body, request.headers.copy())
        self.got.append(got)
        code, headers, answer = await self._loop.run_in_executor(self._pool, self.answer, got)
        if not isinstance(answer, list):
            return web.Response(status=code, headers=headers, body=answer)
        response = web.StreamResponse(status=code, headers=headers)
        await response.prepare(request)
        for piece in answer:
            await response.write(piece)
            await asyncio.sleep(0.05)
        await response.write_eof()
        return response

    def close(self):
        if self._loop.is_closed():
            return
        self._run(self._runner.cleanup())
        self._pool.shutdown()
        self._run(asyncio.sleep(0.05))  # handlers whose client is gone end now
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Held:
    """Lets a hop answer as it would, but only when it is released."""

    def __init__(self, hop, holds=lambda got: True):
        self._arrived = threading.Semaphore(0)
        self._go = threading.Event()
        self._usual, self._holds = hop.answer, holds
        hop.answer = self._answer

    def _answer(self, got):
        if self._holds(got):
            self._arrived.release()
            assert self._go.wait(30), "never released"
        return self._usual(got)

    def has(self, count):
        """Wait for so many more requests to have arrived."""
        for _ in range(count):
            assert self._arrived.acquire(timeout=20), "a request did not arrive"

    def release(self):
        """Answer all."""
        self._go.set()

    close = release


def good(got):
    """The answer of a full success."""
    return b"{}" if got.headers["Content-Type"] == "application/json" else b""


class RawHop:
    """Takes connections, reads a little, writes bytes, and closes; None closes at once."""

    def __init__(self, data, protocol="http/protobuf"):
        self.protocol = protocol
        self._data = data
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = "{}:{}".format(*self._socket.getsockname())
        self.endpoint = f"http://{self.address}"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while True:
            try:
                taken, _ = self._socket.accept()
            except OSError:
                return
            with taken, suppress(OSError):
                taken.settimeout(5)
                if self._data is not None:
                    taken.recv(65_536)
                    taken.sendall(self._data)
                    taken.shutdown(socket.SHUT_WR)
                    taken.recv(65_536)

    def close(self):
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


def inspect(signal, body, encoding):
    """Reads a request as the pipeline does."""
    if encoding is Encoding.JSON:
        return len(to_protobuf(signal, body).ListFields())
    return len(parse(signal, body).message.ListFields())


class Auditor:
    """Both listeners, sending on to a hop."""

    def __init__(self, hop, inspect=inspect, hints=None, memory=None, **options):
        endpoint = options.pop("endpoint", None) or hop.endpoint
        whole = {"endpoint": endpoint, "protocol": hop.protocol} | options
        self.forwarder = forwarder_of(Forward(**whole))
        self.ledger = Ledger()
        self.admission = Admission(memory=memory)
        self.forwarder.start()
        made = {"forwarder": self.forwarder, "max_bytes": 2_000_000}
        if hints is not None:
            made["hints"] = hints
        parts = ("127.0.0.1:0", inspect, self.ledger, self.admission)
        self._listeners = [GrpcListener(*parts, **made), HttpListener(*parts, **made)]
        self.grpc, self.http = (one.start() for one in self._listeners)

    def outcomes(self):
        return {outcome: count for (_, outcome), count in self.forwarder.outcomes.items() if count}

    def balance(self):
        """Inspected, refused and uninspected requests, which are all there are."""
        entries = self.ledger.snapshot()
        parts = (entries.inspected, entries.refused, entries.uninspected)
        counts = tuple(sum(part.values()) for part in parts)
        assert sum(entries.received.values()) == sum(counts)
        assert self.forwarder.in_flight == 0
        assert self.admission.in_flight == (0, 0)
        return counts

    def close(self):
        for one in self._listeners:
            one.stop(1)
        self.forwarder.close()


class Place(ExitStack):
    """Makes what a test needs, and closes it in reverse order."""

    def rpc(self, *arguments, **options):
        return self._kept(RpcHop(*arguments, **options))

    def web(self, *arguments, **options):
        return self._kept(WebHop(*arguments, **options))

    def raw(self, *arguments, **options):
        return self._kept(RawHop(*arguments, **options))

    def hop(self, protocol):
        return self.rpc() if protocol == "grpc" else self.web()

    def auditor(self, hop, **options):
        return self._kept(Auditor(hop, **options))

    def held(self, hop, *arguments):
        return self._kept(Held(hop, *arguments))

    def _kept(self, one):
        self.callback(one.close)
        return one
