"""What opt-in detectors must find, made here so that nobody's number stands in this repository.

The checks that complete a number are held against published ones in `test_national`.
"""

from __future__ import annotations

import string
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path

from collector.evaluate.detectors import checkdigits
from collector.evaluate.detectors.checks import luhn

sys.path.insert(0, str(Path(__file__).parent))
from making import ALNUM, BASE32, DIGITS, HEX, chars

UPPER = string.ascii_uppercase


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
NATIONAL = [
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

UUID = f"{chars(HEX, 8)}-{chars(HEX, 4)}-4{chars(HEX, 3)}-a{chars(HEX, 3)}-{chars(HEX, 12)}"
IDENTIFIER = "1234" + "0987654321-" + chars(string.ascii_lowercase + DIGITS, 32)

PUBLISHABLE = "pk_" + "live_" + chars(ALNUM, 24)
DIGESTS = [chars(HEX, size) for size in (32, 40, 56, 64, 96, 128)]

#: Detector, key, text, and what of it is found.
OPTIONAL = [
    ("public-ip", "note", "client 81.2.69.142:443 left", "81.2.69.142"),
    ("public-ip", "note", "https://81.2.69.142/cart", "81.2.69.142"),
    ("public-ip", "client.address", "2a02:898:0:20::57:1", "2a02:898:0:20::57:1"),
    ("public-ip", "note", "[2a02:898:0:20::57:1]:443", "2a02:898:0:20::57:1"),
    ("phone-number", "note", "call +49 170 1739284", "+49 170 1739284"),
    ("phone-number", "note", "+216 71 238 475", "+216 71 238 475"),
    ("phone-number", "note", "to=+442071838750&x", "+442071838750"),
    ("phone-number", "note", "+1 (415) 238-4751", "+1 (415) 238-4751"),
    ("phone-number", "note", "phone: (415) 238-4751", "(415) 238-4751"),
    ("phone-number", "user.phone", "4152384751", "4152384751"),
    ("mac-address", "note", "device 3c:22:fb:8a:91:0e up", "3c:22:fb:8a:91:0e"),
    ("mac-address", "note", "3C-22-FB-8A-91-0E", "3C-22-FB-8A-91-0E"),
    ("mac-address", "note", "on 3c22.fb8a.910e", "3c22.fb8a.910e"),
    ("uuid", "user.id", UUID, UUID),
    ("uuid", "note", f"GET /users/{UUID.upper()}/cart", UUID.upper()),
    *(("hex-digest", "file", digest, digest) for digest in DIGESTS),
    ("hex-digest", "note", f"sha256:{chars(HEX, 64).upper()}", chars(HEX, 64).upper()),
    ("generic-secret", "note", f"license-key-v2: {chars(ALNUM, 24)}", chars(ALNUM, 24)),
    ("generic-secret", "smtp.creds", chars(ALNUM, 24), chars(ALNUM, 24)),
    ("vault-legacy-token", "note", f"token was s.{chars(ALNUM, 24)} once", f"s.{chars(ALNUM, 24)}"),
    ("identifier-key", "note", PUBLISHABLE, PUBLISHABLE),
    ("identifier-key", "note", "AC" + chars(HEX, 32), "AC" + chars(HEX, 32)),
    (
        "identifier-key",
        "note",
        f"client {IDENTIFIER}.apps.googleusercontent.com",
        IDENTIFIER,
    ),
    ("identifier-key", "note", "AROA" + chars(BASE32, 17), "AROA" + chars(BASE32, 17)),
    ("identifier-key", "note", f"https://{chars(HEX, 32)}@o1.ingest.sentry.io/2", chars(HEX, 32)),
    ("date-of-birth", "user.birth_date", "1984-06-17", "1984-06-17"),
    ("date-of-birth", "user.dateOfBirth", "17.06.1984", "17.06.1984"),
    ("date-of-birth", "note", "DOB: 6/17/1984", "6/17/1984"),
    ("date-of-birth", "note", '{"birthDate":"19840617"}', "19840617"),
]  # fmt: skip
