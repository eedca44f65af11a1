"""Every target by its name; `found/NAME` holds what it found."""

from __future__ import annotations

from inputs import (
    baggage_headers,
    compressed,
    grpc_messages,
    hop_answers,
    http_bytes,
    json_bodies,
    policy_files,
    urls,
)
from inputs.target import Target

TARGETS: dict[str, Target] = {
    "otlp-json": json_bodies.TARGET,
    "compression": compressed.TARGET,
    "grpc-compression": grpc_messages.TARGET,
    "baggage": baggage_headers.TARGET,
    "urls": urls.TARGET,
    "http": http_bytes.TARGET,
    "hop-answers": hop_answers.TARGET,
    "policy-files": policy_files.TARGET,
}
