"""Pages, carts and checkouts: what most traffic is."""

from __future__ import annotations

from functools import partial

from ordinary.calls import cache, call, fetch, process_message, publish, query, rpc, serve
from ordinary.tracing import CLIENT, ERROR, INTERNAL, Trace
from ordinary.world import World


def _number(t: Trace) -> int:
    return t.random.randrange(10**6)


def _server_error(t: Trace, share: float = 0.004) -> int:
    return 500 if t.chance(share) else 200


def product_page(t: Trace, world: World) -> None:
    """Browser, gateway, storefront, and what a product page asks for, some of it at once."""
    number = _number(t)
    browser, gateway, shop = world["web-frontend"], world["api-gateway"], world["storefront"]
    path = f"/products/{number}"
    with t.span(browser, INTERNAL, "documentLoad", {"http.url": f"https://shop.example{path}"}):
        t.work(5)
        with (
            fetch(t, browser, "shop.example", "GET", path),
            serve(t, gateway, "GET", "/products/:id", path),
            call(t, gateway, shop, "GET", "/products/[id]", path),
        ):
            t.parallel([partial(one, t, world, number) for one in (_product, _reviews, _ads)])
            if t.chance(0.5):
                _recommended(t, world)
    if t.chance(0.3):
        _preflight(t.other(), world)


def _preflight(t: Trace, world: World) -> None:
    """Browsers send OPTIONS without any trace context."""
    with serve(t, world["api-gateway"], "OPTIONS", "/api/*", "/api/cart"):
        pass


def _product(t: Trace, world: World, number: int) -> None:
    shop, catalog = world["storefront"], world["catalog"]
    with rpc(t, shop, catalog, "shop.Catalog/GetProduct"):
        hot = int(t.random.paretovariate(1.0)) % 5000
        cache(t, catalog, "GET", f"product:{hot}")
        t.log(catalog, "product looked up", {"product": hot})
        if t.chance(0.2):  # a miss
            query(t, catalog, "SELECT * FROM products WHERE id = $1", rows=1, ms=3)
            cache(t, catalog, "SET", f"product:{hot}")


def _reviews(t: Trace, world: World, number: int) -> None:
    shop, reviews = world["storefront"], world["reviews"]
    path = f"/api/products/{number}/reviews"
    with call(t, shop, reviews, "GET", "/api/products/{id}/reviews", path):
        page = t.random.randrange(5) * 20
        query(
            t,
            reviews,
            f"SELECT id, text FROM reviews WHERE product_id = {number} LIMIT 20 OFFSET {page}",
        )
        t.log(reviews, f"served reviews of {number}", {"product": number})


def _ads(t: Trace, world: World, number: int) -> None:
    del number
    shop, ads = world["storefront"], world["ads"]
    with rpc(t, shop, ads, "shop.Ads/GetAds"):
        cache(t, ads, "GET", f"ads:{t.random.randrange(20)}")


def _recommended(t: Trace, world: World) -> None:
    """Several products, one call each, under the bound of what is a repetition."""
    shop, some, catalog = world["storefront"], world["recommendation"], world["catalog"]
    with rpc(t, shop, some, "shop.Recommendation/List"):
        cache(t, some, "GET", "popular")
        for _ in range(t.random.randrange(2, 6)):
            with rpc(t, some, catalog, "shop.Catalog/GetProduct"):
                query(t, catalog, "SELECT * FROM products WHERE id = $1", rows=1, ms=1.5)


def cart(t: Trace, world: World) -> None:
    """A page that knows its user asks for the cart, by way of a .NET service."""
    gateway, cart, user = world["api-gateway"], world["cart"], t.random.randrange(20_000)
    change = t.chance(0.3)
    method = "POST" if change else "GET"
    with serve(t, gateway, method, "/api/cart", **{"tenant.id": f"shop-{user % 7}"}):
        t.log(gateway, "cart asked for")
        said = {"tenant.id": f"shop-{user % 7}", "org.id": "books"}
        with call(t, gateway, cart, method, "/cart", "/cart", **said):
            # HttpClient and the handler below it make a span each in some .NET services.
            cache(t, cart, "HGETALL", f"cart:{user}", ms=1)
            if change:
                cache(t, cart, "HSET", f"cart:{user}")
                cache(t, cart, "EXPIRE", f"cart:{user}")


def checkout(t: Trace, world: World) -> None:
    """An order is placed: rates, a payment with a key, shipping, and an outbox."""
    gateway, checkout, payment = world["api-gateway"], world["checkout"], world["payment"]
    orders, key = world["orders"], t.random.randbytes(16).hex()
    with serve(t, gateway, "POST", "/api/checkout") as served:
        served.attributes["http.response.status_code"] = _server_error(t, 0.002)
        with rpc(t, gateway, checkout, "shop.Checkout/PlaceOrder"):
            for _ in range(t.random.randrange(1, 5)):
                with rpc(t, checkout, world["catalog"], "shop.Catalog/GetProduct"):
                    t.work(1)
            with rpc(t, checkout, world["currency"], "shop.Currency/Convert"):
                t.work(0.3)
            with call(t, checkout, world["quote"], "GET", "/quote", "/quote"):
                t.work(2)
            header = {"http.request.header.idempotency-key": [key]}
            with call(t, checkout, payment, "POST", "/charges", "/charges", **header):
                query(t, payment, "INSERT INTO charges (id, amount) VALUES ($1, $2)")
                with fetch(t, payment, "api.bank.example", "POST", "/v1/charges", **header):
                    t.work(80)
            order = {"tenant.id": "shop-1"} | header
            with call(t, checkout, orders, "POST", "/orders", "/orders", **order):
                _stored_order(t, world)
            with call(t, checkout, world["email"], "POST", "/confirm", "/confirm"):
                t.work(10)
            t.log(checkout, "order placed", {"items": 3})


def _stored_order(t: Trace, world: World) -> None:
    """A transaction with an outbox; Hibernate's spans stand above those of JDBC."""
    orders = world["orders"]
    with t.span(orders, INTERNAL, "Session.persist shop.Order"):
        query(t, orders, "BEGIN", ms=0.2)
        query(t, orders, "INSERT INTO orders (id, total) VALUES (?, ?)")
        batch = {"db.operation.batch.size": t.random.randrange(2, 6)}
        query(t, orders, "INSERT INTO order_items (order_id, sku) VALUES (?, ?)", **batch)
        query(t, orders, "INSERT INTO outbox (topic, payload) VALUES (?, ?)")
        query(t, orders, "COMMIT", ms=1)
    t.log(orders, "order stored")
    relay = t.other(t.now + t.random.uniform(0.1, 1.5))
    _relayed(relay, world)


def _relayed(t: Trace, world: World) -> None:
    """What stands in the outbox is sent by a job of its own, and three services read it."""
    relay, message = world["relay"], t.random.randbytes(16).hex()
    with t.span(relay, INTERNAL, "outbox.poll"):
        query(t, relay, "SELECT * FROM outbox WHERE sent = false LIMIT 100", rows=1)
        sent = publish(t, relay, "orders", **{"messaging.message.id": message})
    for group, after in (("accounting", 0.05), ("fraud", 0.2), ("analytics", 0.5)):
        process = world[group]
        said = {"messaging.message.id": message, "messaging.consumer.group.name": group}
        if group == "analytics":  # linked, in a trace of its own
            linked = t.other(t.now + after)
            with process_message(linked, process, "orders", links=[sent], **said):
                query(linked, process, "INSERT INTO events (id) VALUES (%s)")
            continue
        t.now += after
        with t.under(sent), process_message(t, process, "orders", **said):
            query(t, process, f"INSERT INTO {group}_orders (id) VALUES (@p0)")


def graphql(t: Trace, world: World) -> None:
    """One request, many resolvers at once, each with a URL of its own."""
    bff, catalog = world["graphql-bff"], world["pricing"]
    with serve(t, bff, "POST", "/graphql"):
        with t.span(bff, INTERNAL, "graphql.parse"):
            t.work(0.2)
        with t.span(bff, INTERNAL, "query Products", {"graphql.operation.type": "query"}):

            def resolve(number: int) -> None:
                with t.span(bff, INTERNAL, "graphql.resolve products.price"):
                    path = f"/prices/{number}"
                    with call(t, bff, catalog, "GET", "/prices/{sku}", path):
                        t.work(0.5)

            t.parallel([partial(resolve, _number(t)) for _ in range(t.random.randrange(4, 24))])


def login(t: Trace, world: World) -> None:
    """A token that has expired: 401, a new one, and the same call again."""
    shop, accounts, auth = world["storefront"], world["accounts"], world["auth"]
    number = _number(t)
    with serve(t, shop, "GET", "/account"):
        path = f"/users/{number}"
        with fetch(t, shop, "accounts", "GET", path, **{"http.response.status_code": 401}):
            status = {"http.response.status_code": 401}
            with serve(t, accounts, "GET", "/users/{id}", path, **status):
                t.work(0.2)
        with call(t, shop, auth, "POST", "/oauth/token", "/oauth/token"):
            query(t, auth, "SELECT * FROM clients WHERE id = ?", rows=1)
        resent = {"http.request.resend_count": 1} if t.chance(0.5) else {}
        with (
            fetch(t, shop, "accounts", "GET", path, **resent),
            serve(t, accounts, "GET", "/users/{id}", path),
        ):
            query(t, accounts, "SELECT * FROM users WHERE id = ?", rows=1)


def redirected(t: Trace, world: World) -> None:
    """A redirect and what it leads to, as one client counts them and another does not."""
    shop, accounts = world["webhooks"], world["accounts"]
    with serve(t, shop, "GET", "/go/{link}", "/go/spring"):
        moved = {"http.response.status_code": t.random.choice((301, 302, 307))}
        with (
            fetch(t, shop, "accounts", "GET", "/old", **moved),
            serve(t, accounts, "GET", "/old", **moved),
        ):
            pass
        again = {"http.request.resend_count": 1} if t.chance(0.6) else {}
        target = "/new" if t.chance(0.5) else "/old"  # some only add a cookie
        with (
            fetch(t, shop, "accounts", "GET", target, **again),
            serve(t, accounts, "GET", target),
        ):
            t.work(1)


def search(t: Trace, world: World) -> None:
    """Elasticsearch reads by POST; a node that is away is asked again elsewhere."""
    gateway, search = world["api-gateway"], world["search"]
    with (
        serve(t, gateway, "GET", "/api/search"),
        call(t, gateway, search, "GET", "/search", f"/search?q=term{_number(t)}"),
    ):
        said = {
            "db.system.name": "elasticsearch",
            "db.operation.name": "search",
            "http.request.method": "POST",
            "url.full": "http://elastic:9200/products/_search",
            "server.address": "elastic",
            "server.port": 9200,
        }
        for failed in (True, False) if t.chance(0.007) else (False,):
            with t.span(search, CLIENT, "search", said) as span:
                t.work(15)
                status = 503 if failed else 200
                span.attributes["http.response.status_code"] = status
                span.status = ERROR if failed else 0
            t.now += t.random.uniform(0, 0.1) if failed else 0
        t.log(search, "search done", {"hits": t.random.randrange(500)})
