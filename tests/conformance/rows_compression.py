"""D: compressed bodies."""

from __future__ import annotations

import gzip
import zlib

from conformance import samples
from conformance.rows import Level, Target, accepted, expect, refused, row
from conformance.samples import JSON, SIGNALS, as_json, as_protobuf

_MIB = 1024 * 1024
_SPARE = 32 * _MIB


@row("D1", Level.MUST, "gzip is taken in both encodings")
def _(target: Target) -> None:
    for signal in SIGNALS:
        body = gzip.compress(as_protobuf(signal))
        accepted(signal, target.post(signal, body, Content_Encoding="gzip"))
        body = gzip.compress(as_json(signal))
        accepted(signal, target.post(signal, body, JSON, Content_Encoding="gzip"), JSON)


@row("D2", Level.MUST, "what inflates past the limit is answered 413, in bounded memory")
def _(target: Target) -> None:
    bomb = gzip.compress(bytes(max(4 * target.bound, 64 * _MIB)), compresslevel=9)
    before = target.facts["memory"]() if target.facts and "memory" in target.facts else None
    refused(target.post("traces", bomb, Content_Encoding="gzip"), 413)
    if before is not None and target.facts:
        grown = target.facts["memory"]() - before
        expect(grown < target.bound + _SPARE, f"memory grew by {grown // _MIB} MiB")
    over = gzip.compress(samples.padded("logs", target.bound + 1))
    refused(target.post("logs", over, Content_Encoding="gzip"), 413)
    exact = gzip.compress(samples.padded("logs", target.bound))
    accepted("logs", target.post("logs", exact, Content_Encoding="gzip"))


@row("D3", Level.COLLECTOR, "a plain body that is said to be gzip is answered 400")
def _(target: Target) -> None:
    refused(target.post("traces", as_protobuf("traces"), Content_Encoding="gzip"), 400)


@row("D4", Level.HARDENING, "truncated and corrupt gzip are answered 400 on a live connection")
def _(target: Target) -> None:
    whole = gzip.compress(as_json("logs") * 20)
    for body in (whole[:-9], whole[: len(whole) // 2], whole[:-5] + bytes(5), whole[:3]):
        refused(target.post("logs", body, JSON, Content_Encoding="gzip"), 400)


@row("D6", Level.COLLECTOR, "an unknown coding is answered 400 or 415, never read as plain")
def _(target: Target) -> None:
    for coding in ("foo", "gzip, foo"):
        refused(target.post("traces", as_protobuf("traces"), Content_Encoding=coding), 400, 415)


@row("D8", Level.COLLECTOR, "deflate, zstd and identity are taken, or answered 400 or 415")
def _(target: Target) -> None:
    body = as_protobuf("traces")
    bodies = {"deflate": zlib.compress(body), "identity": body, "zstd": b"\x28\xb5\x2f\xfd\x00"}
    for coding, sent in bodies.items():
        answer = target.post("traces", sent, Content_Encoding=coding)
        if answer.status == 200:
            accepted("traces", answer)
        else:
            refused(answer, 400, 415)
