"""Databases and caches, keys and flags, used as they should be."""

from __future__ import annotations

from functools import partial

from ordinary.calls import cache, call, fail, fetch, query, serve
from ordinary.tracing import CLIENT, INTERNAL, Trace
from ordinary.world import Process, World

_STACK_TRACE = "java.lang.IllegalStateException: no stock\n" + "".join(
    f"\tat shop.inventory.Stock.level{at}(Stock.java:{at})\n" for at in range(150)
)


def transaction(t: Trace, world: World) -> None:
    """BEGIN to COMMIT with queries alone, twice, and calls of others before, between and after."""
    pricing, inventory = world["pricing"], world["inventory"]
    with serve(t, pricing, "PUT", "/prices/{sku}", f"/prices/{t.random.randrange(10**6)}"):
        with call(t, pricing, inventory, "GET", "/stock/{sku}", "/stock/7"):
            query(t, inventory, "SELECT level FROM stock WHERE sku = @p0", system="mssql", rows=1)
        for _ in range(t.random.randrange(1, 3)):
            query(t, pricing, "BEGIN", ms=0.2)
            query(t, pricing, "SELECT price FROM prices WHERE sku = $1 FOR UPDATE", rows=1)
            query(t, pricing, "UPDATE prices SET price = $1 WHERE sku = $2")
            query(t, pricing, "COMMIT" if t.chance(0.97) else "ROLLBACK", ms=1)
            cache(t, pricing, "DEL", f"price:{t.random.randrange(10**6)}")
            with call(t, pricing, inventory, "GET", "/stock/{sku}", "/stock/8"):
                t.work(1)


def go_transaction(t: Trace, world: World) -> None:
    """The same as otelsql tells it."""
    webhooks = world["webhooks"]

    def sql(name: str, text: str | None = None) -> None:
        said = {"db.system.name": "mysql", "server.address": "mysql", "db.query.text": text}
        with t.span(webhooks, CLIENT, name, said):
            t.work(1)

    with serve(t, webhooks, "POST", "/hooks/{provider}", "/hooks/stripe") as span:
        header = "http.request.header.idempotency-key"
        span.attributes[header] = [t.random.randbytes(16).hex()]
        sql("sql.conn.reset_session")
        sql("sql.conn.begin_tx")
        for _ in range(t.random.randrange(1, 4)):
            sql("sql.conn.query", "SELECT id FROM hooks WHERE provider = ? AND id = ?")
            sql("sql.rows")
            cache(t, webhooks, "GET", "provider:stripe")
        sql("sql.conn.exec", "INSERT INTO hooks (id, provider) VALUES (?, ?)")
        sql("sql.tx.commit")


def stock(t: Trace, world: World) -> None:
    """Entity Framework: pages, a count, prepared statements, now and then an error."""
    inventory = world["inventory"]
    with serve(t, inventory, "GET", "/stock", "/stock") as span:
        page = t.random.randrange(40) * 25
        query(t, inventory, "SELECT COUNT(*) FROM stock AS s", system="mssql", rows=1)
        query(
            t,
            inventory,
            "SELECT s.sku, s.level FROM stock AS s ORDER BY s.sku "
            f"OFFSET {page} ROWS FETCH NEXT 25 ROWS ONLY",
            system="mssql",
            rows=25,
        )
        if t.chance(0.003):
            span.attributes["http.response.status_code"] = 500
            said = {"exception.type": "IllegalStateException", "exception.message": "no stock"}
            said["exception.stacktrace"] = _STACK_TRACE
            span.events.append(("exception", t.now, said))
            t.log(inventory, "stock could not be told", severity=17)


def signup(t: Trace, world: World) -> None:
    """A name may be taken: the unique index says so, and the answer is 409."""
    accounts = world["accounts"]
    with serve(t, accounts, "POST", "/users") as span:
        with t.span(accounts, INTERNAL, "UserRepository.save"):
            query(t, accounts, "SELECT id FROM users WHERE name = ?", rows=0)
            insert = query(t, accounts, "INSERT INTO users (id, name) VALUES (?, ?)")
        if t.chance(0.02):
            insert.attributes["db.response.status_code"] = "23505"
            insert.attributes["error.type"] = "org.postgresql.util.PSQLException"
            span.attributes["http.response.status_code"] = 409


def conflict(t: Trace, world: World) -> None:
    """Of two that insert at once one meets the index, and takes what the other wrote."""
    accounts = world["tenant-admin"]
    with serve(t, accounts, "PUT", "/settings/{name}", "/settings/color"):
        said = {"db.response.status_code": "23505", "error.type": "UniqueViolation"}
        text = "INSERT INTO settings (tenant, name) VALUES (%s, %s)"
        query(t, accounts, text, **(said if t.chance(0.05) else {}))
        query(t, accounts, "SELECT id, name FROM settings WHERE tenant = %s", rows=1)


def keyed(t: Trace, world: World) -> None:
    """A request with an idempotency key; some come twice, and get the answer of the first."""
    gateway, orders = world["api-gateway"], world["orders"]
    key = {"http.request.header.idempotency-key": [t.random.randbytes(16).hex()]}
    replayed = t.chance(0.03)
    for number in range(2 if replayed else 1):
        at = t if number == 0 else t.other(t.now + t.random.uniform(1, 15))
        tenant = {"tenant.id": "shop-2"}
        with serve(at, gateway, "POST", "/api/orders", **key, **tenant):
            for lost in (True, False) if replayed and number == 0 else (False,):
                with fetch(at, gateway, "orders", "POST", "/orders", **key) as client:
                    with serve(at, orders, "POST", "/orders", **key, **tenant):
                        _once(at, orders, first=number == 0 and (lost or not replayed))
                    if lost:  # the answer did not come back
                        fail(client, (None, "timeout"))
                at.now += at.random.uniform(0, 0.1) if lost else 0


def _once(t: Trace, orders: Process, *, first: bool) -> None:
    """Claim the key; whoever comes second reads the answer that was stored with it."""
    claim = "INSERT INTO idempotency_keys (key) VALUES (?) ON CONFLICT DO NOTHING"
    query(t, orders, claim, ms=0.5, rows=None)
    if first:
        query(t, orders, "BEGIN", ms=0.2)
        query(t, orders, "INSERT INTO orders (id, total) VALUES (?, ?)")
        query(t, orders, "INSERT INTO outbox (topic, payload) VALUES (?, ?)")
        query(t, orders, "UPDATE idempotency_keys SET answer = ? WHERE key = ?")
        query(t, orders, "COMMIT", ms=1)
    else:
        query(t, orders, "SELECT answer FROM idempotency_keys WHERE key = ?", rows=1)


def pipeline(t: Trace, world: World) -> None:
    """Redis commands sent at once: one span for all, or one for each, depending on the client."""
    gateway = world["media"]
    with serve(t, gateway, "GET", "/sessions"):
        if t.chance(0.5):
            text = "\n".join(["GET ?"] * 40)
            cache(t, gateway, "PIPELINE", text, **{"db.operation.batch.size": 40})
        else:
            one = [
                partial(cache, t, gateway, "GET", f"session:{t.random.randrange(10**6)}")
                for _ in range(t.random.randrange(12, 40))
            ]
            t.parallel(one)  # type: ignore[arg-type]


def hot(t: Trace, world: World) -> None:
    """What many want is read by literal, and sometimes by a few at once."""
    tenants = world["tenant-admin"]
    with serve(t, tenants, "GET", "/theme"):
        cache(t, tenants, "GET", "theme:1")
        if t.chance(0.3):
            query(t, tenants, "SELECT name, color FROM themes WHERE id = 1", ms=25, rows=1)


def flagged(t: Trace, world: World) -> None:
    """Flags are evaluated on the way, as events of spans and as log records."""
    shop = world["storefront"]
    variant, reason = t.random.choices(
        (("off", "default"), ("on", "split"), ("beta", "targeting_match")), (60, 35, 5)
    )[0]
    with serve(t, shop, "GET", "/home") as span:
        span.attributes["http.response.status_code"] = 500 if t.chance(0.01) else 200
        told = {
            "feature_flag.key": "new-home",
            "feature_flag.provider.name": "flagd",
            "feature_flag.result.variant": variant,
            "feature_flag.result.reason": reason,
        }
        old = {
            "feature_flag.key": "new-menu",
            "feature_flag.provider_name": "flagd",
            "feature_flag.variant": "on" if t.chance(0.5) else "off",
        }
        span.events.append(("feature_flag", t.now, old))
        span.events.append(("feature_flag.evaluation", t.now, told))
        t.log(shop, "", told, event="feature_flag.evaluation")
        cache(t, shop, "GET", f"home:{variant}")


def mongo(t: Trace, world: World) -> None:
    """Documents and DynamoDB, as Node's instrumentations tell of them."""
    notes = world["payment"]
    with serve(t, notes, "GET", "/receipts/:id", f"/receipts/{t.random.randrange(10**6)}"):
        with t.span(notes, INTERNAL, "tcp.connect", {"net.transport": "ip_tcp"}):
            t.work(0.3)
        said = {"db.system.name": "mongodb", "db.operation.name": "find"}
        where = {"db.collection.name": "receipts", "server.address": "mongo"}
        with t.span(notes, CLIENT, "mongodb.find", said | where):
            t.work(2)
        aws = {
            "rpc.system": "aws-api",
            "rpc.service": "DynamoDB",
            "rpc.method": "GetItem",
            "db.system": "dynamodb",
            "aws.region": "eu-central-1",
        }
        with t.span(notes, CLIENT, "DynamoDB.GetItem", aws):
            t.work(4)


def tenants(t: Trace, world: World) -> None:
    """Each request is about one tenant; its spans say so in several ways."""
    admin, orders = world["tenant-admin"], world["orders"]
    tenant = f"shop-{t.random.randrange(40)}"
    with serve(t, admin, "GET", "/orders", **{"tenant.id": tenant, "org.id": "books"}):
        query(t, admin, "SELECT id FROM tenants WHERE name = %s", rows=1, tenant_id=tenant)
        with call(t, admin, orders, "GET", "/orders", "/orders", **{"tenant.id": tenant}):
            query(t, orders, "SELECT * FROM orders WHERE tenant = ?", rows=50)
            t.log(orders, "orders listed")
