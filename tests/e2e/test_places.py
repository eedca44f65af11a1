"""A secret is found in every place of OTLP, through both listeners, and in every disguise."""

import base64
import http.client
import json
from typing import get_args
from urllib.parse import quote

import grpc
import pytest

from collector import testing
from collector.decode.messages import SERVICES
from collector.evaluate.kinds.sensitive_value import Where

BODY = "".join(f"{n:x}Q" for n in range(40, 58))
PASSWORD = BODY[:20]
URL = f"https://worker:{PASSWORD}@pay.example/"
SPAN = {"name": "GET /"}
BAGGAGE = [f"tier=gold,back={quote(URL)}"]

#: For each place, telemetry of one service with a secret in it.
PLACES = {
    "baggage": {"spans": [{"attributes": {"http.request.header.baggage": BAGGAGE}}]},
    "span_attribute": {"spans": [{"attributes": {"note": URL}}]},
    "span_name": {"spans": [{"name": f"GET {URL}"}]},
    "span_status": {"spans": [{"status": "error", "status_message": f"no {URL}"}]},
    "trace_state": {"spans": [{"trace_state": f"vendor={URL}"}]},
    "event": {"spans": [{"events": [{"attributes": {"exception.message": f"no {URL}"}}]}]},
    "link": {"spans": [{"links": [{"trace": "b", "id": "9", "attributes": {"from": URL}}]}]},
    "log_body": {"logs": [{"body": {"deep": [{"deeper": f"no {URL}"}]}}]},
    "log_attribute": {"logs": [{"attributes": {"note": URL}}]},
    "metric_label": {"metrics": [{"name": "m", "labels": {"peer": URL}}]},
    "metric_text": {"metrics": [{"name": "m", "description": f"of {URL}"}]},
    "resource_attribute": {"resource": {"process.command_line": f"/app {URL}"}, "spans": [SPAN]},
    "scope_attribute": {"scope_attributes": {"endpoint": URL}, "spans": [SPAN]},
    "messaging_header": {"spans": [{"attributes": {"messaging.header.x-origin": [URL]}}]},
}  # fmt: skip

#: What hides a secret from whoever looks at the text as it stands.
DISGUISES = {
    "percent-encoded": f"next={quote(quote(URL, safe=''), safe='')}",
    "in a JSON string": json.dumps({"event": json.dumps({"password": PASSWORD})}),
    "in Basic": f"Basic {base64.b64encode(f'worker:{PASSWORD}'.encode()).decode()}",
    "in a header array": json.dumps({"authorization": [f"Bearer {BODY}"]}),
    "in a stack trace": f"Error: boom\n    at call ({URL})\n    at main (app.js:1:2)",
    "in escaped newlines": "-----BEGIN PRIVATE KEY-----\\n"
    + "\\n".join([BODY] * 4)
    + "\\n-----END PRIVATE KEY-----\\n",
}


def over_http(auditor, signal, data):
    connection = http.client.HTTPConnection(auditor.http, timeout=10)
    connection.request("POST", f"/v1/{signal}", data, {"Content-Type": "application/x-protobuf"})
    assert connection.getresponse().status == 200
    connection.close()


def over_grpc(auditor, signal, data):
    with grpc.insecure_channel(auditor.grpc) as channel:
        channel.unary_unary(f"/{SERVICES[signal]}/Export")(data, timeout=10)


def found(auditor, send, deliveries):
    """The places in which a secret was found, by service."""
    for service, delivery in deliveries.items():
        for signal, data in testing.requests({"service": service} | delivery):
            send(auditor, signal, data)
    assert auditor.stop() == 0
    places = {}
    for finding in auditor.findings().values():
        if finding["kind"] == "sensitive_value":
            places.setdefault(finding["service"], set()).add(finding["evidence"]["place"])
    assert PASSWORD not in auditor.findings_file.read_text()
    return places


def test_every_place_that_a_policy_can_name_is_tried_here():
    assert set(PLACES) == set(get_args(Where))


@pytest.mark.parametrize("send", [over_http, over_grpc])
def test_a_secret_is_found_in_every_place(start_auditor, send):
    services = {place.replace("_", "-"): delivery for place, delivery in PLACES.items()}

    places = found(start_auditor(), send, services)

    assert places == {place.replace("_", "-"): {place} for place in PLACES}


@pytest.mark.parametrize("send", [over_http, over_grpc])
def test_a_secret_is_found_in_every_disguise(start_auditor, send):
    services = {
        name.replace(" ", "-"): {"logs": [{"body": f"said {text}"}]}
        for name, text in DISGUISES.items()
    }

    assert set(found(start_auditor(), send, services)) == set(services)
