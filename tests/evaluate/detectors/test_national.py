"""National identifiers need their check digits, and a word or a form that nothing else has."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from collector.evaluate.detectors import checkdigits
from collector.evaluate.detectors.national import NATIONAL
from collector.evaluate.detectors.scan import Detectors
from collector.evaluate.detectors.table import OPT_IN_NAMES

sys.path.insert(0, str(Path(__file__).parent))
from making import DIGITS
from opted import (
    AADHAAR,
    BSN,
    CPF,
    DNI,
    HYPHENED,
    NIR,
    PESEL,
    ROUTING,
    SIN,
    SPACED_AADHAAR,
    TAX,
    UPPER,
    cut,
)
from opted import NATIONAL as FOUND

OPTED = frozenset(OPT_IN_NAMES)
DETECTORS = Detectors(b"key of the tests", opted=OPTED)
PLAIN = Detectors(b"key of the tests", opted=OPTED, plain=True)

#: Numbers that the issuing offices, or descriptions of their checks, print as examples.
PUBLISHED = [
    (checkdigits.verhoeff, "2363 999941057058 234123412346"),
    (checkdigits.german_tax, "86095742719 47036892816 65929970489"),
    (checkdigits.eleven_test, "111222333 123456782 999990019"),
    (checkdigits.pesel, "44051401359 02070803628"),
    (checkdigits.routing, "021000021 111000025"),
    (checkdigits.tax_file, "123456782 876543210"),
    (checkdigits.brazilian, "52998224725 12345678909 11222333000181 12ABC34501DE35"),
    (checkdigits.spanish, "12345678Z X1234567L"),
    (checkdigits.french, "255081416802538 269054958815780"),
    (checkdigits.italian, "RSSMRA85T10A562S RSSMRA80A01H501U MRTMTT91D08F205J"),
    (checkdigits.finnish, "131052-308T 131052A308T"),
    (checkdigits.swedish, "8112189876 191212121212 198112189876"),
]
VECTORS = [(check, text) for check, texts in PUBLISHED for text in texts.split()]


#: Key and text in which no national identifier stands.
LEFT_ALONE = [
    # the word or the form is missing
    ("order.id", CPF), ("order.id", NIR), ("order.id", AADHAAR), ("note", f"order {TAX} of {BSN}"),
    ("order.id", PESEL), ("note", SPACED_AADHAAR), ("note", cut(SIN, "### ### ###")),
    ("build", HYPHENED), ("note", f"{DNI} in stock"), ("id", ROUTING),
    ("note", "912-78-3846"), ("note", "AB384617C"), ("note", "since 384617295"),
    ("messaging.rabbitmq.destination.routing_key", ROUTING),
    # the word says something else, or a digit stands between
    ("note", f"cpfx {CPF}"), ("note", f"business {SIN}"), ("note", f"cpf 1 of order {CPF}"),
    ("note", f"destination {TAX}"),
    # a longer number
    ("note", f"cpf {CPF}1"), ("note", f"{cut(CPF, '###.###.###-##')}-7"), ("note", f"bsn 1.{BSN}"),
    # what cannot be
    ("note", "BG 12 34 56 C"), ("note", "QQ 12 34 56 C"), ("note", "AB 12 34 56 E"),
    ("user.itin", "912-45-3846"), ("user.itin", "812-78-3846"), ("user.passport", "strategy"),
    ("user.passport", "20261102"), ("user.passport", "1764000000"), ("user.passport", "renewed"),
    # samples and stand-ins
    ("note", "111.111.111-11"), ("note", "123.456.789-09"), ("note", "529.982.247-25"),
    ("user.cpf", "00000000000"), ("user.cnpj", "11222333000181"), ("user.dni", "12345678Z"),
    ("user.dni", "00000000T"), ("user.nie", "X1234567L"), ("user.nir", "255081416802538"),
    ("note", "RSSMRA85T10A562S"), ("user.aadhaar", "999941057058"), ("user.tax", "86095742719"),
    ("user.bsn", "111222333"), ("user.bsn", "000000000"), ("user.pesel", "44051401359"),
    ("user.sin", "046454286"), ("user.personnummer", "811218-9876"), ("user.hetu", "131052-308T"),
    ("user.routing", "000000000"), ("user.tfn", "123456782"), ("user.passport", "123456789"),
    ("user.cpf", "***.***.***-**"), ("user.cpf", "REDACTED"), ("user.nino", "XX XX XX XX X"),
]  # fmt: skip

#: Detectors without a check digit.
UNCHECKED = {"uk-nino", "us-itin", "passport"}


def names(key: str, text: str, detectors: Detectors = DETECTORS) -> set[str]:
    return {find.detector.name for find in detectors.find(text, key)}


@pytest.mark.parametrize(("check", "text"), VECTORS)
def test_a_published_example_passes_its_check(check: Callable[[str], bool], text: str) -> None:
    assert check(text)


@pytest.mark.parametrize(("check", "text"), VECTORS)
def test_another_last_character_does_not_pass(check: Callable[[str], bool], text: str) -> None:
    others = DIGITS if text[-1] in DIGITS else UPPER
    assert [one for one in others if check(text[:-1] + one)] == [text[-1]]


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (checkdigits.verhoeff, "999941507058"),
        (checkdigits.german_tax, "12345678903"),
        (checkdigits.german_tax, "11123456782"),
        (checkdigits.pesel, "44991401355"),
        (checkdigits.routing, "991000023"),
        (checkdigits.french, "255181416802522"),
        (checkdigits.finnish, "321352-308T"),
        (checkdigits.finnish, "131052-001T"),
        (checkdigits.italian, "RSSMRA85Z10A562S"),
        (checkdigits.italian, "RSSMRA85T7AA562S"),
    ],
)
def test_what_an_office_never_gives_out_does_not_pass(
    check: Callable[[str], bool], text: str
) -> None:
    assert not check(text)


@pytest.mark.parametrize(("name", "key", "text", "secret"), FOUND)
def test_an_identifier_is_found(name: str, key: str, text: str, secret: str) -> None:
    found = [find.secret for find in DETECTORS.find(text, key) if find.detector.name == name]
    assert found == [secret]
    assert name in names(key, text, PLAIN)


@pytest.mark.parametrize(
    ("name", "key", "text", "secret"), [row for row in FOUND if row[0] not in UNCHECKED]
)
def test_an_identifier_with_a_broken_check_is_left_alone(
    name: str, key: str, text: str, secret: str
) -> None:
    swapped = "1" if secret[-1] != "1" else "2"
    last = swapped if secret[-1].isdigit() else ("A" if secret[-1].upper() != "A" else "B")
    assert name not in names(key, text.replace(secret, secret[:-1] + last))


@pytest.mark.parametrize(("key", "text"), LEFT_ALONE)
def test_what_only_resembles_an_identifier_is_left_alone(key: str, text: str) -> None:
    national = {one.name for one in NATIONAL}
    assert names(key, text) & national == set()


@pytest.mark.parametrize("name", sorted({one.name for one in NATIONAL}))
def test_every_national_detector_has_an_identifier_here(name: str) -> None:
    assert name in {row[0] for row in FOUND}


@pytest.mark.parametrize(("name", "key", "text", "secret"), FOUND)
def test_nothing_is_found_unless_it_is_asked_for(
    name: str, key: str, text: str, secret: str
) -> None:
    del secret
    others = Detectors(b"k", opted=OPTED - {name}, plain=True)
    assert name not in names(key, text, others)
