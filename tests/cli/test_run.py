"""What `run` says when it is ready."""

import logging

import pytest

from collector.app import Bound
from collector.cli.run import announce
from collector.config import Forward

BOUND = Bound(grpc="127.0.0.1:4317", http="", admin="127.0.0.1:9464")
READY = "ready: grpc=127.0.0.1:4317 http=off admin=127.0.0.1:9464"


@pytest.mark.parametrize(
    ("forward", "told"),
    [
        (Forward(), []),
        (Forward(endpoint="http://gateway:4317"), ["sending on to http://gateway:4317 (grpc)"]),
        (
            Forward(endpoint="https://user:hidden@gateway/otlp", protocol="http/protobuf"),
            ["sending on to https://gateway (http/protobuf)"],
        ),
    ],
)
def test_all_that_is_on_is_named_and_the_next_hop_without_its_password(forward, told, caplog):
    with caplog.at_level(logging.INFO, "telemetry_auditor"):
        announce(BOUND, 3, forward)

    assert caplog.messages[1:] == [*told, READY]
