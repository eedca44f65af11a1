"""What is read out of real statements: no value, the same text for the same query, verb, table."""

from time import process_time

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from collector.statements import NO_STATEMENT, Verb, masked, statement

LONGEST_KEPT = 512
UUID = "123e4567-e89b-12d3-a456-426614174000"

STANDARD = {
    # PostgreSQL
    "SELECT * FROM users WHERE id = 42": "SELECT * FROM users WHERE id = ?",
    "SELECT * FROM users WHERE id = $1": "SELECT * FROM users WHERE id = ?",
    "SELECT 'it''s', E'don\\'t', U&'d\\0061t', B'101', X'1F'": "SELECT ?",
    "SELECT $$it's $1$$, $fn$ $$ 5 $fn$ FROM t": "SELECT ? FROM t",
    "SELECT 'C:\\' AS a, 'b' FROM t": "SELECT ? AS a, ? FROM t",
    "SELECT 'a -- b', 5": "SELECT ?",
    "SELECT 'a /* b', 5 /* c */": "SELECT ?",
    "SELECT a -- it's a remark\nFROM t": "SELECT a FROM t",
    "SELECT a::int, b[1:2] FROM t WHERE c = -1.5e-3 AND d=.5": (
        "SELECT a::int, b[?:?] FROM t WHERE c = ? AND d=?"
    ),
    "SELECT data->'a'->>'b' FROM t WHERE tags ? 'x'": "SELECT data->?->>? FROM t WHERE tags ? ?",
    "SELECT id FROM t WHERE id IN (1, 2,3)": "SELECT id FROM t WHERE id IN (?)",
    "SELECT id FROM t WHERE (a, b) IN ((1, 2), (3, 4))": (
        "SELECT id FROM t WHERE (a, b) IN ((?))"
    ),
    "SELECT id FROM t WHERE id = ANY(ARRAY[1, 2, 3])": "SELECT id FROM t WHERE id = ANY(ARRAY[?])",
    "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)": "INSERT INTO t (a, b) VALUES (?)",
    "SELECT 1_000_000, 0x1F, 0b11, 1e10": "SELECT ?",
    "UPDATE t SET n = n + 1, m = n-1 WHERE x2 = 3": "UPDATE t SET n = n + ?, m = n-? WHERE x2 = ?",
    "COMMIT;": "COMMIT",
    # sqlcommenter
    "SELECT * FROM polls /*controller='index',traceparent='00-5bd66ef5095369c7-c0-01'*/": (
        "SELECT * FROM polls"
    ),
    "/* action='show' */ SELECT 1": "SELECT ?",
    # SQLAlchemy, psycopg
    "SELECT users.id AS users_id FROM users WHERE users.id = %(pk_1)s": (
        "SELECT users.id AS users_id FROM users WHERE users.id = ?"
    ),
    "INSERT INTO users (name, age) VALUES (%s, %s)": "INSERT INTO users (name, age) VALUES (?)",
    # Django on SQLite
    "SELECT \"app_t\".\"id\" FROM \"app_t\" WHERE \"app_t\".\"n\" LIKE '%a\\_b%' ESCAPE '\\'": (
        'SELECT "app_t"."id" FROM "app_t" WHERE "app_t"."n" LIKE ? ESCAPE ?'
    ),
    # ActiveRecord
    'SELECT "posts".* FROM "posts" WHERE "posts"."user_id" = 7 LIMIT 11': (
        'SELECT "posts".* FROM "posts" WHERE "posts"."user_id" = ? LIMIT ?'
    ),
    # Hibernate
    "select o1_0.id,o1_0.total from orders o1_0 where o1_0.id=?": (
        "select o1_0.id,o1_0.total from orders o1_0 where o1_0.id=?"
    ),
    "select u from User u where u.name like :name escape '!' and u.id = ?1": (
        "select u from User u where u.name like ? escape ? and u.id = ?"
    ),
    # Prisma
    'SELECT "public"."User"."id" FROM "public"."User" WHERE ("id" = $1 AND 1=1) OFFSET $2': (
        'SELECT "public"."User"."id" FROM "public"."User" WHERE ("id" = ? AND ?=?) OFFSET ?'
    ),
    # Entity Framework on SQL Server
    "SELECT TOP(1) [u].[Id] FROM [Users] AS [u] WHERE [u].[Name] = N'Bob' AND [u].[Id] = @__id_0": (
        "SELECT TOP(?) [u].[Id] FROM [Users] AS [u] WHERE [u].[Name] = ? AND [u].[Id] = ?"
    ),
    "SELECT [u].[Id] FROM [Users] AS [u] WHERE [u].[N] LIKE N'a\\%' ESCAPE N'\\' AND [u].[M] = 5": (
        "SELECT [u].[Id] FROM [Users] AS [u] WHERE [u].[N] LIKE ? ESCAPE ? AND [u].[M] = ?"
    ),
    "SELECT @@IDENTITY": "SELECT @@IDENTITY",
    # Oracle
    "SELECT * FROM emp@remote WHERE name = :1 AND hired > DATE '2020-01-01'": (
        "SELECT * FROM emp? WHERE name = ? AND hired > DATE ?"
    ),
    "SELECT q'[it's]' FROM v$session": "SELECT ?",
    # Cassandra
    f"SELECT * FROM ks.t WHERE id = {UUID} AND day = 1": (
        "SELECT * FROM ks.t WHERE id = ? AND day = ?"
    ),
    # what is no name is a value, whatever quotes it
    'SELECT * FROM t WHERE mail = "bob@example.com"': "SELECT * FROM t WHERE mail = ?",
    # cut in the middle of a value
    "SELECT * FROM t WHERE name = 'bo": "SELECT * FROM t WHERE name = ?",
    "SELECT 1 /* cut": "SELECT ?",
    "SELECT $$cut": "SELECT ?",
}  # fmt: skip

OTHER = {
    # MySQL
    "SELECT * FROM users WHERE name = \"O\\\"Brien\" AND a = 'it\\'s'": (
        "SELECT * FROM users WHERE name = ? AND a = ?"
    ),
    "SELECT `a``b`, `it's` FROM `t` WHERE x LIKE 'a\\\\' ESCAPE '\\\\'": (
        "SELECT `a``b`, `it's` FROM `t` WHERE x LIKE ? ESCAPE ?"
    ),
    "INSERT INTO t VALUES (1, 'a', NULL), (2, 'b', NULL)": (
        "INSERT INTO t VALUES (?, NULL), (?, NULL)"
    ),
    "SELECT * FROM t LIMIT 5000, 10": "SELECT * FROM t LIMIT ?",
    # MongoDB
    '{"find": "users", "filter": {"mail": "bob@example.com", "age": {"$gt": 5}, "on":true}}': (
        '{"find": ?, "filter": {"mail": ?, "age": {"$gt": ?}, "on":true}}'
    ),
    '{"aggregate": "t", "pipeline": [{"$match": {"_id": {"$in": ["a", "b"]}}}]}': (
        '{"aggregate": ?, "pipeline": [{"$match": {"_id": {"$in": [?]}}}]}'
    ),
    '{"find": "users", "filter": {"name": "bo': '{"find": ?, "filter": {"name": ?',
    # Elasticsearch
    '{"query":{"match":{"title":"a \\"quoted\\" one"}},"from":20}': (
        '{"query":{"match":{"title":?}},"from":?}'
    ),
    # DynamoDB
    "SELECT * FROM \"Orders\" WHERE OrderID = '7'": "SELECT * FROM ? WHERE OrderID = ?",
    # Neo4j
    'MATCH (n:Person {name: "Bob"}) RETURN n SKIP 10': "MATCH (n:Person {name: ?}) RETURN n SKIP ?",
    "SELECT 'cut\\": "SELECT ?",
}


@pytest.mark.parametrize(("query", "expected"), STANDARD.items())
def test_values_of_standard_sql_are_masked(query, expected):
    assert masked(query) == expected


@pytest.mark.parametrize(("query", "expected"), OTHER.items())
def test_values_in_double_quotes_and_behind_backslashes_are_masked(query, expected):
    assert masked(query, standard=False) == expected


SYSTEMS = [
    ("postgresql", True), ("microsoft.sql_server", True), ("oracle.db", True), ("sqlite", True),
    ("h2", True), ("cassandra", True), ("other_sql", True),
    ("mysql", False), ("mariadb", False), ("mongodb", False), ("elasticsearch", False),
    ("gcp.spanner", False), ("what it may be", False),
]  # fmt: skip


@pytest.mark.parametrize(("system", "standard"), SYSTEMS)
def test_each_system_is_read_as_it_quotes(system, standard):
    said = statement("n", {"db.system.name": system, "db.query.text": 'SELECT "a"'})

    assert said.text == ('SELECT "a"' if standard else "SELECT ?")


CALLS = [
    # what is sent, how the verb and the table read
    ("SELECT 1", Verb.READ, ""),
    ("(SELECT a FROM t) UNION (SELECT a FROM u)", Verb.READ, "t"),
    (
        "SELECT EXTRACT(year FROM created_at), TRIM(BOTH 'x' FROM b) FROM orders",
        Verb.READ,
        "orders",
    ),
    ("SELECT EXTRACT(epoch FROM (now() - created_at)) FROM orders", Verb.READ, "orders"),
    ("SELECT a IS DISTINCT FROM b FROM t", Verb.READ, "t"),
    ("SELECT * FROM (SELECT * FROM inner_t) x JOIN other ON true", Verb.READ, "inner_t"),
    ('SELECT "public"."User"."id" FROM "public"."User"', Verb.READ, "public.user"),
    ("SELECT [u].[Id] FROM [dbo].[Users] AS [u]", Verb.READ, "dbo.users"),
    ("SELECT * FROM ONLY parts FOR UPDATE SKIP LOCKED", Verb.READ, "parts"),
    ("WITH r AS (SELECT * FROM a) SELECT * FROM r FOR UPDATE", Verb.READ, "a"),
    ("WITH r AS (SELECT * FROM a) SELECT * FROM r FOR NO KEY UPDATE", Verb.READ, "a"),
    ("WITH r AS (SELECT 1) INSERT INTO b SELECT * FROM r", Verb.INSERT, "b"),
    ("INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET b = 2", Verb.INSERT, "t"),
    ("INSERT IGNORE INTO t VALUES (1)", Verb.INSERT, "t"),
    ("REPLACE INTO t VALUES (1)", Verb.INSERT, "t"),
    ("UPDATE t SET a = 1", Verb.WRITE, "t"),
    ("DELETE FROM t WHERE a = 1", Verb.WRITE, "t"),
    ("MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN UPDATE SET b = 1", Verb.WRITE, "t"),
    ("TRUNCATE TABLE t", Verb.WRITE, "t"),
    ("CREATE TABLE IF NOT EXISTS t (a int)", Verb.WRITE, "t"),
    ("BEGIN", Verb.BEGIN, ""),
    ("begin;", Verb.BEGIN, ""),
    ("BEGIN TRANSACTION ISOLATION LEVEL SERIALIZABLE", Verb.BEGIN, ""),
    ("BEGIN TRAN work", Verb.BEGIN, ""),
    ("BEGIN IMMEDIATE", Verb.BEGIN, ""),
    ("START TRANSACTION READ ONLY", Verb.BEGIN, ""),
    ("START REPLICA", Verb.OTHER, ""),
    ("BEGIN pay(:1); END;", Verb.OTHER, ""),
    ("BEGIN TRY", Verb.OTHER, ""),
    ("COMMIT", Verb.COMMIT, ""),
    ("END TRANSACTION", Verb.COMMIT, ""),
    ("ROLLBACK", Verb.ROLLBACK, ""),
    ("ROLLBACK TO SAVEPOINT s1", Verb.OTHER, ""),
    ("ROLLBACK TRANSACTION TO s1", Verb.OTHER, ""),
    ("ABORT", Verb.ROLLBACK, ""),
    ("SAVEPOINT s1", Verb.OTHER, ""),
    ("SET search_path TO a", Verb.OTHER, ""),
    ("FETCH FORWARD 100 FROM c1", Verb.OTHER, "c1"),
    ("CALL pay(1)", Verb.OTHER, ""),
    ('{"getMore": 5, "collection": "users"}', Verb.OTHER, ""),
    ("", Verb.OTHER, ""),
    ("'", Verb.OTHER, ""),
]


@pytest.mark.parametrize(("query", "verb", "table"), CALLS)
def test_verb_and_table_are_read_from_the_query(query, verb, table):
    said = statement("n", {"db.system": "postgresql", "db.statement": query})

    assert (said.verb, said.table) == (verb, table)


TOLD = [
    # without a query, and with one whose first word tells nothing
    ({"db.operation.name": "findAndModify", "db.collection.name": "Users"}, Verb.WRITE, "users"),
    ({"db.operation": "PutItem", "db.system": "dynamodb"}, Verb.INSERT, ""),
    ({"db.query.summary": "SELECT users orders"}, Verb.READ, "users"),
    ({"db.query.text": "db.users.find({})", "db.operation.name": "find"}, Verb.READ, ""),
    ({"db.query.text": "ROLLBACK TO s", "db.operation.name": "ROLLBACK"}, Verb.OTHER, ""),
    ({"db.query.text": "CALL p()"}, Verb.OTHER, ""),
    ({"db.query.text": 7}, Verb.READ, ""),
    ({}, Verb.READ, ""),
]


@pytest.mark.parametrize(("attributes", "verb", "table"), TOLD)
def test_other_attributes_and_the_name_tell_what_the_query_does_not(attributes, verb, table):
    said = statement("SELECT orders", {"db.system.name": "mongodb"} | attributes)

    assert (said.verb, said.table) == (verb, table)


def test_a_cache_tells_its_command_and_neither_keys_nor_values():
    said = statement("n", {"db.system": "redis", "db.statement": "GET session:bob@example.com"})

    assert (said.text, said.verb, said.effect) == ("", Verb.READ, False)


@pytest.mark.parametrize(
    ("name", "verb"),
    [
        ("sql.conn.begin_tx", Verb.BEGIN),
        ("sql.tx.commit", Verb.COMMIT),
        ("sql.tx.rollback", Verb.ROLLBACK),
        ("db.Begin", Verb.BEGIN),
        ("sql.conn.exec", Verb.OTHER),
    ],
)
def test_wrappers_of_database_sql_name_their_spans_after_its_methods(name, verb):
    assert statement(name, {"db.system": "postgresql"}).verb is verb


def test_other_spans_say_nothing():
    assert statement("SELECT t", {"db.query.text": "SELECT 1"}) is NO_STATEMENT


LONG = "select " + ", ".join(f"o1_0.column_{n}" for n in range(80)) + " from orders o1_0 where "


def test_of_a_long_query_the_verb_and_the_condition_are_kept():
    one, other = (
        statement("n", {"db.system.name": "postgresql", "db.query.text": f"{LONG}o1_0.{key}=?"})
        for key in ("id", "parent_id")
    )

    assert one != other
    assert one.text.startswith("select o1_0.column_0, ")
    assert one.text.endswith(" from orders o1_0 where o1_0.id=?")
    assert len(one.text) <= LONGEST_KEPT
    assert (one.verb, one.table) == (Verb.READ, "orders")


def test_lists_that_are_longer_than_what_is_read_are_equal():
    texts = {
        masked("SELECT * FROM t WHERE id IN (" + ", ".join(map(str, range(1, n))) + ")")
        for n in (2000, 3000)
    }

    assert texts == {"SELECT * FROM t WHERE id IN (?"}


QUOTED = st.text(max_size=12).map(lambda text: text.replace("'", "''").replace("\\", "\\\\"))
NUMBERS = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(str),
    st.integers(0, 2**64).map(hex),
)
LITERALS = st.one_of(NUMBERS, st.builds("'{}'".format, QUOTED), st.uuids().map(str))
SHAPES = st.sampled_from(
    (
        "SELECT a FROM t WHERE b = {}",
        "SELECT a FROM t WHERE b={} AND c IN ({}, {}) -- done",
        "INSERT INTO t (a, b) VALUES ({},{}), ({}, {})",
        "UPDATE t SET a1 = {} WHERE b < {} /* {} */",
        "SELECT f({}) || {}",
        "SELECT a FROM t LIMIT {} OFFSET {}",
    )
)


def filled(shape, literals):
    return shape.format(*literals[: shape.count("{}")])


SIX = st.lists(LITERALS, min_size=6, max_size=6)


@given(shape=SHAPES, one=SIX, other=SIX, standard=st.booleans())
def test_texts_that_differ_in_literals_alone_are_equal(shape, one, other, standard):
    assume(not any("*/" in literal for literal in (*one, *other)))

    masks = {masked(filled(shape, literals), standard=standard) for literals in (one, other)}

    assert len(masks) == 1


@given(
    secret=st.from_regex(r"[a-z]{8}", fullmatch=True),
    shape=SHAPES,
    around=QUOTED,
    standard=st.booleans(),
)
def test_no_string_literal_is_left(secret, shape, around, standard):
    query = filled(shape, [f"'{around}{secret}{around}'"] * 6)

    assert secret not in masked(query, standard=standard)


PIECES = [
    "'", '"', "`", "\\", "$", "$$", "$a$", "--", "/*", "*/", "\n", " ", "(", ")", ",", "?", ":",
    "@", "%", "%s", "%(", "a", "E", "N'", "q'", "1", "-", ".", "e", "0x", "[", "]", "{", "}", ";",
    "é", "…", UUID, "SELECT", "FROM", "ESCAPE",
]  # fmt: skip
HOSTILE = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


@given(query=HOSTILE, standard=st.booleans())
@example(query="'a\\", standard=False)
@example(query='"', standard=True)
def test_what_is_masked_stays_as_it_is(query, standard):
    once = masked(query, standard=standard)
    assume(len(once) < LONGEST_KEPT)

    assert masked(once, standard=standard) == once


@given(query=st.one_of(HOSTILE, st.text()), name=st.text(), system=st.sampled_from(["mysql", "h2"]))
def test_any_text_is_read_within_its_bounds(query, name, system):
    said = statement(name, {"db.system": system, "db.statement": query, "db.query.summary": name})

    assert len(said.text) <= LONGEST_KEPT
    assert len(said.table) <= 128


@settings(deadline=None, max_examples=60)
@given(pieces=st.lists(st.sampled_from(PIECES), min_size=1, max_size=3), standard=st.booleans())
def test_the_time_is_linear_in_the_length_of_what_is_sent(pieces, standard):
    query = ("".join(pieces) * 4096)[:4096]

    before = process_time()
    masked(query, standard=standard)
    statement("n", {"db.system": "mysql", "db.statement": query})

    assert process_time() - before < 0.1
