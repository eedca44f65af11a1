"""National identifiers need their check digits, and a word or a form that nothing else has."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from collector.evaluate.detectors import checkdigits
from collector.evaluate.detectors.checks import luhn
from collector.evaluate.detectors.national import NATIONAL
from collector.evaluate.detectors.scan import Detectors
from collector.evaluate.detectors.table import OPT_IN_NAMES

OPTED = frozenset(OPT_IN_NAMES)
DETECTORS = Detectors(b"key of the tests", opted=OPTED)
PLAIN = Detectors(b"key of the tests", opted=OPTED, plain=True)
DIGITS, UPPER = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

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


def made(check: Callable[[str], bool], body: str, count: int = 1, ends: str = DIGITS) -> str:
    """The body with the first end that passes."""
    texts = (body + "".join(end) for end in product(ends, repeat=count))
    return next(text for text in texts if check(text))


CPF = made(checkdigits.brazilian, "384617295", 2)
CNPJ = made(checkdigits.brazilian, "384617290001", 2)
LETTERED = made(checkdigits.brazilian, "38BX17290001", 2)
DNI = made(checkdigits.spanish, "38461729", ends=UPPER)
NIE = made(checkdigits.spanish, "Y3846172", ends=UPPER)
NIR = made(checkdigits.french, "2840675116038", 2)
CORSE = made(checkdigits.french, "184062A116038", 2)
FISCAL = made(checkdigits.italian, "BNCLSN84H52F205", ends=UPPER)
HOMONYM = made(checkdigits.italian, "BNCLSN84H52F20R", ends=UPPER)
AADHAAR = made(checkdigits.verhoeff, "38461729503")
TAX = made(checkdigits.german_tax, "3846172953")
BSN = made(checkdigits.eleven_test, "38461729")
PESEL = made(checkdigits.pesel, "8406173846")
SIN = made(luhn, "38461729")
PERSONNUMMER = made(checkdigits.swedish, "840617384")
HETU = made(checkdigits.finnish, "170684-384", ends="ABCDEFHJKLMNPRSTUVWXY" + DIGITS)
HETU_2000 = made(checkdigits.finnish, "170604A384", ends="ABCDEFHJKLMNPRSTUVWXY" + DIGITS)
ROUTING = made(checkdigits.routing, "06100014")
TFN = made(checkdigits.tax_file, "3846172", 2)


def cut(text: str, form: str) -> str:
    """The text with the separators of a form, in which # is a character."""
    characters = iter(text)
    return "".join(next(characters) if one == "#" else one for one in form)


SPACED_AADHAAR = cut(AADHAAR, "#### #### ####")
HYPHENED = cut(PERSONNUMMER, "######-####")

#: Detector, key, text, and what of it is found.
FOUND = [
    ("uk-nino", "note", "insured as AB 12 34 56 C", "AB 12 34 56 C"),
    ("uk-nino", "note", "nino=ab384617c", "ab384617c"),
    ("uk-nino", "user.nino", "AB384617C", "AB384617C"),
    ("uk-nino", "note", "National Insurance number: AB384617C", "AB384617C"),
    ("br-cpf", "note", f"id {cut(CPF, '###.###.###-##')}.", cut(CPF, "###.###.###-##")),
    ("br-cpf", "user.cpf", CPF, CPF),
    ("br-cpf", "note", f'{{"userCpf": "{CPF}"}}', CPF),
    ("br-cnpj", "note", cut(CNPJ, "##.###.###/####-##"), cut(CNPJ, "##.###.###/####-##")),
    ("br-cnpj", "note", cut(LETTERED, "##.###.###/####-##"), cut(LETTERED, "##.###.###/####-##")),
    ("br-cnpj", "company.cnpj", CNPJ, CNPJ),
    ("es-dni", "note", f"DNI {DNI}", DNI),
    ("es-dni", "note", f"dni: {cut(DNI, '##.###.###-#')}", cut(DNI, "##.###.###-#")),
    ("es-dni", "customer.nie", NIE, NIE),
    ("fr-nir", "note", cut(NIR, "# ## ## ## ### ### ##"), cut(NIR, "# ## ## ## ### ### ##")),
    ("fr-nir", "note", f"nir={NIR}", NIR),
    ("fr-nir", "patient.nir", CORSE, CORSE),
    ("it-codice-fiscale", "note", f"cliente {FISCAL} attivo", FISCAL),
    ("it-codice-fiscale", "note", HOMONYM, HOMONYM),
    ("it-codice-fiscale", "user.codice_fiscale", FISCAL.lower(), FISCAL.lower()),
    ("in-aadhaar", "note", f"aadhaar {SPACED_AADHAAR}", SPACED_AADHAAR),
    ("in-aadhaar", "kyc.aadhaarNumber", AADHAAR, AADHAAR),
    ("de-tax-id", "note", f"Steuer-ID: {cut(TAX, '## ### ### ###')}", cut(TAX, "## ### ### ###")),
    ("de-tax-id", "note", f"steueridentifikationsnummer={TAX}", TAX),
    ("de-tax-id", "user.tax_id", TAX, TAX),
    ("nl-bsn", "note", f"BSN {BSN}", BSN),
    ("nl-bsn", "patient.bsn", cut(BSN, "####.##.###"), cut(BSN, "####.##.###")),
    ("pl-pesel", "note", f"PESEL: {PESEL}", PESEL),
    ("pl-pesel", "user.pesel", PESEL, PESEL),
    ("ca-sin", "note", f"for {cut(SIN, '###-###-###')}", cut(SIN, "###-###-###")),
    ("ca-sin", "note", f"SIN: {cut(SIN, '### ### ###')}", cut(SIN, "### ### ###")),
    ("ca-sin", "user.sin", SIN, SIN),
    ("se-personnummer", "note", f"personnummer {HYPHENED}", HYPHENED),
    ("se-personnummer", "user.personnummer", f"19{PERSONNUMMER}", f"19{PERSONNUMMER}"),
    ("fi-hetu", "note", f"user {HETU_2000}", HETU_2000),
    ("fi-hetu", "user.hetu", HETU, HETU),
    ("us-itin", "note", "ITIN 912-78-3846", "912-78-3846"),
    ("us-itin", "user.itin", "912783846", "912783846"),
    ("us-bank-routing", "note", f"routing number {ROUTING}", ROUTING),
    ("us-bank-routing", "bank.aba", ROUTING, ROUTING),
    ("au-tfn", "note", f"tax file number: {cut(TFN, '### ### ###')}", cut(TFN, "### ### ###")),
    ("au-tfn", "user.tfn", TFN, TFN),
    ("passport", "note", "passport no. C01X00T47", "C01X00T47"),
    ("passport", "traveller.passport", "384617295", "384617295"),
    ("passport", "note", "Reisepass: AB3846172", "AB3846172"),
]  # fmt: skip

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
