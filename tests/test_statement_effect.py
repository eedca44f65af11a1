"""What counts as a change of data that must not happen twice."""

import pytest

from collector.statements import removes, statement


def effect(query, system="postgresql"):
    return statement("span", {"db.system.name": system, "db.query.text": query}).effect


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO orders (id) VALUES ($1)",
        "UPDATE orders SET total = 1 WHERE id = 2",
        "INSERT INTO orders (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET total = 1",
        "DELETE FROM carts WHERE id = ?",
    ],
)
def test_writes_are_effects(query):
    assert effect(query)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1",
        "INSERT INTO orders (id) VALUES ($1) ON CONFLICT DO NOTHING",
        "INSERT INTO orders (id) VALUES ($1) on conflict (id) do nothing",
        "INSERT IGNORE INTO orders (id) VALUES (?)",
        "INSERT OR IGNORE INTO orders (id) VALUES (?)",
        "INSERT INTO idempotency_keys (key) VALUES (?)",
        "UPDATE shop.idempotent_requests SET answer = ? WHERE key = ?",
        "INSERT INTO processed_messages (id) VALUES (?)",
        "INSERT INTO ProcessedEvents (id) VALUES (?)",
        "INSERT INTO message_dedup (id) VALUES (?)",
    ],
)
def test_what_says_that_something_was_seen_is_none(query):
    assert not effect(query)


@pytest.mark.parametrize(
    "told", ["DELETE FROM t WHERE id = ?", '{"delete": "t"}', "deleteOne", "delete_many", "Remove"]
)
def test_removals(told):
    assert removes(told)


@pytest.mark.parametrize(
    "told",
    [
        "",
        "?",
        "UPDATE t SET deleted = ?",
        "INSERT INTO removals",
        "GET",
        "DELETE FROM items WHERE id = ?; INSERT INTO items (id) VALUES (?)",
        "DELETE FROM a USING b; UPDATE b SET c = c + ?",
    ],
)
def test_what_is_no_removal(told):
    assert not removes(told)


def test_copies_are_none():
    assert not effect("SET key 1", "redis")
