"""What stands below a span is known without walking down from each."""

from collector.classify import SpanKind
from collector.evaluate.effects import Effect, Effects, served, succeeded
from collector.evaluate.tree import Tree
from collector.statements import Statement, Verb
from collector.views import Flag, Resource, Span
from collector.violation import Service

RESOURCE = Resource(Service("shop"), 1, frozenset(), {})


def span(name, parent="", kind=SpanKind.INTERNAL, **fields):
    made = {"status": 0, "start": 1, "end": 2, "flags": Flag(0), "attributes": {}} | fields
    return Span(
        span_id=name.encode().ljust(8), parent_id=parent.encode().ljust(8) if parent else b"",
        resource=RESOURCE, name=name, kind=kind, **made,
    )  # fmt: skip


def write(name, parent, table):
    return span(name, parent, statement=Statement("", Verb.INSERT, table, "mysql"))


def test_writes_and_publishes_are_known_of_every_span_above_them():
    spans = [
        span("a"),
        span("b", "a"),
        write("c", "b", "orders"),
        span("d", "a", SpanKind.PRODUCER, peer="mails"),
        span("e", "d", statement=Statement("", Verb.READ, "orders", "mysql")),
        span("f", "d", statement=Statement("", Verb.WRITE, "x", "redis")),
    ]
    effects = Effects(spans)

    assert {str(one) for one in effects.below(spans[0])} == {"insert orders", "publish mails"}
    assert effects.below(spans[1]) == {Effect("insert", "orders")}
    assert effects.below(spans[2]) == effects.below(spans[3]) == frozenset()


def test_a_span_remembers_a_few_effects_whatever_the_order():
    spans = [span("a"), *(write(f"w{n}", "a", f"t{n:03}") for n in range(100))]

    below = Effects(spans).below(spans[0])

    assert below == Effects(spans[::-1]).below(spans[0])
    assert len(below) == 16


def test_a_circle_of_parents_ends():
    spans = [span("a", "b"), write("b", "a", "t"), write("c", "c", "t")]

    assert Effects(spans).below(spans[0]) == {Effect("insert", "t")}
    assert [one.name for one in served(spans[0], Tree(spans))] == []


def test_who_served_a_call_is_found_past_a_proxy_but_not_past_a_server():
    spans = [
        span("a", kind=SpanKind.CLIENT),
        span("p", "a", SpanKind.CLIENT),
        span("s", "p", SpanKind.SERVER),
        span("q", "s", SpanKind.CLIENT),
        span("t", "q", SpanKind.SERVER),
        span("m", "a", SpanKind.CONSUMER),
        span("u", "m", SpanKind.SERVER),
    ]

    assert [one.name for one in served(spans[0], Tree(spans))] == ["s"]


def test_only_an_answer_that_is_told_counts_as_success():
    def worked(failed=False, status=0, **attributes):
        keys = {key.replace("_", "."): value for key, value in attributes.items()}
        if "http.status" in keys:
            keys["http.response.status_code"] = keys.pop("http.status")
        return succeeded(span("a", attributes=keys, failed=failed, status=status))

    assert worked(http_status=201)
    assert worked(http_status=302)
    assert worked()
    assert not worked(http_status=404)
    assert not worked(http_request_method="POST")
    assert not worked(error_type="timeout")
    assert not worked(status=2)
    assert not worked(failed=True, http_status=200)
