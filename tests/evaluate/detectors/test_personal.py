"""Personal data needs its check digits, and a key word where many numbers look alike."""

from __future__ import annotations

import random

import pytest

from collector.evaluate.detectors.checks import luhn, mod97
from collector.evaluate.detectors.scan import Detectors

DETECTORS = Detectors(b"key of the tests")


def found(text: str, key: str = "note") -> list[tuple[str, str]]:
    return [(find.detector.name, find.secret) for find in DETECTORS.find(text, key)]


def card(start: str, length: int) -> str:
    body = start + "".join(random.Random(length).choices("0123456789", k=length - len(start) - 1))
    return next(body + digit for digit in "0123456789" if luhn(body + digit))


def iban(country: str, account: str) -> str:
    rest = next(n for n in range(2, 99) if mod97(f"{country}{n:02d}{account}"))
    return f"{country}{rest:02d}{account}"


def grouped(text: str, separator: str) -> str:
    return separator.join(text[i : i + 4] for i in range(0, len(text), 4))


CARDS = [card("45", 16), card("52", 16), card("2230", 16), card("6011", 16), card("3530", 16)]
IBANS = [
    iban("DE", "370400440532019999"),
    iban("GB", "WEST12345698765439"),
    iban("FR", "20041010050500013M02699"),
    iban("NL", "ABNA0417164309"),
    iban("NO", "86011117948"),
]


@pytest.mark.parametrize("number", CARDS)
@pytest.mark.parametrize("separator", [" ", "-"])
def test_a_card_number_in_groups_is_found(number: str, separator: str) -> None:
    text = grouped(number, separator)
    assert found(f"paid with {text} today") == [("credit-card", text)]


@pytest.mark.parametrize("number", [*CARDS, card("37", 15), card("36", 14)])
def test_an_unseparated_card_number_needs_a_key_word(number: str) -> None:
    assert found(f"card {number}") == [("credit-card", number)]
    assert found(number, "payment.card.number") == [("credit-card", number)]
    assert found(number, "order.id") == []
    assert found(f"order {number}") == []


@pytest.mark.parametrize("number", ["4111" + "1" * 12, "4242" * 4, "5555555555554444"])
def test_a_published_test_card_is_left_alone(number: str) -> None:
    assert found(f"card {number}") == []
    assert found(grouped(number, " ")) == []


def test_a_card_number_needs_its_check_digit_and_a_known_range() -> None:
    number = CARDS[0]
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert found(f"card {wrong}") == []
    assert found(f"card {card('99', 16)}") == []


@pytest.mark.parametrize("number", IBANS)
def test_an_iban_is_found_with_and_without_spaces(number: str) -> None:
    assert found(f"to {number}.") == [("iban", number)]
    spaced = grouped(number, " ")
    assert found(f"to {spaced}") == [("iban", spaced)]


def test_an_iban_needs_its_check_digits_its_country_and_its_length() -> None:
    number = IBANS[0]
    assert found(number[:2] + f"{(int(number[2:4]) + 1) % 100:02d}" + number[4:]) == []
    assert found(iban("ZZ", number[4:])) == []
    assert found(iban("DE", number[4:] + "1")) == []


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("ssn 219-45-6781", "note"),
        ("Social Security: 219 45 6781", "note"),
        ("219-45-6781", "user.ssn"),
        ("219456781", "user.ssn"),
    ],
)
def test_a_social_security_number_is_found_by_key_word(text: str, key: str) -> None:
    assert [name for name, _ in found(text, key)] == ["us-ssn"]


@pytest.mark.parametrize(
    "text",
    ["219-45-6781", "ssn 000-45-6781", "ssn 666-45-6781", "ssn 219-00-6781", "ssn 900-45-6781"],
)
def test_what_cannot_be_a_social_security_number_is_left_alone(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ann@shop.example", "ann@shop.example"),
        ("user=ann.lee+x@mail.example.com, ok", "ann.lee+x@mail.example.com"),
        ("mailto:ann@shop.io", "ann@shop.io"),
        ("/users/ann@shop.io/cart", "ann@shop.io"),
        ("https://h/?user=ann%40shop.io&x=1", "ann@shop.io"),
        ("https://h/?next=%2Fu%3Fm%3Dann%2540shop.io", "ann@shop.io"),
        ('{\\"mail\\":\\"ann\\u0040shop.io\\"}', "ann@shop.io"),
        ("sent to <ann@shop.co.uk>.", "ann@shop.co.uk"),
    ],
)
def test_a_mail_address_is_found_however_it_is_encoded(text: str, address: str) -> None:
    assert ("email", address) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "git@github.com:shop/cart.git",
        "https://git@github.com/shop/cart",
        "registry.io/shop/cart@sha256:0123456789abcdef",
        "react-dom@18.2.0/index.js",
        "github.com/shop/cart@v1.2.3",
        "@opentelemetry/api",
        "user@1000.service",
        "node@host.local",
        "com.shop.Cart@1a2b3c",
        "at f@https://shop.io/app.js:1:2",
        "icon@2x.png",
        "noreply@shop.io",
        "cart@shop-1.iam.gserviceaccount.com",
        "a@b",
    ],
)
def test_what_only_has_an_at_sign_is_no_address(text: str) -> None:
    assert found(text) == []
