"""What lasts long, comes from elsewhere, or is no request at all."""

from __future__ import annotations

from ordinary.calls import cache, fetch, process_message, publish, query, rpc, serve
from ordinary.tracing import CLIENT, CONSUMER, ERROR, INTERNAL, SERVER, Trace
from ordinary.world import World


def websocket(t: Trace, world: World) -> None:
    """A connection for minutes; what arrives on it stands below a span that has not ended."""
    chat = world["chat"]
    ends = t.now + t.random.uniform(20, 400)
    switched = {"http.response.status_code": 101}
    with serve(t, chat, "GET", "/ws/{room}", "/ws/7", **switched):
        while t.now < ends:
            t.now += t.random.expovariate(1 / 4)
            with t.span(chat, INTERNAL, "/ws/{room} websocket receive"):
                t.work(0.1)
            cache(t, chat, "PUBLISH", "room:7")
            with t.span(chat, INTERNAL, "/ws/{room} websocket send"):
                t.work(0.1)


def sent_events(t: Trace, world: World) -> None:
    """Server-sent events: the handler asks its database every other second."""
    notes = world["notifications"]
    ends = t.now + t.random.uniform(15, 120)
    said = {"http.response.header.content-type": ["text/event-stream"]}
    with serve(t, notes, "GET", "/events", **said):
        while t.now < ends:
            query(t, notes, "SELECT id, body FROM notes WHERE id > $1", rows=0)
            t.now += 2


def subscriber(t: Trace, world: World) -> None:
    """A client of such events, of a websocket, of a long poll, of a stream of flags."""
    world_of = {
        "events": ("hooks.example", "/v1/events/stream", 200, "text/event-stream"),
        "socket": ("feed.example", "/ws", 101, None),
        "poll": ("consul", "/v1/health/service/cart?wait=55s&index=7", 200, None),
        "watch": ("kubernetes.default", "/api/v1/pods?watch=true", 200, None),
    }
    host, path, status, content = world_of[t.random.choice(list(world_of))]
    said = {"http.response.status_code": status}
    if content:
        said["http.response.header.content-type"] = [content]
    with (
        t.span(world["webhooks"], INTERNAL, "subscription"),
        fetch(t, world["webhooks"], host, "GET", path, **said),
    ):
        t.now += t.random.uniform(31, 56)


def flag_stream(t: Trace, world: World) -> None:
    """Flags are streamed to each service for ten minutes at a time."""
    shop, flagd = world["cart"], world["flagd"]
    said = {"rpc.system.name": "grpc", "rpc.method": "flagd.evaluation.v1.Service/EventStream"}
    with (
        t.span(shop, CLIENT, "flagd.evaluation.v1.Service/EventStream", said),
        t.span(flagd, SERVER, "flagd.evaluation.v1.Service/EventStream", said),
    ):
        t.now += t.random.uniform(60, 600)


def workflow(t: Trace, world: World) -> None:
    """A workflow of minutes, whose activities ask for work by long polls."""
    flow, pricing = world["workflow"], world["pricing"]
    polled = {
        "rpc.system.name": "grpc",
        "rpc.method": "temporal.api.workflowservice.v1.WorkflowService/PollActivityTaskQueue",
        "server.address": "temporal",
        "rpc.response.status_code": "OK",
    }
    with t.span(flow, INTERNAL, "RunWorkflow:Restock"):
        for _ in range(t.random.randrange(2, 6)):
            t.now += t.random.uniform(1, 20)
            with (
                t.span(flow, INTERNAL, "RunActivity:Reprice"),
                rpc(t, flow, pricing, "shop.Pricing/Reprice"),
            ):
                t.work(20)
    other = t.other()
    with (
        other.span(flow, INTERNAL, "worker"),
        other.span(flow, CLIENT, polled["rpc.method"], polled),
    ):
        other.now += 60


def assistant(t: Trace, world: World) -> None:
    """A language model takes its time."""
    helper = world["assistant"]
    said = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "server.address": "api.openai.example",
    }
    with serve(t, helper, "POST", "/ask"):
        with t.span(helper, CLIENT, "chat gpt-4o", said):
            t.now += t.random.uniform(2, 50)
        t.log(helper, "answered")


def invoice(t: Trace, world: World) -> None:
    """A function behind X-Ray, whose parent nobody here has seen."""
    fn = world["invoices"]
    t.unseen_parent()
    said = {"faas.trigger": "http", "faas.coldstart": t.chance(0.02), "http.route": "/invoices"}
    with t.span(fn, SERVER, "invoices", said):
        aws = {"rpc.system": "aws-api", "rpc.service": "DynamoDB", "rpc.method": "PutItem"}
        with t.span(fn, CLIENT, "DynamoDB.PutItem", aws | {"db.system": "dynamodb"}):
            t.work(6)


def thumbnail(t: Trace, world: World) -> None:
    """A function that is handed several messages, each linked to its sender."""
    media, fn = world["media"], world["thumbnailer"]
    with t.span(media, INTERNAL, "upload"):
        sent = publish(t, media, "thumbnails", system="aws_sqs")
    after = t.other(t.now + t.random.uniform(0.05, 2))
    after.unseen_parent()
    said = {"messaging.batch.message_count": 1, "faas.trigger": "pubsub"}
    with process_message(after, fn, "thumbnails", system="aws_sqs", links=[sent], **said):
        with fetch(after, fn, "bucket.s3.amazonaws.com", "GET", "/i/2"):
            after.work(30)
        with fetch(after, fn, "bucket.s3.amazonaws.com", "PUT", "/i/2-small"):
            after.work(50)


def beacon(t: Trace, world: World) -> None:
    """Browsers call on their own: their spans are CLIENT roots."""
    browser, gateway = world["web-frontend"], world["api-gateway"]
    with (
        fetch(t, browser, "shop.example", "POST", "/beacon", **{"http.response.status_code": 204}),
        serve(t, gateway, "POST", "/beacon", **{"http.response.status_code": 204}),
    ):
        pass


def batch(t: Trace, world: World) -> None:
    """A batch of Kafka's, linked to those who sent it; each message is one more row."""
    sender, reader = world["iot-gateway"], world["warehouse"]
    sent = []
    for _ in range(t.random.randrange(2, 6)):
        one = t.other()
        with one.span(sender, SERVER, "iot.Devices/Report", {"rpc.system": "grpc"}):
            said = {"messaging.kafka.message.key": str(t.random.randrange(10**6))}
            sent.append(publish(one, sender, "readings", **said))
    t.now += 0.3
    counted = {"messaging.batch.message_count": 40}
    received = {"messaging.operation.type": "receive", "messaging.system": "kafka"}
    with t.span(reader, CONSUMER, "receive readings", received | counted, links=sent) as span:
        t.work(5)
    if t.chance(0.3):  # a listener for batches does the same query for each
        with (
            t.under(span.where),
            process_message(t, reader, "readings", links=sent, **counted),
        ):
            for _ in range(40):
                query(t, reader, "INSERT INTO readings (device, value) VALUES (?, ?)", ms=0.3)
        return
    for one in sent:
        with (
            t.under(span.where),
            process_message(t, reader, "readings", links=[one]),
        ):
            query(t, reader, "INSERT INTO readings (device, value) VALUES (?, ?)", ms=0.3)


def mailing(t: Trace, world: World) -> None:
    """RabbitMQ and SQS: ids on the spans that receive and on those that process, second tries."""
    billing, email = world["billing"], world["email"]
    system = t.random.choice(("rabbitmq", "aws_sqs", "servicebus"))
    message = {"messaging.message.id": t.random.randbytes(8).hex()}
    counted = {
        "rabbitmq": "messaging.rabbitmq.delivery_tag",
        "aws_sqs": "ApproximateReceiveCount",
        "servicebus": "messaging.servicebus.message.delivery_count",
    }[system]
    with t.span(billing, INTERNAL, "tasks.remind"):
        sent = publish(t, billing, f"mails.{system}", system=system, **message)
    failing = t.chance(0.01)
    for number in range(2 if failing else 1):
        t.now += 0.1 + 5 * number
        count = {counted: str(number + 1) if system == "aws_sqs" else number + 1}
        got = {"messaging.operation.type": "receive", "messaging.system": system}
        with (
            t.under(sent),
            t.span(email, CONSUMER, f"receive mails.{system}", got | message | count),
        ):
            t.work(1)
            said = message | count
            with process_message(t, email, f"mails.{system}", system=system, **said) as span:
                if failing and number == 0:
                    span.status, span.attributes["error.type"] = ERROR, "SMTPException"
                    continue
                query(t, email, "INSERT INTO sent_mails (id) VALUES (?)", system="mysql")


def inbox(t: Trace, world: World) -> None:
    """A message that comes twice is known by its id, which a table of the consumer keeps."""
    billing, accounting = world["billing"], world["accounting"]
    message = {"messaging.message.id": t.random.randbytes(8).hex()}
    with t.span(billing, INTERNAL, "tasks.settle"):
        sent = publish(t, billing, "settlements", system="rabbitmq", **message)
    claim = "INSERT INTO processed_messages (id) VALUES (@p0) ON CONFLICT DO NOTHING"
    for number in range(2 if t.chance(0.02) else 1):
        t.now += 0.1
        with (
            t.under(sent),
            process_message(t, accounting, "settlements", system="rabbitmq", **message),
        ):
            query(t, accounting, claim)
            if number == 0:
                query(t, accounting, "INSERT INTO settlements (id) VALUES (@p0)")


def counted_ids(t: Trace, world: World) -> None:
    """Queues that number their messages by themselves, each from one."""
    warehouse, fraud = world["warehouse"], world["fraud"]
    number = int(t.now * 1e5)
    for queue in ("picks", "packs"):
        message = {"messaging.message.id": str(number)}
        one = t.other()
        with one.span(warehouse, INTERNAL, "handheld"):
            sent = publish(one, warehouse, queue, system="jms", **message)
        with one.under(sent), process_message(one, fraud, queue, system="jms", **message):
            query(one, fraud, f"INSERT INTO {queue} (id) VALUES (?)", system="mysql")


def empty_receive(t: Trace, world: World) -> None:
    """Consumers ask again and again, and mostly there is nothing."""
    process = world[t.random.choice(("warehouse", "billing", "accounting"))]
    said = {
        "messaging.system": "kafka",
        "messaging.operation.type": "receive",
        "messaging.destination.name": "orders",
        "messaging.batch.message_count": 0,
    }
    kind = CLIENT if process.service == "billing" else CONSUMER
    with t.span(process, kind, "receive orders", said):
        t.now += t.random.uniform(0.1, 1)


def sqs_poll(t: Trace, world: World) -> None:
    """A long poll of SQS, as botocore tells of it."""
    said = {"rpc.system": "aws-api", "rpc.service": "SQS", "rpc.method": "ReceiveMessage"}
    with t.span(world["billing"], CLIENT, "SQS.ReceiveMessage", said):
        t.now += 20
