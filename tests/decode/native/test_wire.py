"""Whatever is written as protobuf: both decoders take the same requests, and see the same in them.

Fields of OTLP's numbers, of any wire type and at any depth, so that hypothesis can make smaller
what differs.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.decode.limits import Limits
from collector.decode.reference import ReferenceDecoder
from collector.violation import Signal

sys.path.insert(0, str(Path(__file__).parent))
from compare import Pair
from demands import EVERYTHING
from generate import KEYS, TEXTS, field_of

pytest.importorskip("collector.decode.native.check", reason="the compiled decoder is not built")
from collector.decode.native.decoder import NativeDecoder

EXAMPLES = int(os.environ.get("DIFFERENTIAL_MESSAGES", "3000")) // 12
NOW = 1_000_000_000.0

VARINT, FIXED64, DELIMITED, FIXED32 = 0, 1, 2, 5
numbers = st.one_of(st.integers(1, 20), st.sampled_from((31, 32, 1000)))
texts = st.sampled_from([text.encode() for text in (*KEYS, *TEXTS) if len(text) < 300])
ids = st.sampled_from((b"", b"\0" * 8, b"1" * 8, b"2" * 8, b"\0" * 16, b"t" * 16))
leaves = st.one_of(
    st.tuples(numbers, st.just(VARINT), st.sampled_from((b"\0", b"\1", b"\3", b"\xc8\1"))),
    st.tuples(numbers, st.just(VARINT), st.binary(min_size=1, max_size=11)),
    st.tuples(numbers, st.just(FIXED64), st.binary(min_size=8, max_size=8)),
    st.tuples(numbers, st.just(FIXED32), st.binary(min_size=4, max_size=4)),
    st.tuples(numbers, st.just(DELIMITED), st.one_of(texts, ids, st.binary(max_size=12))),
    st.tuples(numbers, st.integers(3, 7), st.binary(max_size=4)),
)


def message(fields):
    return b"".join(
        field_of(number << 3 | wire, value, padding) for (number, wire, value), padding in fields
    )


def fields_of_messages(inner):
    padded = st.tuples(inner, st.sampled_from((0, 0, 0, 1)))
    made = st.lists(padded, max_size=5).map(message)
    return st.tuples(st.integers(1, 12), st.just(DELIMITED), made)


fields = st.recursive(leaves, lambda inner: st.one_of(inner, fields_of_messages(inner)))


def wrapped(inner):
    """A request whose first levels are as they must be, so that what is inside is looked at."""
    return field_of(1 << 3 | 2, field_of(2 << 3 | 2, field_of(2 << 3 | 2, inner, 0), 0), 0)


@given(st.lists(st.tuples(fields, st.just(0)), max_size=6).map(message), st.sampled_from(Signal))
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@pytest.mark.timeout(0)
def test_any_fields_are_read_alike(inner, signal):
    pair = Pair(
        ReferenceDecoder(EVERYTHING, Limits(), b"seed"),
        NativeDecoder(EVERYTHING, Limits(), b"seed"),
    )

    for body in (inner, wrapped(inner)):
        _, different = pair.deliver(signal, body, NOW)
        assert different == []
    assert pair.drain(NOW) == []
