"""Waiting, giving up and asking again, as it should be done."""

from __future__ import annotations

from ordinary.calls import attempts, call, fail, fetch, publish, query, rpc, serve
from ordinary.tracing import CLIENT, ERROR, INTERNAL, SERVER, Trace
from ordinary.world import World


def fire_and_forget(t: Trace, world: World) -> None:
    """An answer first, and then some work that nobody waits for."""
    media = world["media"]
    with serve(t, media, "POST", "/images") as span:
        with fetch(t, media, "bucket.s3.amazonaws.com", "HEAD", "/images/1.png") as head:
            head.attributes["http.response.status_code"] = 404
        url = "https://bucket.s3.amazonaws.com/i/2?X-Amz-Signature=REDACTED"
        with fetch(t, media, "bucket.s3.amazonaws.com", "PUT", "/i/2", **{"url.full": url}):
            t.work(60)
    with t.under(span.where), t.span(media, INTERNAL, "thumbnails"):
        t.work(300)
        with fetch(t, media, "imaging", "POST", "/thumbnails"):
            t.work(900)
        publish(t, media, "image.ready", system="rabbitmq")


def cancelled(t: Trace, world: World) -> None:
    """A deadline that is passed on: everything below ends with it, give or take some time."""
    gateway, reports, pricing = world["storefront"], world["reports"], world["pricing"]
    with serve(t, gateway, "GET", "/recent"):
        if not t.chance(0.02):
            with call(t, gateway, reports, "GET", "/recent", "/recent"):
                query(t, reports, "SELECT id FROM recent", system="mssql", ms=20, rows=50)
            return
        with fetch(t, gateway, "reports", "GET", "/recent") as client:
            with serve(t, reports, "GET", "/recent", **{"http.response.status_code": 499}) as late:
                slow = query(t, reports, "SELECT id FROM recent", system="mssql", ms=900)
                slow.attributes["error.type"] = "timeout"
                late.attributes["error.type"] = "timeout"
                late.status = ERROR
            t.now -= t.random.uniform(0, 0.03)  # the caller gave up a little earlier
            fail(client, (None, "timeout"))
        with rpc(t, gateway, pricing, "shop.Pricing/Fallback"):
            t.work(1)


def poll_job(t: Trace, world: World) -> None:
    """A result that is not there yet is asked for again: 404 or 202, until 200."""
    webhooks, reports = world["webhooks"], world["reports"]
    job = t.random.randrange(10**6)
    waits = t.random.randrange(1, 7)
    pending = t.random.choice((202, 404))
    with t.span(webhooks, INTERNAL, "await report"):
        for number in range(waits + 1):
            status = {"http.response.status_code": pending if number < waits else 200}
            path = f"/jobs/{job}"
            with (
                fetch(t, webhooks, "reports", "GET", path, **status),
                serve(t, reports, "GET", "/jobs/{id}", path, **status),
            ):
                t.work(1)
            t.now += 0.5


def throttled(t: Trace, world: World) -> None:
    """A peer says when to come back, and its client does so to the millisecond."""
    webhooks = world["webhooks"]
    with t.span(webhooks, INTERNAL, "sync"):
        for limited in (True, False) if t.chance(0.05) else (False,):
            with fetch(t, webhooks, "api.partner.example", "GET", "/v1/changes") as span:
                t.work(30)
                if limited:
                    fail(span, (429, "429"))
                    span.attributes["http.response.header.retry-after"] = ["2"]
            t.now += 2 if limited else 0


def sdk(t: Trace, world: World) -> None:
    """An SDK tells of its operation and, below it, of each attempt by HTTP."""
    media = world["media"]
    said = {"rpc.system": "aws-api", "rpc.service": "S3", "rpc.method": "GetObject"}
    with (
        serve(t, media, "GET", "/images/:id", f"/images/{t.random.randrange(10**6)}"),
        t.span(media, CLIENT, "S3.GetObject", said),
    ):
        for failing in attempts(t, base=0.2):
            path = f"/i/{t.random.randrange(10**6)}"
            with fetch(t, media, "bucket.s3.amazonaws.com", "GET", path) as span:
                t.work(15)
                if failing:
                    fail(span, (503, "503"))


def lost(t: Trace, world: World) -> None:
    """A read whose answer came too late is read again: nothing was done twice."""
    shop, accounts = world["storefront"], world["accounts"]
    path = f"/users/{t.random.randrange(10**6)}/points"
    with serve(t, shop, "GET", "/points"):
        for late in (True, False) if t.chance(0.01) else (False,):
            with fetch(t, shop, "accounts", "GET", path) as client:
                with serve(t, accounts, "GET", "/users/{id}/points", path):
                    query(t, accounts, "SELECT points FROM users WHERE id = ?", rows=1)
                if late:
                    fail(client, (None, "timeout"))
            t.now += t.random.uniform(0, 0.1) if late else 0


def dead_peer(t: Trace, world: World) -> None:
    """A loop over many things while the peer is away: each of them is tried once."""
    billing = world["maintenance"]
    how = t.random.randrange(3)
    with t.span(billing, INTERNAL, "refresh all"):
        for item in range(50):
            if how < 2:
                path = f"/items/{item}"
                with fetch(t, billing, "items", "GET", path) as span:
                    failure = (404, "404") if how else (None, "ConnectionRefusedError")
                    fail(span, failure)
                continue
            said = {"rpc.system.name": "grpc", "rpc.method": "shop.Items/Get"}
            with t.span(billing, CLIENT, "shop.Items/Get", said | {"server.address": "items"}) as s:
                t.work(0.5)
                s.attributes["rpc.response.status_code"] = "UNAVAILABLE"


def streams(t: Trace, world: World) -> None:
    """gRPC with many messages in one call, some of them for minutes."""
    iot, pricing = world["iot-gateway"], world["pricing"]
    said = {"rpc.system.name": "grpc", "rpc.method": "iot.Devices/StreamReadings"}
    where = {"server.address": "pricing", "rpc.response.status_code": "OK"}
    with (
        t.span(iot, INTERNAL, "forward readings"),
        t.span(iot, CLIENT, "iot.Devices/StreamReadings", said | where) as client,
        t.span(pricing, SERVER, "iot.Devices/StreamReadings", said) as server,
    ):
        for number in range(t.random.randrange(3, 9)):
            told = {"rpc.message.type": "SENT", "rpc.message.id": number}
            client.events.append(("message", t.now, told))
            server.events.append(("message", t.now, told | {"rpc.message.type": "RECEIVED"}))
            t.now += t.random.expovariate(1 / 6)
