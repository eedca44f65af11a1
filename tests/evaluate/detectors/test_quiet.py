"""What live telemetry is full of must stay quiet, however much of it there is."""

from __future__ import annotations

import base64
import random
import uuid

from collector.evaluate.detectors.scan import Detectors
from collector.views import Value

RANDOM = random.Random(20)
EACH = 200


def hexes(length: int) -> str:
    return "".join(RANDOM.choices("0123456789abcdef", k=length))


def cursor() -> str:
    return base64.b64encode(RANDOM.randbytes(48)).decode()


MAKERS = {
    "trace_id": lambda: hexes(32),
    "span_id": lambda: hexes(16),
    "request.id": lambda: str(uuid.UUID(int=RANDOM.getrandbits(128), version=4)),
    "vcs.ref.head.revision": lambda: hexes(40),
    "container.image.id": lambda: f"sha256:{hexes(64)}",
    "k8s.pod.name": lambda: f"checkout-{hexes(10)}-{hexes(5)}",
    "http.response.header.etag": lambda: f'W/"{hexes(32)}"',
    "cursor": cursor,
    "event.time": lambda: str(RANDOM.randrange(16 * 10**17, 18 * 10**17)),
    "order.id": lambda: str(RANDOM.randrange(10**17, 10**19)),
    "db.query.text": lambda: (
        "SELECT id, password, token FROM users WHERE email = ? AND password = $1 AND token = :t "
        f"LIMIT {RANDOM.randrange(999)}"
    ),
    "user_agent.original": lambda: (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        f"Chrome/{RANDOM.randrange(99, 140)}.0.0.0 Safari/537.36"
    ),
    "exception.stacktrace": lambda: (
        "java.lang.IllegalStateException: no token\n\tat com.shop.Token.read(Token.java:"
        f"{RANDOM.randrange(999)})\n\tat com.shop.Password$Check.run(Password.java:12)"
    ),
    "service.version": lambda: f"1.{RANDOM.randrange(99)}.0-rc.1+{hexes(7)}",
    "aws.ecs.task.arn": lambda: (
        f"arn:aws:ecs:eu-west-1:{RANDOM.randrange(10**11, 10**12)}:task/{hexes(32)}"
    ),
    "client.address": lambda: f"10.{RANDOM.randrange(256)}.{RANDOM.randrange(256)}.7",
    "url.full": lambda: (
        f"https://shop.internal:8443/cart/{RANDOM.randrange(10**9)}?page=2&sort=asc"
    ),
    "http.request.header.traceparent": lambda: f"00-{hexes(32)}-{hexes(16)}-01",
    "message": lambda: f"GET /cart/{RANDOM.randrange(10**6)} 200 in {RANDOM.randrange(999)} ms",
    "feature_flag.key": lambda: f"new-checkout-{RANDOM.randrange(99)}",
    "messaging.message.id": lambda: f"{hexes(8)}-{RANDOM.randrange(10**6)}",
    "http.request.header.x-amzn-trace-id": lambda: f"Root=1-{hexes(8)}-{hexes(24)}",
    "ulid": lambda: "01" + "".join(RANDOM.choices("0123456789ABCDEFGHJKMNPQRSTVWXYZ", k=24)),
    "code.stack": lambda: (
        f"github.com/shop/cart/v2@v2.{RANDOM.randrange(9)}.1/cart.go:{RANDOM.randrange(999)}"
    ),
    "browser.stack": lambda: (
        f"render@https://cdn.shop.io/app.{hexes(8)}.js:1:{RANDOM.randrange(99)}"
    ),
    "tracestate": lambda: f"dd=s:1;t.dm:-{RANDOM.randrange(9)},ot=th:8",
    "http.request.header.baggage": lambda: f"user.tier=gold,build={hexes(8)};ttl=30",
    "http.request.header.x-request-id": lambda: hexes(32),
    "session.id": lambda: str(uuid.UUID(int=RANDOM.getrandbits(128), version=4)),
    "date": lambda: f"20{RANDOM.randrange(10, 30)}-11-{RANDOM.randrange(10, 28)}T10:11:12.123456Z",
}


def test_ordinary_values_give_no_find() -> None:
    values = [Value(key, make(), True, ()) for key, make in MAKERS.items() for _ in range(EACH)]

    found = Detectors(b"key of the tests").found(values)

    assert [
        (values[index].key, values[index].text, hits[0].detector) for index, hits in found.items()
    ] == []
