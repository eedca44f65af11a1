"""National identifiers, off unless a policy names them; each by its form and its check digits.

Plain digits with one check digit pass by chance in one of ten, so most are looked for beside a
word, or under a key, that names them. Sources: HMRC's manual NIM39110 (National Insurance
numbers), the Internal Revenue Service (ITIN: the ranges of the middle digits), the Canada Revenue
Agency (SIN), ICAO Doc 9303 part 4 (passports: at most nine letters and digits), and the offices
that `checkdigits` names. Samples are those that these offices print.
"""

from __future__ import annotations

import re

from collector.evaluate.detectors import checkdigits
from collector.evaluate.detectors.base import Detector, Rank
from collector.evaluate.detectors.checks import luhn
from collector.evaluate.detectors.identifiers import identifier

_PASSPORT_DIGITS = 4  # those of a German one, whose other characters are consonants
_DATE = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")


def _is_insured(text: str) -> bool:
    return text[:2] not in {"BG", "GB", "NK", "KN", "TN", "NT", "ZZ"}


def _is_passport(text: str) -> bool:
    digits = sum(map(str.isdigit, text))
    return digits >= _PASSPORT_DIGITS and _DATE.fullmatch(text) is None


def _any(text: str) -> bool:  # noqa: ARG001 (the signature of a check)
    return True


_ROWS = (
    identifier(
        "uk-nino",
        _is_insured,
        free="[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?: [0-9]{2}){3} [A-D]",
        word="nino|national[ _.-]?insurance|ni[ _.-]?n(?:umber|o)",
        value="(?i:[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?: ?[0-9]{2}){3} ?[A-D])",
        start="[A-Za-z]{2} ?[0-9]",
        keys="nino nationalinsurance insurance",
    ),
    identifier(
        "br-cpf",
        checkdigits.brazilian,
        free=r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}",
        word="cpf",
        value="[0-9]{11}",
        keys="cpf",
        samples="52998224725",
    ),
    identifier(
        "br-cnpj",
        checkdigits.brazilian,
        rank=Rank.LOW,
        free=r"[0-9A-Z]{2}\.[0-9A-Z]{3}\.[0-9A-Z]{3}/[0-9A-Z]{4}-[0-9]{2}",
        word="cnpj",
        value="[0-9A-Z]{12}[0-9]{2}",
        start="[0-9A-Z]{3}",
        keys="cnpj",
        samples="11222333000181 12ABC34501DE35",
    ),
    identifier(
        "es-dni",
        checkdigits.spanish,
        word="dni|nif|nie",
        value=r"(?:[XYZ][ -]?[0-9]{7}|[0-9]{8}|[0-9]{2}\.[0-9]{3}\.[0-9]{3})[ -]?[A-HJ-NP-TV-Z]",
        start="[0-9XYZ][ -]?[0-9]",
        keys="dni nif nie",
    ),
    identifier(
        "fr-nir",
        checkdigits.french,
        free="[12378] [0-9]{2} [0-9]{2} (?:[0-9]{2}|2[AB]) [0-9]{3} [0-9]{3} [0-9]{2}",
        word="nir|insee|securite[ _.-]?sociale",
        value="[12378][0-9]{4}(?:[0-9]{2}|2[AB])[0-9]{8}",
        keys="nir insee securite securitesociale",
        samples="255081416802538 269054958815780",
    ),
    identifier(
        "it-codice-fiscale",
        checkdigits.italian,
        free="[A-Z]{6}[0-9L-NP-V]{2}[A-EHLMPR-T][0-9L-NP-V]{2}[A-Z][0-9L-NP-V]{3}[A-Z]",
        word="codice[ _.-]?fiscale|cod[ _.-]?fisc",
        value="[A-Za-z]{6}[0-9A-Za-z]{9}[A-Za-z]",
        start="[A-Za-z]{3}",
        keys="fiscale codicefiscale codfisc",
        samples="RSSMRA85T10A562S RSSMRA80A01H501U MRTMTT91D08F205J",
    ),
    identifier(
        "in-aadhaar",
        checkdigits.verhoeff,
        word="aadha?ar|uidai",
        value="[2-9][0-9]{3}(?P<sep>[ -]?)[0-9]{4}(?P=sep)[0-9]{4}",
        keys="aadhaar aadhar uidai",
        samples="999941057058 999971658847 234123412346",
    ),
    identifier(
        "de-tax-id",
        checkdigits.german_tax,
        word=r"steuer[ _.-]?id[a-z]{0,20}|idnr|tax[ _.-]?id|tin",
        value="[1-9][0-9] ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}",
        keys="steuer steuerid idnr tax taxid tin",
        samples="86095742719 47036892816 65929970489",
    ),
    identifier(
        "nl-bsn",
        checkdigits.eleven_test,
        word="bsn|burgerservicenummer|sofi(?:nummer)?",
        value="(?:[0-9]{9}|[0-9]{3}[ .-][0-9]{3}[ .-][0-9]{3}|[0-9]{4}[ .][0-9]{2}[ .][0-9]{3})",
        keys="bsn burgerservicenummer sofinummer",
        samples="111222333 999999011 999990019",
    ),
    identifier(
        "pl-pesel",
        checkdigits.pesel,
        word="pesel",
        value="[0-9]{11}",
        keys="pesel",
        samples="44051401359 02070803628",
    ),
    identifier(
        "ca-sin",
        luhn,
        free="[1-79][0-9]{2}-[0-9]{3}-[0-9]{3}",
        word="sin|social[ _.-]?insurance",
        value="[1-79][0-9]{2} ?[0-9]{3} ?[0-9]{3}",
        keys="sin socialinsurance insurance",
    ),
    identifier(
        "se-personnummer",
        checkdigits.swedish,
        word="personn(?:umme)?r|pnr|samordningsn(?:umme)?r",
        value="(?:19|20)?[0-9]{6}[-+ ]?[0-9]{4}",
        keys="personnummer personnr pnr samordningsnummer",
        samples="191212121212 1212121212 8112189876 198112189876 6408233234 196408233234",
    ),
    identifier(
        "fi-hetu",
        checkdigits.finnish,
        # digits alone may be a date and a time
        free="[0-3][0-9][01][0-9]{3}(?:[-+][0-9]{3}[A-FHJ-NPR-Y]|[A-FU-Y][0-9]{3}[0-9A-FHJ-NPR-Y])",
        word="hetu|henkilotunnus|sotu|personbeteckning",
        value="[0-3][0-9][01][0-9]{3}[-+A-FU-Y][0-9]{3}[0-9A-FHJ-NPR-Y]",
        start="[0-3][0-9][01]",
        keys="hetu henkilotunnus sotu personbeteckning",
        samples="131052308T 131052A308T",
    ),
    identifier(
        "us-itin",
        _any,
        word="itin|taxpayer|tin",
        value="9[0-9]{2}(?P<sep>[ -]?)(?:5[0-9]|6[0-5]|7[0-9]|8[0-8]|9[0-24-9])(?P=sep)[0-9]{4}",
        start="9[0-9]",
        keys="itin tin tax taxpayer",
    ),
    identifier(
        "us-bank-routing",
        checkdigits.routing,
        rank=Rank.LOW,
        word="routing[ _.-]?(?:n(?:umber|o|um|br)|transit)?|aba|rtn",
        value="[0-9]{4}-?[0-9]{4}-?[0-9]",
        keys="routing aba rtn",
        not_keys="key keys",
    ),
    identifier(
        "au-tfn",
        checkdigits.tax_file,
        word="tfn|tax[ _.-]?file",
        value="[0-9]{3} ?[0-9]{3} ?[0-9]{3}",
        keys="tfn taxfile taxfilenumber",
    ),
    identifier(
        "passport",
        _is_passport,
        word="passport|reisepass|passeport|pasaporte",
        value="(?:[0-9]{8,9}|[A-Z]{1,2}[0-9]{6,8}|[CFGHJK][0-9CFGHJ-NPRTV-Z]{8})",
        start="[A-Z0-9]{3}",
        keys="passport reisepass passeport pasaporte",
    ),
)

NATIONAL: tuple[Detector, ...] = tuple(detector for row in _ROWS for detector in row)
