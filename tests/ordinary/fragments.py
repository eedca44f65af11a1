"""Traces of which some see a part: samplers, meshes, and services without telemetry."""

from __future__ import annotations

from ordinary.calls import fetch, query, serve
from ordinary.tracing import CLIENT, INTERNAL, SERVER, Trace
from ordinary.world import World


def legacy(t: Trace, world: World) -> None:
    """An old portal behind a tail sampler: errors are kept, of the rest a quarter."""
    portal = world["legacy-portal"]
    with serve(t, portal, "GET", "/portal/orders", "/portal/orders?page=2") as span:
        span.attributes["http.response.status_code"] = 500 if t.chance(0.01) else 200
        with t.span(portal, INTERNAL, "OrderRepository.findAll"):
            for _ in range(t.random.randrange(1, 9)):  # lazily, under the bound
                query(t, portal, "select o.id from orders o where o.customer = ?", system="oracle")
        t.log(portal, "orders listed")


def partner(t: Trace, world: World) -> None:
    """A PHP interface that samples by itself; its caller and its callee report nothing."""
    api = world["partner-api"]
    t.unseen_parent()
    with serve(t, api, "GET", "/v2/stock/{sku}", f"/v2/stock/{t.random.randrange(10**6)}"):
        with fetch(t, api, "erp.internal", "GET", f"/stock?sku={t.random.randrange(10**6)}"):
            t.work(30)
        query(t, api, "UPDATE stats SET calls = calls + 1 WHERE id = ?", system="mysql")


def mesh_only(t: Trace, world: World) -> None:
    """Sidecars report, the applications behind them only pass headers on."""
    gate, page = world["istio-ingressgateway.istio-system"], world["productpage.books"]

    def hop(process: object, kind: int, host: str, path: str) -> object:
        said = {
            "http.request.method": "GET",
            "url.full": f"http://{host}{path}",
            "http.response.status_code": 200,
            "component": "proxy",
            "upstream_cluster": f"outbound|9080||{host}",
            "guid:x-request-id": t.random.randbytes(16).hex(),
            "user_agent.original": "curl/8",
            "response_flags": "-",
        }
        return t.span(process, kind, f"{host}:9080/*", said)  # type: ignore[arg-type]

    with hop(gate, CLIENT, "productpage.books.svc.cluster.local", "/productpage"):
        t.work(0.5)
        with hop(page, SERVER, "productpage.books.svc.cluster.local", "/productpage"):
            for name in ("details", "ratings", "ratings"):
                host = f"{name}.books.svc.cluster.local"
                with hop(page, CLIENT, host, f"/{name}/0"):
                    t.work(0.3)
                    with hop(world[f"{name}.books"], SERVER, host, f"/{name}/0"):
                        t.work(3)


def passed_on(t: Trace, world: World) -> None:
    """A service without telemetry passes the trace context on, to each of its own calls."""
    gateway, pricing = world["api-gateway"], world["pricing"]
    with (
        serve(t, gateway, "GET", "/api/offers"),
        fetch(t, gateway, "offers", "GET", f"/offers/{t.random.randrange(10**6)}"),
    ):
        for _ in range(t.random.randrange(2, 6)):
            t.work(2)
            with serve(t, pricing, "GET", "/prices/{sku}", f"/prices/{t.random.randrange(10**6)}"):
                t.work(1)
