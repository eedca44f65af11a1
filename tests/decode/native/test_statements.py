"""Queries without their values: the compiled decoder writes them as `collector.statements` does."""

from __future__ import annotations

import os
import random
import re
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collector import details, statements
from collector.decode.limits import Limits
from collector.decode.messages import REQUESTS
from collector.decode.reference import ReferenceDecoder
from collector.demand import Demand
from collector.views import Mark
from collector.violation import Signal

sys.path.insert(0, str(Path(__file__).parent))
from queries import GLUE, PIECES, query

pytest.importorskip("collector.decode.native.check", reason="the compiled decoder is not built")
from collector.decode.native import statements as native
from collector.decode.native.decoder import NativeDecoder

LONG = "LONG" in os.environ

PARTS = st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(GLUE)), max_size=30)
WRITTEN = PARTS.map(lambda parts: "".join(piece + glue for piece, glue in parts))
SIGNS = st.text(st.sampled_from("'\"\\?()-+*/,.:;@$%0123456789aeExXsv_ \n\t\x1c\u00a0\u2003é日"))
ANY = st.text(st.characters(exclude_categories=("Cs",)))
TEXTS = st.one_of(WRITTEN, SIGNS, ANY, st.tuples(WRITTEN, SIGNS, WRITTEN).map("".join))


# Always the same texts: what a build tells must not depend on luck. New ones: make differential.
@settings(max_examples=3000 if LONG else 1000, deadline=None, derandomize=True)
@given(TEXTS)
@example(".-0")
@example("%(1)s.5 %(1)s.b %s.5 0x8e-0*5 0x1E+7 0x1e-x 0x1e+1.5")
@example(":$0 @$1 :a$2 @a$b :$ @$ ::$3 @@$4")
@example("'a\\")
@example("N'x' 5 and N? and 1.5.2 and 'a'.2 and t.5")
@example('"a": :b and "c":d and `e 1` and "f 2" = 3')
@example("'a -- b' = 5 -- 'c\nd = 6 /* it's */ e = 7")
@example("$tag$ 5 $tag$ a$1 :b$2 @@c @d ]:e %sf %s")
@example("(?" + ", ?" * 1500 + ")")
@example("(?), (?) , (?)\u00a0, (?)")
@example("x" * 5000)
@example("1.5x 1e5x 0x1g +0x1 a-5 1-5 .5 5. 1.e5 1e+ 1E-7")
@example("/*/ '--' */ a --b\n c /* d")
@example("\u00a0" * 600 + "x" * 600)
def test_what_is_left_to_do_ends_in_what_the_reference_writes(text: str) -> None:
    for standard in (True, False):
        ours = native.masked(text, values_quoted=not standard)
        wanted = statements.masked(text, standard=standard)
        assert statements.masked(ours, standard=standard) == wanted


@settings(max_examples=2000 if LONG else 600, deadline=None)
@given(TEXTS)
@example("LIMIT 10,5 offset 12")
@example("OFFSET 000000000000000012 OFFSET 0000000000000000013")
@example('{"from": 70, "size": 5, "a": [{"from": 900}]}')
@example('[{"from": 70, "size": 5}]')
@example('{"from": 1234567890123456789, "from": 12 , "from" : 13x, "size":')
def test_it_skips_as_many_rows_as_by_the_reference(text: str) -> None:
    assert native.offset(text) == details._offset({"db.query.text": text})


@settings(max_examples=2000 if LONG else 600, deadline=None)
@given(TEXTS)
@example("INSERT INTO t VALUES (1), (2)")
@example("INSERT INTO t xVALUES (1), (2) values ( 1 )\n,\t( 2 )")
@example("SELECT a FROM t WHERE id IN (" + "?, " * 20 + "?)")
@example("SELECT a FROM t WHERE id in\n(" + "?, " * 19 + "?)")
@example("xIN (" + "?, " * 30 + ") IN (f(" + "?, " * 30)
@example("VALUES VALUES(1)\u00a0,(2)")
@example("VALUES (f(1), (2), ')') , (3)")
@example("VALUES (f(1), (2), 'a'')', 'it) VALUES (1), (2)")
@example("VALUES (1) VALUES (1), (2)")
def test_it_lists_rows_where_it_does_by_the_reference(text: str) -> None:
    assert native.lists_rows(text) == details._several_rows(text)


SYSTEMS = ("postgresql", "mysql", "MongoDB", "PostgreSQL", "redis", "Redis", "ünknown", "", None)


def request(texts: list[str], system: str | None = "postgresql"):
    message = REQUESTS[Signal.TRACES]()
    spans = message.resource_spans.add().scope_spans.add().spans
    for number, text in enumerate(texts, 1):
        span = spans.add(trace_id=b"t" * 16, span_id=number.to_bytes(8, "big"), kind=3)
        span.attributes.add(key="db.query.text").value.string_value = text
        if system is not None:
            span.attributes.add(key="db.system.name").value.string_value = system
    return message


def statements_of(make, message) -> list[statements.Statement]:
    """The statement that each span is shown with."""
    decoder = make(Demand(marks=Mark.WATCHED), Limits(trace_wait=1))
    decoder.watch(b"t" * 16)
    list(decoder.slices(Signal.TRACES, decoder.adopt(message), 1e9))
    (trace,) = decoder.drain(1e9).traces
    return [span.statement for span in trace.spans]


@settings(max_examples=300 if LONG else 100, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=12), st.integers(), st.sampled_from(SYSTEMS))
@example(["", "/*get*/", "/*set*/", ";", ",", " ;"], 1, "mysql")
@example(["/*get*/ x", "/*set*/ x", " x", "get x", "get y"], 1, "Redis")
def test_spans_of_one_profile_have_one_statement(
    texts: list[str], seed: int, system: str | None
) -> None:
    rng = random.Random(seed)
    texts += [re.sub(r"[0-9]", str(rng.randrange(10)), text) for text in texts]
    texts += [text.replace("a", rng.choice(("b", "'", "--"))) for text in texts]
    texts += [query(rng) for _ in range(10)]

    message = request(texts, system)
    assert statements_of(NativeDecoder, message) == statements_of(ReferenceDecoder, message)


MONGO = '{{"find": "t", "filter": {{"_id": {{"$in": {}}}}}, "lsid": "{:032x}\\n"}}'


@pytest.mark.parametrize(
    ("system", "texts"),
    [
        ("postgresql", [f"SELECT * FROM t WHERE id = {number}" for number in range(50)]),
        ("postgresql", [f"SELECT * FROM t WHERE a = 'it''s {number}'" for number in range(50)]),
        (
            "postgresql",
            [f"SELECT * FROM t /*traceparent='00-{number:032x}-01'*/" for number in range(50)],
        ),
        (
            "postgresql",
            [f"SELECT * FROM t WHERE id IN ({', '.join('?' * number)})" for number in range(1, 50)],
        ),
        (
            "postgresql",
            [f"INSERT INTO t VALUES {', '.join(['(1, 2)'] * number)}" for number in range(1, 50)],
        ),
        (
            "postgresql",
            [
                f"SELECT * FROM t WHERE a = {name}"
                for name in (":id", "@p", "$1", "%s", "%(id)s", "?")
            ],
        ),
        ("mongodb", [MONGO.format(list(range(number + 1)), number) for number in range(50)]),
        ("mysql", [f'SELECT * FROM t WHERE a = "it\\"s {number}"' for number in range(50)]),
        ("redis", [f"GET user:{number:x}" for number in range(50)]),
        ("Redis", [f"SET a {number} EX 5" for number in range(50)]),
    ],
)
def test_what_differs_in_values_alone_is_learned_once(system: str, texts: list[str]) -> None:
    decoder = NativeDecoder(Demand(marks=Mark.FAILED_SIBLING))
    before = decoder._scanner.profiles.in_use
    list(decoder.slices(Signal.TRACES, decoder.adopt(request(texts, system)), 1e9))

    assert decoder._scanner.profiles.in_use - before == 1
