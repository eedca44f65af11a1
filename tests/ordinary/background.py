"""Jobs, probes and pings: what runs without anybody asking."""

from __future__ import annotations

from ordinary.calls import cache, fetch, publish, query, serve
from ordinary.tracing import CLIENT, INTERNAL, SERVER, Trace
from ordinary.world import World

_KUBELET = {"user_agent.original": "kube-probe/1.33"}
_WITH_PROBES = ("catalog", "cart", "orders", "payment", "reviews", "pricing", "accounts", "fraud")


def liveness(t: Trace, world: World) -> None:
    """Shallow, as it should be; one looks into a database inside its own process."""
    name = t.random.choice(_WITH_PROBES)
    route = t.random.choice(("/livez", "/healthz", "/actuator/health/liveness"))
    with serve(t, world[name], "GET", route, **_KUBELET):
        if name == "reviews":
            query(t, world[name], "SELECT 1", system="sqlite", kind=INTERNAL, ms=0.1)


def readiness(t: Trace, world: World) -> None:
    """Asks what the service cannot do without."""
    process = world[t.random.choice(_WITH_PROBES)]
    route = t.random.choice(("/readyz", "/actuator/health/readiness", "/ready"))
    status = 503 if t.chance(0.005) else 200
    said = _KUBELET | {"http.response.status_code": status}
    with serve(t, process, "GET", route, **said):
        query(t, process, "SELECT 1", ms=0.5, rows=1)
        cache(t, process, "PING", "")


def credentials(t: Trace, world: World) -> None:
    """Keys and credentials are fetched again before they expire, by nobody's request."""
    process = world["api-gateway"]
    host, path = t.random.choice((("auth", "/.well-known/jwks.json"), ("169.254.169.254", "/l")))
    with fetch(t, process, host, "GET", path):
        t.work(3)


def grpc_health(t: Trace, world: World) -> None:
    """The health service of gRPC."""
    said = {"rpc.system.name": "grpc", "rpc.method": "grpc.health.v1.Health/Check"}
    with t.span(world["currency"], SERVER, "grpc.health.v1.Health/Check", said):
        t.work(0.1)


def ping(t: Trace, world: World) -> None:
    """Pools keep their connections alive: CLIENT spans without a parent."""
    process = world[t.random.choice(("recommendation", "cart", "accounts", "search"))]
    if t.chance(0.5):
        cache(t, process, "PING", "")
    else:
        query(t, process, "SELECT 1", ms=0.3)


def heartbeat(t: Trace, world: World) -> None:
    """Registries and configuration are asked now and then, outside of any request."""
    process = world[t.random.choice(("accounts", "auth", "orders"))]
    path = f"/eureka/apps/{process.service.upper()}/{process.service}:8080"
    with fetch(t, process, "eureka", "PUT", path):
        t.work(2)


def scheduled(t: Trace, world: World) -> None:
    """A job of a scheduler: an INTERNAL root, the same query for each of many things."""
    process = world[t.random.choice(("scheduler", "maintenance", "reports"))]
    with t.span(process, INTERNAL, "job.expire-carts", {"job.system": "quartz"}):
        query(t, process, "SELECT id FROM carts WHERE expires < ?", rows=80)
        for _ in range(t.random.randrange(10, 80)):
            query(t, process, "DELETE FROM carts WHERE id = ?", ms=0.6)
        t.log(process, "carts expired")


def cron_call(t: Trace, world: World) -> None:
    """A job that is one call: its CLIENT span is the root."""
    process, reports = world["scheduler"], world["reports"]
    with (
        fetch(t, process, "reports", "POST", "/jobs/daily", **{"http.response.status_code": 202}),
        serve(t, reports, "POST", "/jobs/daily", **{"http.response.status_code": 202}),
    ):
        t.work(2)


def all_tenants(t: Trace, world: World) -> None:
    """A job that goes through every tenant."""
    process = world["maintenance"]
    with t.span(process, INTERNAL, "job.bill-tenants"):
        for number in range(t.random.randrange(3, 30)):
            tenant = {"tenant.id": f"shop-{number}"}
            with t.span(process, INTERNAL, "bill tenant", tenant):
                query(t, process, "SELECT sum(total) FROM orders WHERE tenant = %s", rows=1)


def beat(t: Trace, world: World) -> None:
    """Celery's beat: a PRODUCER root and the worker that runs the task."""
    billing = world["billing"]
    said = {"celery.action": "apply_async", "messaging.message.id": t.random.randbytes(16).hex()}
    sent = publish(t, billing, "celery", system="rabbitmq", **said)
    t.now += 0.05
    with t.under(sent), t.span(billing, INTERNAL, "run/billing.tasks.rates"):
        with fetch(t, billing, "rates.example", "GET", "/latest"):
            t.work(40)
        query(t, billing, "UPDATE rates SET value = %s WHERE code = %s")


def started(t: Trace, world: World) -> None:
    """A service starts: log records outside of any trace, migrations, and its first spans."""
    process = world[t.random.choice(("orders", "catalog", "cart", "reviews"))]
    for line in ("starting", "configuration read", "connected", "listening on 8080"):
        t.log(process, line, correlated=False)
        t.now += 0.1
    with t.span(process, INTERNAL, "migrate"):
        for _ in range(4):
            query(t, process, "SELECT version FROM schema_history", rows=30)
    slow = t.other()  # nothing is compiled or connected yet, but it stays below a second
    with serve(slow, process, "GET", "/readyz", **_KUBELET):
        query(slow, process, "SELECT 1", ms=200, rows=1)


def background_log(t: Trace, world: World) -> None:
    """Some records belong to no request."""
    process = world[t.random.choice(("orders", "catalog", "legacy-portal", "search"))]
    t.log(process, "cache refreshed", {"entries": t.random.randrange(500)}, correlated=False)


def connected(t: Trace, world: World) -> None:
    """A pool opens a connection within a request, and says so in spans of its own."""
    process = world["search"]
    with serve(t, process, "GET", "/suggest", "/suggest?q=a"):
        said = {"db.system.name": "postgresql", "server.address": "search-db"}
        with t.span(process, CLIENT, "connect", said):
            t.work(3)
        query(t, process, "SET TIME ZONE 'UTC'", ms=0.2)
        for _ in range(t.random.randrange(1, 4)):
            query(t, process, f"SELECT word FROM words WHERE id = {t.random.randrange(10**5)}")
