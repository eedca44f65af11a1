"""Calls that wait longer than anybody who asked for them.

Why:
    A call without a timeout holds its thread, its connection and its caller's for as long as
    the peer likes. When a peer hangs, the pools of everyone above it run empty within a
    minute, and one slow dependency has become an outage of all.

Bad:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: "1", kind: client, name: GET, duration: 45.0, attributes:
             {http.request.method: GET, server.address: pay, url.template: /charges}}
    until: 90

Good:
    telemetry:
      - service: shop
        spans:
          - {trace: a, id: "1", kind: client, name: GET, duration: 5.0, attributes:
             {http.request.method: GET, server.address: pay, url.template: /charges,
             error.type: timeout}}
          - {trace: b, id: "1", kind: client, name: GET, duration: 45.0, attributes:
             {http.request.method: GET, server.address: live, url.template: /events/stream}}
    until: 90

Mend:
    Set a timeout on every call: on connecting, on the whole exchange, and on the statement in
    the database. Choose it from what the callee usually takes, below what the caller waits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field

from collector import semconv
from collector.demand import Bounds, Demand, any_of
from collector.evaluate.outcomes import CLOCK_FAULT, cancellation, timeout
from collector.evaluate.places import called, doing
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.evaluate.tree import took
from collector.semconv import Attributes
from collector.views import Note, NoteKind, Span
from collector.violation import Severity, Signal, Violation

_NANOSECONDS = 1_000_000_000
_DATABASES = "db"
_SYSTEMS = ("db.system.name", "rpc.system.name", "messaging.system")
_SWITCHED = 101  # the connection has become a websocket
_RECEIVES = frozenset({"receive", "poll"})
_CONTENT = ("http.response.header.content-type", "http.request.header.accept")
_MODELS = (
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.system",
    "gen_ai.request.model",
)
_SCHEME = "url.scheme"
_SOCKETS = frozenset({"ws", "wss"})
_LANGUAGE = "telemetry.sdk.language"
_BROWSER = "webjs"  # its fetches last as long as the machine sleeps

Pattern = Annotated[str, Field(min_length=1, max_length=256)]
Patterns = tuple[Pattern, ...]

_WAITING = (
    "*watch*", "*subscri*", "*stream*", "*listen*", "*poll*", "*receive*", "*websocket*",
    "*socket.io*", "*signalr*", "*/events", "*/events/*", "*/sse", "*/sse/*", "*/ws", "*/ws/*",
    "*/tail", "*/tail/*", "connect", "connect *", "blpop*", "brpop*", "blmove*", "blmpop*",
    "bzpop*", "bzmpop*", "xread*", "wait", "waitaof", "monitor", "getmore*", "hello", "ismaster",
    "*getactivitytask", "*getobject", "*putobject", "*uploadpart", "*/completions",
    "*/v1/messages", "*/v1/responses", "*generatecontent*", "*invokemodel*", "*converse",
    "get /v1/health/service/*", "get /v1/catalog/*", "get /v1/kv/*", "*getupdates*",
    "*/notifications/v2", "get /apis/*", "get /api/v1/namespaces/*", "get /api/v1/pods",
    "get /api/v1/services", "get /api/v1/endpoints", "get /api/v1/nodes",
    "*completemultipartupload", "*copyobject", "*uploadpartcopy", "lambda/invoke",
    "*startsyncexecution", "*/blobs/*", "*/git-upload-pack", "*/git-receive-pack",
    "get /api/v1/configmaps", "get /api/v1/secrets", "get /api/v1/namespaces",
)  # fmt: skip
_SLOW_PEERS = (
    "api.openai.com*", "*.openai.azure.com*", "api.anthropic.com*", "*.googleapis.com*",
    "bedrock-runtime.*", "api.mistral.ai*", "api.cohere.*", "api.groq.com*", "api.deepseek.com*",
    "s3.*amazonaws.com*", "*.s3.*amazonaws.com*", "*.blob.core.windows.net*",
    "*.r2.cloudflarestorage.com*", "openrouter.ai*", "kubernetes.default*", "*:6443",
    "consul*", "*:8500", "nomad*", "*:4646",
)  # fmt: skip


_STATEMENTS = (
    "*advisory_lock*", "*get_lock*", "*sp_getapplock*", "*waitfor *", "*pg_sleep*", "listen *",
    "start_replication*", "create index*", "create unique index*", "alter table*", "vacuum*",
    "analyze*", "reindex*", "optimize table*", "refresh materialized view*", "copy *",
    "load data*", "backup *", "dbcc *",
)  # fmt: skip


class WaitOptions(Options):
    """How long a call may wait, and which calls wait by design."""

    max_seconds: float = Field(default=30, gt=0, description="seconds of one call (ours)")
    system_seconds: dict[str, float] = Field(
        default={
            _DATABASES: 300, "grpc": 0, "snowflake": 0, "aws.redshift": 0, "gcp.bigquery": 0,
            "trino": 0, "hive": 0, "clickhouse": 0, "teradata": 0, "vertica": 0,
            "presto": 0, "databricks": 0, "spark": 0, "connect_rpc": 0, "signalr": 0,
        },
        description="the same by db.system.name, rpc.system.name or messaging.system; `db` is "
        "every other database, whose reports and jobs run for minutes, and 0 is never: nothing "
        "tells a stream of gRPC, Connect or SignalR from a call (ours)",
    )  # fmt: skip
    waiting_operations: Patterns = Field(
        default=_WAITING,
        description="operations that wait by design, without regard to case: polls, streams, "
        "watches (Consul's and Kubernetes' by path: the query is not kept), transfers of large "
        "objects, language models (ours)",
    )
    waiting_statements: Patterns = Field(
        default=_STATEMENTS,
        description="queries that wait or work for long by design, without regard to case: locks "
        "of an application's own, changes of schemas, loads (ours)",
    )
    slow_peers: Patterns = Field(
        default=_SLOW_PEERS, description="peers that take minutes by design (ours)"
    )
    stream_content_types: Patterns = Field(
        default=(
            "text/event-stream*", "multipart/x-mixed-replace*", "application/x-ndjson*",
            "application/stream+json*", "application/grpc*", "application/connect+*",
        ),
        description="content types, of the response or accepted, that last (HTML standard, "
        "server-sent events)",
    )  # fmt: skip


class Kind(Policy[WaitOptions]):
    """Judges the duration of each long call by its system."""

    options_type = WaitOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0.1.0")

    def __init__(self, terms: Terms, options: WaitOptions) -> None:
        super().__init__(terms, options)
        self._bounds = {name.lower(): one for name, one in options.system_seconds.items()}
        self._waiting = any_of(one.lower() for one in options.waiting_operations)
        self._statements = any_of(one.lower() for one in options.waiting_statements)
        self._slow = any_of(one.lower() for one in options.slow_peers)
        self._streams = any_of(one.lower() for one in options.stream_content_types)

    def demand(self) -> Demand:
        """Calls that reach the lowest bound."""
        bounds = (self.options.max_seconds, *self._bounds.values())
        lowest = min(one for one in bounds if one > 0)
        return Demand(
            notes=frozenset({NoteKind.LONG_CALL}),
            bounds=Bounds(call=int(lowest * _NANOSECONDS)),
            trace_keys=frozenset((*_CONTENT, *_MODELS, _SCHEME)),
            resource_keys=frozenset({_LANGUAGE}),
        )

    def on_note(self, note: Note, now: float) -> Iterator[Violation]:
        """Judge a call."""
        del now
        span = note.span
        bound = _bound(span.attributes, self._bounds, self.options.max_seconds)
        lasted = took(span)
        if bound > 0 and bound * _NANOSECONDS <= lasted <= CLOCK_FAULT and not self._means_to(span):
            yield self._report(span, bound, note.trace_id.hex())

    def _means_to(self, span: Span) -> bool:
        """Whether a call waits by design."""
        return _says_so(span) or self._is_named(span) or self._is_stream(span)

    def _is_named(self, span: Span) -> bool:
        names = (span.operation.lower(), span.name.lower())
        if self._waiting is not None and any(map(self._waiting.match, names)):
            return True
        text = span.statement.text.lower()
        if text and self._statements is not None and self._statements.match(text):
            return True
        return self._slow is not None and self._slow.match(span.peer.lower()) is not None

    def _is_stream(self, span: Span) -> bool:
        if self._streams is None:
            return False
        told = (one for key in _CONTENT for one in _strings(span.attributes.get(key)))
        return any(self._streams.match(one.lower()) for one in told)

    def _report(self, span: Span, bound: float, trace_id: str) -> Violation:
        seconds = round(took(span) / _NANOSECONDS, 1)
        end = timeout(span) or cancellation(span)
        return self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=span.resource.service,
            subject=called(span),
            summary=f"the call {called(span)} took {seconds:g} s, {bound:g} s or more"
            + (f", and ended by {end}" if end else ", and no timeout ended it"),
            trace_id=trace_id,
            evidence={
                "peer": span.peer,
                "operation": doing(span),
                "seconds": seconds,
                "bound_seconds": bound,
                "ended_by": end,
            },
        )


def _says_so(span: Span) -> bool:
    attributes = span.attributes
    return (
        any(key in attributes for key in _MODELS)
        or attributes.get(_SCHEME) in _SOCKETS
        or span.resource.attributes.get(_LANGUAGE) == _BROWSER
        or semconv.integer(attributes, "http.response.status_code") == _SWITCHED
        or semconv.text(attributes, "messaging.operation.type").lower() in _RECEIVES
    )


def _bound(attributes: Attributes, bounds: Mapping[str, float], other: float) -> float:
    """How long a call may wait, by the most specific name of its system."""
    for key in _SYSTEMS:
        system = semconv.text(attributes, key).lower()
        if system in bounds:
            return bounds[system]
    if semconv.text(attributes, "db.system.name"):
        return bounds.get(_DATABASES, other)
    return other


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from _strings(one)
