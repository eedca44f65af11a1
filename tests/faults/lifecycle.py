"""Faults of the auditor's own life: its end, its reload, its certificates."""

from __future__ import annotations

import re
import ssl
import time
from pathlib import Path

from conformance import wire
from conformance.rows_security import Files, client, files
from conformance.samples import PROTOBUF
from faults.load import load, over_grpc, over_http
from faults.scene import Books, Scene, Unbalanced, until
from faults.table import fault


@fault("SIGTERM in the middle of load")
def _(scene: Scene) -> None:
    first = scene.program
    for _ in range(scene.many(5)):
        with load(scene) as stop:
            until(lambda: scene.books.acknowledged > 0, "nothing is taken")
            time.sleep(0.3 * scene.scale)  # load for a while
            code = first.stop()
            stop.set()
        if code != 0:
            raise Unbalanced(f"exit code {code}")
        _compare(first.said, scene.books)
        scene.replace()
        first, scene.books = scene.program, Books()


def _compare(said: str, books: Books) -> None:
    """What the auditor counted at its end, against what its senders know.

    Of connections that it had not yet taken nobody has heard: their senders try again.
    """
    found = re.search(r"stopped: (\d+) requests received, (\d+) inspected, (\d+) refused", said)
    if found is None:
        raise Unbalanced(f"it does not say how it ended:\n{said[-1000:]}")
    received, inspected, refused = map(int, found.groups())
    if (inspected, refused) != (books.acknowledged, books.refused) or received != sum(
        (inspected, refused)
    ):
        raise Unbalanced(f"{found[0]}, against {books}")


@fault("a port that is in use")
def _(scene: Scene) -> None:
    addresses = {
        name: {"address": getattr(scene.program, name)} for name in ("grpc", "http", "admin")
    }
    with load(scene):
        for _ in range(scene.many(5)):
            for name, section in addresses.items():
                try:
                    scene.servers.start({name: section})
                except RuntimeError as error:  # it did not start
                    if section["address"] not in str(error) or "in use" not in str(error):
                        raise Unbalanced(f"it does not say why it ends: {error}") from None
                else:
                    raise Unbalanced(f"two listen on one port: {name}")
    if scene.books.refused or scene.books.unanswered:
        raise Unbalanced(f"a request was lost: {scene.books}")


@fault("certificates that are replaced under load")
def _(scene: Scene) -> None:
    made: Files = files(scene.folder())
    scene.replace({"tls": made.config() | {"reload_seconds": 0.05}})
    both = over_http(scene, client(made)), over_grpc(scene, made.authority.read_bytes())
    with load(scene, *both):
        for _ in range(scene.many(20, 4)):
            certificate = made.ca.issue_cert("localhost", "127.0.0.1")
            _replace(made.key, certificate.private_key_pem.bytes())
            _replace(made.certificate, b"".join(c.bytes() for c in certificate.cert_chain_pems))
            time.sleep(0.1)
        leaf = certificate.cert_chain_pems[0].bytes()
        until(lambda: _served(scene) == leaf, "the last certificate is not served")
    if scene.books.unanswered or scene.books.refused:
        raise Unbalanced(f"a request was lost: {scene.books}")
    # The rest is tried over TLS too.
    address, context = scene.program.http, client(made)
    scene.target = _Secure(address, scene.program.grpc, context)  # type: ignore[assignment]


def _replace(path: Path, data: bytes) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_bytes(data)
    fresh.replace(path)


def _served(scene: Scene) -> bytes:
    """The certificate that is shown to a client, in PEM."""
    host, _, port = scene.program.http.rpartition(":")
    return ssl.get_server_certificate((host, int(port)), timeout=10).encode()


class _Secure:
    """A target over TLS, as far as a scene needs it."""

    def __init__(self, http: str, grpc: str, context: ssl.SSLContext) -> None:
        self.http, self.grpc, self._context = http, grpc, context

    def post(self, signal: str, body: bytes) -> wire.Answer:
        """Send a request."""
        with wire.Connection(self.http, self._context) as connection:
            connection.send(wire.request(f"/v1/{signal}", body, {"Content-Type": PROTOBUF}))
            return connection.answer()

    def call(self, signal: str, body: bytes) -> None:
        """The same: what is tried here is HTTP's own TLS."""
        self.post(signal, body)


@fault("a storm of reloads under load")
def _(scene: Scene) -> None:
    pack = scene.folder() / "mine.yaml"
    text = (
        "pack: mine\nsummary: Of this test.\noverrides:\n"
        "  - {{policy: retry-limit, options: {{max_attempts: {0}}}}}\n"
    )
    pack.write_text(text.format(3))
    scene.replace({"policies": {"paths": [str(pack)], "reload_seconds": 0.05}})
    with load(scene):
        for number in range(scene.many(30, 5)):
            broken = number % 3 == 2
            pack.write_text("pack: [" if broken else text.format(4 + number))
            time.sleep(0.15)
    until(
        lambda: scene.metric("policy_reloads_total", outcome="loaded") > 0, "nothing was reloaded"
    )
    if scene.books.refused or scene.books.unanswered:
        raise Unbalanced(f"a request was lost: {scene.books}")
