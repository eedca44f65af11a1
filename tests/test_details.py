"""What tells two spans apart: ids, tenants, rows that were skipped and returned."""

from time import process_time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.classify import SpanKind
from collector.details import (
    NO_DETAILS,
    TENANTS,
    BatchSize,
    IdentityKind,
    detail_keys,
    details,
    id_text,
)

KEYS = detail_keys(
    ("idempotency.key", "http.request.header.idempotency-key"),
    ("tenant.id", "tenant_id", "Tenant-Id", "org.id"),
    ("request.fingerprint",),
)


def said(attributes, kind=SpanKind.CLIENT):
    return details(kind, attributes, KEYS)


OFFSETS = [
    # PostgreSQL, SQLite, MySQL, SQL Server and Oracle, Cosmos DB, Neo4j, Firebird, MongoDB
    ("SELECT * FROM t ORDER BY a LIMIT 10 OFFSET 5000", 5000),
    ("select * from t limit 10\noffset 5000;", 5000),
    ("SELECT * FROM t LIMIT 5000, 10", 5000),
    ("SELECT * FROM t LIMIT 5000,10", 5000),
    ("SELECT * FROM t ORDER BY a OFFSET 5000 ROWS FETCH NEXT 10 ROWS ONLY", 5000),
    ("SELECT * FROM c OFFSET 5000 LIMIT 10", 5000),
    ("MATCH (n) RETURN n SKIP 5000 LIMIT 10", 5000),
    ("SELECT FIRST 10 SKIP 5000 * FROM t", 5000),
    ('{"find": "t", "skip": 5000, "limit": 10}', 5000),
    ('{"aggregate": "t", "pipeline": [{"$skip": 5000}]}', 5000),
    ("SELECT * FROM (SELECT * FROM t OFFSET 7) x OFFSET 5", 7),
    ("SELECT * FROM t OFFSET 99999999999", 2**32 - 1),
    # a search of Elasticsearch or OpenSearch, and ranges, which are none
    ('{"from": 5000, "size": 10, "query": {"match_all": {}}}', 5000),
    ('{"query":{"match_all":{}},"size":10,"from":5000}', 5000),
    ('{"size": 10, "query": {"range": {"price": {"from": 5000, "to": null}}}}', 0),
    ('{"from": 5000, "to": 6000}', 0),
    # of what is not told, nothing is known
    ("SELECT * FROM t LIMIT 10 OFFSET ?", 0),
    ("SELECT * FROM t LIMIT 10 OFFSET $2", 0),
    ("SELECT * FROM t LIMIT ?, ?", 0),
    ("SELECT * FROM t LIMIT 5000", 0),
    ("SELECT a FROM t WHERE b IN (SELECT b FROM u LIMIT 5000), c", 0),
    ("SELECT * FROM t FOR UPDATE SKIP LOCKED LIMIT 5000", 0),
    ("SELECT utc_offset 5000 FROM t", 0),
    ("SELECT a[OFFSET(5000)] FROM t", 0),
    (f"SELECT * FROM t OFFSET {'9' * 40}", 0),
    ("OFFSET", 0),
    ("", 0),
    (7, 0),
]


@pytest.mark.parametrize(("query", "offset"), OFFSETS)
@pytest.mark.parametrize("key", ["db.query.text", "db.statement"])
def test_the_offset_of_a_query(key, query, offset):
    assert said({key: query}).offset == offset


URLS = [
    ("http://es:9200/orders/_search?from=5000&size=10", 5000),
    ("http://es:9200/orders/_search?size=10&from=5000#x", 5000),
    ("http://couch:5984/db/_all_docs?skip=5000", 5000),
    ("http://es:9200/orders/_search?from=now-5000", 0),
    ("http://es:9200/orders/_search?xfrom=5000", 0),
    (f"http://es:9200/{'x' * 2048}?from=5000", 0),
]


@pytest.mark.parametrize(("url", "offset"), URLS)
@pytest.mark.parametrize("key", ["url.full", "http.url"])
def test_the_offset_in_the_url_of_a_database(key, url, offset):
    assert said({key: url, "db.system": "elasticsearch"}).offset == offset
    assert said({key: url}).offset == 0


PARAMETERS = [
    ({"db.query.parameter.offset": "5000"}, 5000),
    ({"db.query.parameter.offset": 5000}, 5000),
    ({"db.query.parameter.skip": "5000"}, 5000),
    ({"db.operation.parameter.skip": 5000}, 5000),
    ({"db.query.parameter.offset": 5, "db.query.text": "SELECT 1 OFFSET 7"}, 7),
    ({"db.query.parameter.offset": -5}, 0),
    ({"db.query.parameter.offset": "many"}, 0),
    ({"db.query.parameter.offset": True}, 0),
    ({"db.query.parameter.limit": 5000}, 0),
    ({"offset": 5000}, 0),
]


@pytest.mark.parametrize(("attributes", "offset"), PARAMETERS)
def test_the_offset_among_the_parameters(attributes, offset):
    assert said(attributes).offset == offset


@pytest.mark.parametrize(
    ("value", "rows"), [(5, 5), (0, 0), (-5, 0), (2**40, 2**32 - 1), ("5", 0), (True, 0), (5.0, 0)]
)
def test_the_rows_that_a_query_returned(value, rows):
    assert said({"db.response.returned_rows": value}).rows == rows


BATCHES = [
    ({"db.operation.batch.size": 5}, BatchSize.TOLD),
    ({"db.operation.batch.size": 0}, BatchSize.EMPTY),
    ({"messaging.batch.message_count": 0}, BatchSize.EMPTY),
    ({"messaging.batch.message_count": 0, "db.operation.batch.size": 2}, BatchSize.TOLD),
    ({"db.operation.batch.size": "5"}, BatchSize.UNTOLD),
    ({"db.operation.batch.size": True}, BatchSize.UNTOLD),
    ({"db.query.text": "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)"}, BatchSize.TOLD),
    ({"db.statement": "insert into t values\n(?, now())\n, (?, now())"}, BatchSize.TOLD),
    ({"db.statement": "UPDATE t SET a = v.a FROM (VALUES (1, 2),(3, 4)) v"}, BatchSize.TOLD),
    ({"db.query.text": "INSERT INTO t (a, b) VALUES ($1, $2)"}, BatchSize.UNTOLD),
    ({"db.query.text": "SELECT f(a), (b) FROM t"}, BatchSize.UNTOLD),
    ({"db.query.text": f"SELECT * FROM t WHERE id IN ({'?, ' * 20}?)"}, BatchSize.TOLD),
    ({"db.query.text": f"SELECT * FROM t WHERE id IN ({'?, ' * 19}?)"}, BatchSize.UNTOLD),
    ({"db.query.text": "SELECT * FROM t WHERE a = ? AND b IN ('x', 'y')"}, BatchSize.UNTOLD),
    ({}, BatchSize.UNTOLD),
]


@pytest.mark.parametrize(("attributes", "batch"), BATCHES)
def test_whether_a_span_tells_of_its_size(attributes, batch):
    assert said(attributes).batch is batch


IDS = [
    ("a", "a"), (7, "7"), (("a",), "a"), ((7,), "7"), (("a", "b"), ""), ((("a",),), ""), ((), ""),
    (True, ""), (1.5, ""), (None, ""),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text"), IDS)
def test_what_is_an_id(value, text):
    assert id_text(value) == text


UUID = "a1b2c3d4-0000-4000-8000-00000000abcd"


@pytest.mark.parametrize(
    "text",
    [UUID.upper(), f"{{{UUID}}}", f"{{{UUID.upper()}}}", f"urn:uuid:{UUID}", UUID.replace("-", "")],
)
def test_a_tenant_is_the_same_however_its_uuid_is_written(text):
    assert said({"tenant.id": text}).tenant == said({"tenant.id": UUID}).tenant


@pytest.mark.parametrize("text", ["ACME", f"{UUID}x", f"x{UUID}", UUID.replace("-", "", 1)])
def test_what_is_no_uuid_is_read_as_it_stands(text):
    assert said({"tenant.id": text}).tenant != said({"tenant.id": text.swapcase()}).tenant


def test_an_idempotency_key_names_the_work_of_a_span():
    one, same, other = (
        said({"http.request.header.idempotency-key": value}, SpanKind.SERVER)
        for value in (("k1",), "k1", ("k2",))
    )

    assert one.identity_kind is IdentityKind.KEY
    assert one.identity == same.identity != other.identity


def test_the_id_of_a_message_names_the_work_of_a_consumer_and_of_no_other():
    attributes = {"messaging.message_id": "m1", "idempotency.key": "k1"}
    consumer, server = said(attributes, SpanKind.CONSUMER), said(attributes, SpanKind.SERVER)

    assert consumer.identity_kind is IdentityKind.MESSAGE
    assert server.identity_kind is IdentityKind.KEY
    assert said({"messaging.message.id": "m1"}, SpanKind.SERVER).identity == 0


def test_beside_an_identity_rows_are_not_told():
    told = said({"idempotency.key": "k", "db.response.returned_rows": 5})

    assert (told.rows, told.offset) == (0, 0)


def test_a_fingerprint_is_of_a_request_that_was_served():
    attributes = {"request.fingerprint": "f"}

    assert said(attributes, SpanKind.SERVER).fingerprint != 0
    assert said(attributes, SpanKind.CLIENT).fingerprint == 0


def test_tenants_are_compared_under_one_attribute_however_it_is_spelled():
    dotted, scored, dashed = (
        said({k: "t1"}).tenant for k in ("tenant.id", "tenant_id", "Tenant-Id")
    )
    other = said({"org.id": "t1"}).tenant

    assert dotted == scored == dashed
    assert dotted // TENANTS != other // TENANTS


def test_no_attribute_tells_nothing():
    assert said({}) == NO_DETAILS
    assert said({"tenant.id": "", "idempotency.key": ()}) == NO_DETAILS


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=5,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(st.sampled_from(sorted(KEYS.all | {"db.query.text"})), VALUES),
    st.sampled_from(SpanKind),
)
def test_any_value_is_read_within_its_bounds(attributes, kind):
    told = said(attributes, kind)

    assert 0 <= told.offset < 2**32
    assert 0 <= told.rows < 2**32


PIECES = ["OFFSET", "LIMIT", "SKIP", '"skip"', " ", ":", ",", "9"]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=3))
def test_the_time_is_linear_in_the_length_of_the_query(pieces):
    query = ("".join(pieces) * 4096)[:4096]

    before = process_time()
    said({"db.query.text": query})

    assert process_time() - before < 0.1
