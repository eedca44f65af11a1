"""Texts of queries in many styles, well-formed and not."""

from __future__ import annotations

import random

#: What queries are made of: words, values, lists, parameters, comments, odd quoting, other letters.
PIECES = (
    "SELECT", "select * FROM orders", "DELETE FROM carts", "INSERT INTO outbox", "UPDATE t SET a =",
    "WHERE id =", "AND", "BEGIN", "COMMIT", "with x as (select 1)", "FROM", 'JOIN "public"."users"',
    "VALUES",
    "IN", "7", "42", "-1", "+3.5", "1e9", "1.5e-3", "0xFF", "0x", "0xg", "1.", ".5", "1.25x",
    "12ab", "1e5x", "a1", "t1.id", "x-5", "3-2", "99999999999999999999", "'ann'", "'it''s'",
    r"'a\'b'", "'", "''", "'--no comment'", "'/* none */'", "\\", "'\\\\", '"name"', '"', "`t`",
    "[t]", "$1", "$", "$12x", "a$1", ":id", "::text", ":", "a:b", "@p1", "@@x", "@", "%s",
    "%(name)s", "%(", "%(1)s", "%d", "?", "??", "(?, ?, ?)", "(1,2, 3)", "('a', 'b')", "(?", "?)",
    "( ? )", "()", "(1), (2)", "(?,x)", "(", ")", ",", ";", "-- line\n", "-- to the end",
    "/* sql */", "/*traceparent='00-0af7-b7ad-01'*/", "/*", "*/", "/*/", "--", "-", "/", "\n",
    "\t", "  ", "\x1c", "\u00a0", "\u2003", "ключ", "日本", "\u00e9", "OFFSET 20", "offset  700",
    "OFFSET 9999999999999999999", "OFFSET 5x", "LIMIT 10, 5", "limit 3 , 1", "LIMIT 10",
    "LIMIT 1,x", "xOFFSET 3", "OFFSET\n8", "OFFSET\u00a08",
    '{"find": "t", "skip": 30, "limit": 2}', '"skip" :4x', '"SKIP":5', "HGET user:12 name", "e5",
    "E", "VALUES (1, 2), (3, 4)", "values(", "VALUES (?)\n,\t(?)", '"from": 30', '"from" :4x',
    '"size":', "{", "}", "[", "]", '{"from":40,"size":5,"query":{"range":{"a":{"from":500}}}}',
)  # fmt: skip
GLUE = ("", " ", " ", " ", ", ", "(", ")", "\n")


def query(rng: random.Random) -> str:
    """A text; some are alike but for their values, and some are long."""
    way = rng.random()
    if way < 0.3:
        return f"SELECT * FROM t WHERE id = {rng.randrange(4)}{rng.choice(('', ' OFFSET 20'))}"
    if way < 0.4:
        many = ", ".join(str(rng.randrange(9)) for _ in range(rng.choice((1, 2, 3, 700))))
        return f"SELECT a FROM t WHERE id IN ({many})"
    if way < 0.45:
        return f"/*traceparent='{rng.getrandbits(128):032x}'*/ UPDATE t SET a = 'x'"
    pieces = rng.choices(PIECES, k=rng.choice((1, 2, 3, 5, 8, 400 if rng.random() < 0.1 else 4)))
    return "".join(piece + rng.choice(GLUE) for piece in pieces)
