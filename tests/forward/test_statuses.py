"""What a hop says in its status and headers, whoever wrote it."""

import json

import pytest
from google.protobuf.any_pb2 import Any
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from collector.accept.relay import http_reply
from collector.forward.http import read_answer
from collector.forward.parcel import JSON, PROTOBUF, HttpAnswer
from collector.forward.statuses import retry_after
from collector.violation import Signal

NOW = 1_800_000_000.0


def test_details_of_an_unknown_kind_are_left_out_for_a_sender_of_json_and_the_refusal_stays():
    known = Any()
    known.Pack(RetryInfo())
    unknown = Any(type_url="type.googleapis.com/acme.Unknown", value=b"\x08\x01")
    broken = Any(type_url=known.type_url, value=b"\xff")
    status = Status(code=3, message="no such tenant", details=[unknown, known, broken])
    answer = HttpAnswer(400, {"Content-Type": PROTOBUF}, status.SerializeToString())

    reply = http_reply(Signal.LOGS, read_answer(Signal.LOGS, answer), JSON)

    said = json.loads(reply.body)
    assert (reply.status, said["message"], len(said["details"])) == (400, "no such tenant", 1)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5.0), (" 5 ", 5.0), ("9" * 400, 86_400.0), ("", None), ("soon", None), ("-1", None),
        ("Fri, 15 Jan 2027 08:00:10 GMT", 10.0), ("Fri, 15 Jan 2027 08:00:10", 10.0),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0.0), ("Mon, 1 Jan 1 00:00:99999999999", None),
        ("Mon, 1 Jan 0001 00:00:00 +2359", 0.0),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date_or_nothing(text, seconds):
    assert retry_after(text, NOW) == seconds
