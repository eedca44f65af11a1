"""Texts are made shorter in whole words, and no part of a token is left."""

import pytest

from collector import classify, statements, wholes
from collector.wholes import GAP

#: With the form of a token, and of no issuer.
TOKEN = "tok_" + "K9e4XM3V2Q45Qp7DcwZOy2rH87JoBa" + "30HIZ5"


def parts(text):
    """Whether six characters in a row of the token stand in a text, in any case."""
    return parts_of(TOKEN[4:], text)


def parts_of(token, text):
    secret = token.lower()
    return [
        secret[at : at + 6] for at in range(len(secret) - 5) if secret[at : at + 6] in text.lower()
    ]


@pytest.mark.parametrize("before", ["orders ", "/orders/", "GET /a/b", "1234 ", "x"])
@pytest.mark.parametrize("length", range(90, 170, 3))
def test_half_a_token_is_never_left(before, length):
    text = (before * length)[:length] + " " + TOKEN + " and more" * 20
    for most in (128, 160):
        shown = wholes.cut(text, most)
        assert len(shown) <= most
        assert TOKEN in shown or not parts(shown)


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("short", 5, "short"),
        ("GET /orders/of/customers", 20, f"GET /orders/of{GAP}"),
        ("card 4111 1111 1111 1111 x", 20, f"card{GAP}"),
        ("a" * 30, 20, GAP),
        ("", 0, ""),
    ],
)
def test_what_stays_ends_with_a_word(text, most, shown):
    assert wholes.cut(text, most) == shown


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("select o1_0.id,o1_0.name", "select o1_0.id,o1_0.name"),
        ("select o1_0.id,o1_0.customer_id", f"select o1_0.id,o1_0.{GAP}"),
        ("SELECT t0.id, t0.customers FROM", f"SELECT t0.id, t0.{GAP}"),
        ("a" * 30, GAP),
    ],
)
def test_of_a_query_as_much_stays_as_has_whole_names(query, shown):
    assert wholes.cut_query(query, 25) == shown


@pytest.mark.parametrize("length", range(60, 160, 3))
def test_of_a_query_that_is_made_shorter_no_half_token_is_left(length):
    said = statements.masked(("SELECT a,b" * length)[:length] + f" {TOKEN} " + "zzz " * 40)
    assert not parts(wholes.cut_query(said, 100))


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Orders", "orders"),
        ("public.OrderItems2024", "public.OrderItems2024"),
        ("PROVIDER_NOT_READY", "provider_not_ready"),
        (f"no {TOKEN}", f"no {TOKEN}"),
        (f"no {'QRST' * 5}", f"no {'QRST' * 5}"),
    ],
)
def test_case_is_kept_where_it_may_be_the_form_of_a_token(text, folded):
    assert wholes.lower(text) == folded


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("orders-2024", "orders-{id}"),
        ("checkout-7d9f8b6c5-x2x4z", "checkout-7d9f8b6c5-x2x4z"),
        ("consumer-group-5f3a9c1b2d3e4f50", "consumer-group-{id}"),
        ("process-order-123456-of-customer-77", "process-order-{id}-of-customer-77"),
        ("v2-process-S3-upload-123456", "v2-process-S3-upload-{id}"),
        ("ORDER_CREATED_OF_123456", "ORDER_CREATED_OF_{id}"),
        ("handleHTTPRequestOfACustomer-123456", "handleHTTPRequestOfACustomer-{id}"),
        ("AUTHORIZATION_REQUESTED-123456", "AUTHORIZATION_REQUESTED-{id}"),
        ("exportOrders20240131to20240228", "exportOrders{id}to{id}"),
        ("processOrder2024ForCustomer", "processOrder{id}ForCustomer"),
        (f"login with {TOKEN} failed", "login with tok_{id} failed"),
        ("POST /bot640828556:AAGVInJsvo7rvVvV543u4pDjcCknghoP762K", "POST /bot{id}:{id}"),
        ("mail to okafor154@mail.example.org now", "mail to {id} now"),
        ("mail to okafor%2Bshop1540%40mail.example.org now", "mail to {id} now"),
        ("for=ann%20okafor1540@mail.example.org", "{id}"),
        ("50% of 1540% at 100", "50% of {id}% at {id}"),
        ("@Scheduled of @scope/package.js", "@Scheduled of @scope/package.js"),
        ("x-335221865232-8254286001477-OUi7qZU6m5LvXzAMcafcq0cf", "x-{id}"),
    ],
)
def test_a_name_is_masked_with_all_of_a_token(name, masked):
    assert classify.mask_name(name) == masked


@pytest.mark.parametrize(
    "token",
    [
        "AKIA" + "JPHJ373XCMWVOYQF",
        "sk_live_" + "fjiLWZslzz149fFRYcMaWvuf",
        "xoxb-" + "260598397914-068276798400-VyWf8cGwsCnCFdAzxAhwKMLN",
        "xoxb-" + "020475762094-266714266674-buFyTHqDhdTRlNGQeHpVnAYB",
        "glpat-" + "AoTIsydZ794axhkEDoXn",
    ],
)
def test_a_token_with_few_digits_is_left_to_the_detectors(token):
    for name in (f"GET /a/{token}/b", f"job {token}", f"({token})", f"k={token}"):
        assert token in classify.mask_name(name) or not parts_of(token, classify.mask_name(name))


@pytest.mark.parametrize("length", range(380, 520, 7))
def test_neither_a_path_nor_a_name_ends_in_half_a_token(length):
    for fill in ("/123456789", "/a", "/1", "orders "):
        text = (fill * length)[:length] + "/" + TOKEN
        assert not parts(classify.mask_path(text).replace(TOKEN, ""))
        assert not parts(classify.mask_name(text).replace(TOKEN, ""))


@pytest.mark.parametrize("length", [*range(60, 100), *range(100, 4100, 41)])
def test_of_a_long_query_no_half_token_is_left(length):
    fill = "SELECT a, bcd FROM " if length < 100 else "'yyy', a "
    query = (fill * length)[:length] + f" {TOKEN} " + "zzz " * 200
    said = statements.statement("n", {"db.system.name": "postgresql", "db.query.text": query})
    assert not parts(said.text.replace(TOKEN, ""))


def test_a_query_that_holds_a_bare_token_is_shown_without_it():
    query = f"SELECT * FROM orders OFFSET 10.x-335221865232-825428-{TOKEN[4:]}"
    assert not parts(statements.masked(query))
    aliases = "select o1_0.customer_id as customer1_0_0_, count(col_0_0_) from orders2024 o1_0"
    assert statements.masked(aliases) == aliases
