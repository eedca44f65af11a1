"""What a span says that differs from span to span: ids, tenants, numbers of rows.

A decoder keeps numbers of it, not texts: they tell whether two spans say the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from collector import semconv
from collector.classify import PARAMETERS, SpanKind
from collector.semconv import Attributes, AttributeValue

#: Numbers of tenants below this stand for one attribute; see `Details.tenant`.
TENANTS = 4096

_MOST_FAMILIES = 15
_LARGEST = 2**32 - 1
_LONGEST_READ = 4096  # characters of a query that are looked at
_OFFSET = re.compile(
    r"\b(?:OFFSET|SKIP)\s+([0-9]{1,18})\b|\bLIMIT\s+([0-9]{1,18})\s*,\s*[0-9]"
    r"|\"\$?skip\"\s*:\s*([0-9]{1,18})\b",
    re.IGNORECASE | re.ASCII,
)
_BODY = re.compile(r"\s*\{", re.ASCII)
#: A search of Elasticsearch tells its page at the top of its body; further down `from` is a range.
_PAGE = re.compile(
    r"(?P<opens>[\[{])|(?P<closes>[\]}])|\"from\"\s*:\s*(?P<rows>[0-9]{1,18})\b|\"size\"\s*:",
    re.ASCII,
)
_LONGEST_URL = 2048  # characters of a URL that are looked at
_PAGE_OF_URL = re.compile(r"[?&](?:from|skip)=([0-9]{1,18})(?=[&#]|\Z)", re.ASCII)
_SYSTEMS = frozenset(semconv.family("db.system.name"))
_VALUES = re.compile(r"\bVALUES\s*\(", re.IGNORECASE | re.ASCII)
_LONG_LIST = re.compile(r"\bIN\s*\((?:[^(),]*,){20}", re.IGNORECASE | re.ASCII)
_IN_ROW = re.compile(r"'[^']*'?|[()]")
_NEXT_ROW = re.compile(r"\s*,\s*\(", re.ASCII)
OFFSETS = frozenset(f"{prefix}{name}" for prefix in PARAMETERS for name in ("offset", "skip"))
ROWS = "db.response.returned_rows"
BATCHES = ("db.operation.batch.size", "messaging.batch.message_count")
MESSAGE_ID = semconv.family("messaging.message.id")

#: As RFC 9562 writes UUIDs, in either case, as a URN, in the braces of Windows, or without dashes.
_UUID = re.compile(
    r"(?:urn:uuid:|\{)?([0-9a-f]{8}(-?)[0-9a-f]{4}\2[0-9a-f]{4}\2[0-9a-f]{4}\2[0-9a-f]{12})\}?",
    re.IGNORECASE | re.ASCII,
)

# Of `tenant_number`: odd, and without a pattern.
_OFFSET_BASIS = 0xCBF29CE484222325
_FACTOR = 0x9E3779B97F4A7C15
_WHOLE = 2**64 - 1


class IdentityKind(IntEnum):
    """What names the work of a span."""

    NONE = 0
    KEY = 1
    MESSAGE = 2


class BatchSize(IntEnum):
    """What a span says of how many things it handled."""

    UNTOLD = 0
    EMPTY = 1
    TOLD = 2


class Details(NamedTuple):
    """What a span says that differs from span to span.

    Hashes are equal for equal values, within one process.

    Attributes:
        identity_kind: which attribute `identity` is made of.
        identity: hash of the message id of a CONSUMER span, else of the idempotency key; 0 for
            none. Beside one, `offset` and `rows` are 0.
        tenant: of the tenant id; 0 for none. Numbers of one attribute, however it is spelled,
            are equal in `tenant // TENANTS`, and only they can be compared.
        fingerprint: hash of what a SERVER span says its request was; 0 for none.
        offset: rows that a query skips, by its text or a parameter.
        rows: that a query returned.
        batch: whether the span tells of how many things it handled, if only by the rows that its
            query lists.
        age: nanoseconds between the end of the message's PRODUCER span and the start of this
            CONSUMER span; 0 when that span is not remembered. Told when someone asks for
            `NoteKind.LATE_MESSAGE`.
    """

    identity_kind: IdentityKind = IdentityKind.NONE
    identity: int = 0
    tenant: int = 0
    fingerprint: int = 0
    offset: int = 0
    rows: int = 0
    batch: BatchSize = BatchSize.UNTOLD
    age: int = 0


NO_DETAILS = Details()


class DetailKeys(NamedTuple):
    """The attributes of which details are made, by what they tell."""

    identity: frozenset[str] = frozenset()
    tenant: Mapping[str, int] = {}
    fingerprint: frozenset[str] = frozenset()

    @property
    def all(self) -> frozenset[str]:
        """Every attribute that is read, parameters of queries apart."""
        fixed = (ROWS, *BATCHES, *MESSAGE_ID, *OFFSETS)
        return self.identity | frozenset(self.tenant) | self.fingerprint | frozenset(fixed)


def detail_keys(
    identity: Iterable[str], tenant: Iterable[str], fingerprint: Iterable[str]
) -> DetailKeys:
    """The keys, with spellings of one tenant attribute (``.``, ``_``, ``-``, case) as one.

    Tenant attributes beyond the bound are left out: no two may share a number.
    """
    spelled = {key: re.sub(r"[-_]", ".", key).lower() for key in tenant}
    families = {name: at for at, name in enumerate(sorted(set(spelled.values())), 1)}
    numbers = {k: families[n] for k, n in spelled.items() if families[n] <= _MOST_FAMILIES}
    return DetailKeys(frozenset(identity), numbers, frozenset(fingerprint))


def id_text(value: AttributeValue) -> str:
    """An id as text: strings, integers, and either alone in an array; else empty."""
    if isinstance(value, tuple):
        return id_text(value[0]) if len(value) == 1 and not isinstance(value[0], tuple) else ""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def details(kind: SpanKind, attributes: Attributes, keys: DetailKeys) -> Details:
    """What the attributes of a span say.

    Args:
        kind: of the span.
        attributes: of the span.
        keys: which attributes tell what.
    """
    message = _id(attributes, MESSAGE_ID) if kind is SpanKind.CONSUMER else 0
    identity = message or _id(attributes, keys.identity)
    told = IdentityKind.MESSAGE if message else IdentityKind.KEY
    return Details(
        identity_kind=told if identity else IdentityKind.NONE,
        identity=identity,
        tenant=_tenant(attributes, keys.tenant),
        fingerprint=_id(attributes, keys.fingerprint) if kind is SpanKind.SERVER else 0,
        offset=0 if identity else _offset(attributes),
        rows=0 if identity else _number(attributes.get(ROWS)),
        batch=_batch(attributes),
    )


def _id(attributes: Attributes, keys: Iterable[str]) -> int:
    told = frozenset((key, text) for key in keys if (text := id_text(attributes.get(key))))
    return (hash(told) or 1) if told else 0


def _tenant(attributes: Attributes, families: Mapping[str, int]) -> int:
    told = [(families[key], key) for key in families if id_text(attributes.get(key))]
    if not told:
        return 0
    family, key = min(told)
    return family * TENANTS + tenant_number(id_text(attributes[key]))


def _uuid(text: str) -> str:
    """A UUID as RFC 9562 writes it, whatever it was written like; any other text as it is."""
    found = _UUID.fullmatch(text)
    if found is None:
        return text
    digits = found[1].replace("-", "").lower()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


@lru_cache(maxsize=4096)
def tenant_number(text: str) -> int:
    """A number below `TENANTS` for the id of a tenant, the same in every process."""
    raw, state = _uuid(text).encode(), _OFFSET_BASIS
    for at in range(0, len(raw), 8):
        word = int.from_bytes(raw[at : at + 8], "little")
        state = (state ^ word) * _FACTOR & _WHOLE
        state ^= state >> 32
    return ((state ^ len(raw)) * _FACTOR & _WHOLE) >> 52


def _number(value: AttributeValue) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return min(max(0, value), _LARGEST)


def _offset(attributes: Attributes) -> int:
    query = semconv.first(attributes, "db.query.text")
    found = [0]
    if isinstance(query, str):
        matches = _OFFSET.finditer(query[:_LONGEST_READ])
        found += (int(match[1] or match[2] or match[3]) for match in matches)
        found.append(_page(query[:_LONGEST_READ]))
    url = semconv.first(attributes, "url.full")
    if isinstance(url, str) and not _SYSTEMS.isdisjoint(attributes):
        found += map(int, _PAGE_OF_URL.findall(url[:_LONGEST_URL]))
    for key in OFFSETS & attributes.keys():
        number = semconv.integer(attributes, key)
        found.append(max(0, number or 0))
    return min(max(found), _LARGEST)


def _page(body: str) -> int:
    """What the body of a search skips, by a `from` beside a `size`; 0 when it is no such body."""
    if not _BODY.match(body):
        return 0
    depth, rows, sized = 0, 0, False
    for match in _PAGE.finditer(body):
        if match["opens"]:
            depth += 1
        elif match["closes"]:
            depth -= 1
        elif depth == 1 and match["rows"]:
            rows = max(rows, int(match["rows"]))
        elif depth == 1:
            sized = True
    return rows if sized else 0


def _batch(attributes: Attributes) -> BatchSize:
    sizes = [attributes.get(key) for key in BATCHES]
    told = [one for one in sizes if isinstance(one, int) and not isinstance(one, bool)]
    if any(one > 0 for one in told) or _several_rows(semconv.first(attributes, "db.query.text")):
        return BatchSize.TOLD
    return BatchSize.EMPTY if told else BatchSize.UNTOLD


def _several_rows(query: AttributeValue) -> bool:
    """Whether a query lists several rows, as those do that insert or ask for many at once."""
    text = query[:_LONGEST_READ] if isinstance(query, str) else ""
    if _LONG_LIST.search(text):
        return True
    values = _VALUES.search(text)
    depth = 1
    for match in _IN_ROW.finditer(text, values.end()) if values else ():
        depth += (match[0] == "(") - (match[0] == ")")
        if not depth:
            return _NEXT_ROW.match(text, match.end()) is not None
    return False
