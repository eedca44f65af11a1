"""Personal data: payment cards, bank accounts, social security numbers, mail addresses.

Sources: ISO/IEC 7812-1 and the networks' ranges, the IBAN registry (ISO 13616), the Social
Security Administration's rules, IANA's list of top-level domains.
"""

from __future__ import annotations

import re

from collector.evaluate.detectors.base import Detector, Rank, secret_of
from collector.evaluate.detectors.checks import luhn, mod97, words
from collector.evaluate.detectors.placeholders import TEST_CARDS, TEST_SSNS

# (first, last) of the leading digits, and the lengths that go with them
_CARDS: tuple[tuple[int, int, frozenset[int]], ...] = (
    (4, 4, frozenset({13, 16, 19})),
    (51, 55, frozenset({16})),
    (2221, 2720, frozenset({16})),
    (34, 34, frozenset({15})),
    (37, 37, frozenset({15})),
    (6011, 6011, frozenset({16, 19})),
    (644, 659, frozenset({16, 19})),
    (300, 305, frozenset({14, 16, 19})),
    (36, 36, frozenset({14, 19})),
    (38, 39, frozenset({14, 16, 19})),
    (3528, 3589, frozenset({16, 19})),
    (62, 62, frozenset({16, 17, 18, 19})),
    (5018, 5018, frozenset({13, 16, 19})),
    (5020, 5020, frozenset({13, 16, 19})),
    (5038, 5038, frozenset({13, 16, 19})),
    (6304, 6304, frozenset({13, 16, 19})),
    (6759, 6763, frozenset({13, 16, 19})),
)

# country: form of the account number; a letter is the class of the digits before it
_ACCOUNTS = dict(
    re.findall(
        r"([A-Z]{2}):(\w+)",
        """
        AD:8n12c AE:19n AL:8n16c AT:16n AZ:4a20c BA:16n BE:12n BG:4a6n8c BH:4a14c BR:23n1a1c
        BY:4c4n16c CH:5n12c CR:18n CY:8n16c CZ:20n DE:18n DK:14n DO:4c20n EE:16n EG:25n ES:20n
        FI:14n FO:14n FR:10n11c2n GB:4a14n GE:2a16n GI:4a15c GL:14n GR:7n16c GT:24c HR:17n
        HU:24n IE:4a14n IL:19n IQ:4a15n IS:22n IT:1a10n12c JO:4a4n18c KW:4a22c KZ:3n13c
        LB:4n20c LC:4a24c LI:5n12c LT:16n LU:3n13c LV:4a13c MC:10n11c2n MD:2c18c ME:18n
        MK:3n10c2n MR:23n MT:4a5n18c MU:4a19n3a NL:4a10n NO:11n PK:4a16c PL:24n PS:4a21c
        PT:21n QA:4a21c RO:4a16c RS:18n SA:2n18c SC:4a20n3a SE:20n SI:15n SK:20n SM:1a10n12c
        ST:21n SV:4a20n TL:19n TN:20n TR:6n16c UA:6n19c VA:18n VG:4a16n XK:16n
        """,
    )
)
_CLASSES = {"n": "[0-9]", "a": "[A-Z]", "c": "[A-Z0-9]"}
_FORMS = {
    country: re.compile(
        "".join(
            f"{_CLASSES[kind]}{{{length}}}" for length, kind in re.findall(r"(\d+)([nac])", form)
        )
    )
    for country, form in _ACCOUNTS.items()
}

_COUNTRIES = words(
    """
    ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs
    bt bw by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee
    eg er es et eu fi fj fk fm fo fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk
    hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la
    lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my
    mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro
    rs ru rw sa sb sc sd se sg sh si sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk
    tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw
    """
)
_GENERIC = words(
    """
    com org net edu gov mil int info biz name pro aero coop museum mobi jobs travel tel cat asia
    post xxx app dev page web cloud online site shop store blog tech email mail news live life
    world today agency company solutions services systems digital media network group team works
    work studio design marketing consulting ventures capital finance bank money health care
    clinic doctor dental academy school university college education institute center community
    club social space website host hosting software codes computer engineering energy global
    international london berlin paris nyc tokyo swiss africa wien hamburg koeln bayern brussels
    amsterdam xyz top icu vip one best fun game games art music photo photos video tv restaurant
    cafe pizza bar beer wine food kitchen recipes house homes estate properties land city town
    law legal lawyer tax accountant expert guru ninja rocks cool buzz link click help support
    zone plus land earth green eco bio fit fitness run bike auto car cars taxi flights tours
    holiday vacations hotel google amazon apple microsoft example test
    """
)
_EMAIL = re.compile(
    r"(?<![\w.%+@*•…-])(?P<secret>\w[\w.+'-]{0,63}@"
    r"(?P<domain>(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}"
    r"(?P<top>xn--[A-Za-z0-9-]{2,40}|[A-Za-z]{2,24})))(?![\w@-])(?!\.[A-Za-z0-9])"
)
_USERINFO = re.compile(r"//(?:[^/\s]*:)?$")  # what precedes a user or a password in a URL
_MACHINES = words("git noreply no-reply donotreply do-not-reply mailer-daemon")
_SHELLS = (".gserviceaccount.com", ".noreply.github.com")


def _is_email(match: re.Match[str]) -> bool:
    top = match["top"].lower()
    if not (top in _COUNTRIES or top in _GENERIC or top.startswith("xn--")):
        return False
    local = match["secret"].partition("@")[0].lower()
    if local in _MACHINES or match["domain"].lower().endswith(_SHELLS):
        return False
    before = match.string[max(0, match.start() - 100) : match.start()]
    return _USERINFO.search(before) is None


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isascii() and char.isdigit())


def _is_card(match: re.Match[str]) -> bool:
    digits = _digits(secret_of(match))
    if digits in TEST_CARDS or len(set(digits)) < 3:  # noqa: PLR2004 (4000000000000000 and kin)
        return False
    known = any(
        len(digits) in lengths and first <= int(digits[: len(str(first))]) <= last
        for first, last, lengths in _CARDS
    )
    return known and luhn(digits)


def _is_iban(match: re.Match[str]) -> bool:
    account = match[0].replace(" ", "")
    form = _FORMS.get(account[:2])
    return form is not None and form.fullmatch(account[4:]) is not None and mod97(account)


def _is_ssn(match: re.Match[str]) -> bool:
    digits = _digits(secret_of(match))
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    void = area in {"000", "666"} or area[0] == "9" or group == "00" or serial == "0000"
    return not void and digits not in TEST_SSNS and len(set(digits)) > 1


_SEPARATED = (
    r"[0-9]{4}(?P<sep>[ -])(?:[0-9]{4}(?P=sep)[0-9]{4}(?P=sep)[0-9]{4}(?:(?P=sep)[0-9]{3})?"
    r"|[0-9]{6}(?P=sep)[0-9]{4,5})"
)
_CARD_WORDS = (
    r"(?:card|\bpan\b|visa|mastercard|amex|credit|debit|\bcc(?:[_ .-]?(?:num|no|number))?\b)"
)
_PLAIN_CARD = r"(?P<secret>(?<![\w.+-])[2-6][0-9]{12,18}(?![\w-]))"
_SSN = r"(?P<secret>(?<![\w-])[0-9]{3}(?P<sep>[ -])[0-9]{2}(?P=sep)[0-9]{4}(?![\w-]))"

PERSONAL: tuple[Detector, ...] = (
    Detector(
        "credit-card",
        Rank.HIGH,
        r"[0-9]{4}[ -](?:[0-9]{4}[ -][0-9]{4}[ -][0-9]{4}|[0-9]{6}[ -][0-9]{4})",
        re.compile(rf"(?<![\w-])(?<!\d[. ]){_SEPARATED}(?![\w-])"),
        _is_card,
    ),
    Detector(
        "credit-card",
        Rank.HIGH,
        r"(?i:card|pan|visa|mastercard|amex|credit|debit|cc)[^\n0-9]{0,30}[2-6][0-9]{12}",
        re.compile(rf"(?i:{_CARD_WORDS})[^\n0-9]{{0,30}}?{_PLAIN_CARD}"),
        _is_card,
        words=words("card pan cc creditcard cardnumber ccnumber credit debit"),
        bare=re.compile(_PLAIN_CARD),
    ),
    Detector(
        "iban",
        Rank.MEDIUM,
        r"[A-Z]{2}[0-9]{2} ?[A-Z0-9]{4} ?[A-Z0-9]{4} ?[A-Z0-9]{3}",
        re.compile(
            r"(?<![\w-])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![\w-])"
        ),
        _is_iban,
        public=2,
    ),
    Detector(
        "us-ssn",
        Rank.HIGH,
        r"(?i:ssn|social[ _-]?security)[^\n0-9]{0,30}[0-9]{3}[ -][0-9]{2}[ -][0-9]{4}",
        re.compile(rf"(?i:ssn|social[ _-]?security)[^\n0-9]{{0,30}}?{_SSN}"),
        _is_ssn,
        words=frozenset({"ssn", "socialsecurity", "social"}),
        bare=re.compile(_SSN.replace("(?P<sep>[ -])", "(?P<sep>[ -]?)")),
    ),
    Detector("email", Rank.MEDIUM, r"@[A-Za-z0-9.-]{1,128}\.[A-Za-z]", _EMAIL, _is_email),
)
