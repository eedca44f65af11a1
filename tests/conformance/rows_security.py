"""G: transport security, tokens, sockets."""

from __future__ import annotations

import re
import ssl
import stat
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import trustme
from conformance import samples, wire
from conformance.rows import Level, Target, accepted, expect, grpc_refused, refused, row
from conformance.rows_grpc import code
from conformance.samples import PROTOBUF, as_protobuf
from conformance.servers import Program

_TOKEN = "conformance-token-0123456789"
_CALL_SECONDS = 5.0
_RELOAD_SECONDS = 20.0


class Files(NamedTuple):
    """Certificates of a server, in PEM files."""

    ca: trustme.CA
    certificate: Path
    key: Path
    authority: Path

    def config(self, *, clients: bool = False) -> dict[str, Any]:
        """The section `tls`."""
        named = {"certificate_file": str(self.certificate), "key_file": str(self.key)}
        return named | ({"client_ca_file": str(self.authority)} if clients else {})


def files(folder: Path) -> Files:
    """A new authority, and a certificate for localhost from it."""
    made = Files(trustme.CA(), folder / "cert.pem", folder / "key.pem", folder / "ca.pem")
    issue(made)
    made.ca.cert_pem.write_to_path(str(made.authority))
    return made


def issue(made: Files) -> bytes:
    """Replace the certificate with a new one; its PEM."""
    certificate = made.ca.issue_cert("localhost", "127.0.0.1")
    made.key.write_bytes(certificate.private_key_pem.bytes())
    chain = b"".join(one.bytes() for one in certificate.cert_chain_pems)
    made.certificate.write_bytes(chain)
    return chain


def client(made: Files, identity: trustme.CA | None = None) -> ssl.SSLContext:
    """A context that trusts the server, with a certificate from an authority or none."""
    context = ssl.create_default_context()
    made.ca.configure_trust(context)
    if identity is not None:
        identity.issue_cert("client").configure_cert(context)
    return context


def shakes(address: str, context: ssl.SSLContext) -> bool:
    """Whether a request over TLS is answered 200."""
    try:
        with wire.Connection(address, context, _CALL_SECONDS) as connection:
            headers = {"Content-Type": PROTOBUF}
            connection.send(wire.request("/v1/traces", as_protobuf("traces"), headers))
            return connection.answer().status == 200
    except (ssl.SSLError, OSError):
        return False


def grpc_shakes(address: str, made: Files, identity: trustme.CA | None = None) -> bool:
    """Whether a call over TLS is answered OK."""
    key = chain = None
    if identity is not None:
        issued = identity.issue_cert("client")
        key = issued.private_key_pem.bytes()
        chain = b"".join(one.bytes() for one in issued.cert_chain_pems)
    trusted = made.ca.cert_pem.bytes()
    credentials = grpc.ssl_channel_credentials(trusted, key, chain)
    name = f"/{samples.SERVICES['traces']}/Export"
    with grpc.secure_channel(address, credentials) as channel:
        try:
            channel.unary_unary(name)(as_protobuf("traces"), timeout=_CALL_SECONDS)
        except grpc.RpcError:
            return False
    return True


@row("G1", Level.COLLECTOR, "TLS 1.2 and 1.3 are spoken, 1.1 is not")
def _(target: Target) -> None:
    start: Callable[..., Program] = target.fact("start")
    made = files(target.fact("folder")())
    program = start({"tls": made.config()})
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = client(made)
        context.minimum_version = context.maximum_version = version
        expect(shakes(program.http, context), f"{version.name} is refused")
    old = client(made)
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    expect(not shakes(program.http, old), "TLS 1.1 is spoken")
    expect(grpc_shakes(program.grpc, made), "gRPC over TLS is refused")


@row("G2", Level.COLLECTOR, "with a client authority, only its clients are served")
def _(target: Target) -> None:
    start: Callable[..., Program] = target.fact("start")
    made = files(target.fact("folder")())
    program = start({"tls": made.config(clients=True)})
    expect(shakes(program.http, client(made, made.ca)), "a good client is refused over HTTP")
    expect(grpc_shakes(program.grpc, made, made.ca), "a good client is refused over gRPC")
    for stranger in (None, trustme.CA()):
        expect(not shakes(program.http, client(made, stranger)), "a stranger came in over HTTP")
        expect(not grpc_shakes(program.grpc, made, stranger), "a stranger came in over gRPC")


@row("G3", Level.COLLECTOR, "a certificate that is replaced on disk is shown without a restart")
def _(target: Target) -> None:
    start: Callable[..., Program] = target.fact("start")
    made = files(target.fact("folder")())
    program = start({"tls": made.config(clients=True) | {"reload_seconds": 0.1}})
    expect(shakes(program.http, client(made, made.ca)), "a good client is refused")
    fresh = files(target.fact("folder")())
    for old, new in zip(made[1:], fresh[1:], strict=True):
        old.write_bytes(new.read_bytes())
    _until(lambda: shakes(program.http, client(fresh, fresh.ca)), "HTTP shows the old one")
    _until(lambda: grpc_shakes(program.grpc, fresh, fresh.ca), "gRPC shows the old one")
    expect(not shakes(program.http, client(fresh, made.ca)), "the old authority still opens HTTP")
    expect(not grpc_shakes(program.grpc, fresh, made.ca), "the old authority still opens gRPC")


def _until(holds: Callable[[], bool], said: str) -> None:
    """Wait for what must become true."""
    until = time.monotonic() + _RELOAD_SECONDS
    while not holds():
        expect(time.monotonic() < until, said)
        time.sleep(0.05)


@row("G4", Level.COLLECTOR, "without a known token: 401 with a Status, and UNAUTHENTICATED")
def _(target: Target) -> None:
    start: Callable[..., Program] = target.fact("start")
    tokens = target.fact("folder")() / "tokens"
    tokens.write_text(f"{_TOKEN}\n")
    program = start({"auth": {"tokens_file": str(tokens)}})
    good = Target(program.http, program.grpc, token=_TOKEN)
    accepted("traces", good.post("traces", as_protobuf("traces")))
    good.call("traces", as_protobuf("traces"))
    for bad in ("", _TOKEN[:-1], f"{_TOKEN}x"):
        closed = Target(program.http, program.grpc, token=bad)
        refused(closed.post("traces", b"\xff not even protobuf"), 401)
        told = code(grpc_refused(closed, "traces", as_protobuf("traces")))
        expect(told == "UNAUTHENTICATED", f"gRPC answered {told}")
    with wire.Connection(program.http) as connection:
        headers = {"Content-Type": PROTOBUF, "Content-Length": "1000"}
        connection.send(wire.request("/v1/traces", None, headers))
        refused(connection.answer(), 401)


@row("G7", Level.COLLECTOR, "CORS is off: no preflight is answered with an allowed origin")
def _(target: Target) -> None:
    answer = target.post(
        "traces",
        b"",
        method="OPTIONS",
        Origin="https://elsewhere.example",
        Access_Control_Request_Method="POST",
    )
    expect("access-control-allow-origin" not in answer.headers, "an origin is allowed")
    answer = target.post("traces", as_protobuf("traces"), Origin="https://elsewhere.example")
    expect("access-control-allow-origin" not in answer.headers, "an origin is allowed")


@row("G9", Level.COLLECTOR, "both protocols are spoken over unix sockets, one left behind or not")
def _(target: Target) -> None:
    start: Callable[..., Program] = target.fact("start")
    folder: Path = target.fact("folder")()
    addresses = {name: f"unix:{folder / name}" for name in ("http", "grpc")}
    for _ in range(2):
        program = start(
            {name: {"address": at, "socket_mode": "0600"} for name, at in addresses.items()}
        )
        mine = Target(str(folder / "http"), addresses["grpc"])
        accepted("logs", mine.post("logs", as_protobuf("logs")))
        mine.call("logs", as_protobuf("logs"))
        modes = {stat.S_IMODE((folder / name).stat().st_mode) for name in addresses}
        expect(modes == {0o600}, f"modes {[oct(one) for one in modes]}")
        program.kill()  # it leaves its sockets behind


@row("G10", Level.COLLECTOR, "by default only this machine can reach it")
def _(target: Target) -> None:
    target.fact("start")
    shown = subprocess.run(
        [sys.executable, "-m", "collector.cli", "run", "--print-config"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = re.findall(r"address: '?(\S+?):\d+'?(?:\s|$)", shown)
    expect(len(found) == 3 and set(found) == {"127.0.0.1"}, f"bound to {found}")
