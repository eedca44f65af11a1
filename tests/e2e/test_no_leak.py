"""A secret that was found appears nowhere that the auditor writes."""

import http.client
import random
import string
import zlib

import pytest

from collector import testing

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase


def github_token():
    """A token with a valid checksum, made now so that none stands in the repository."""
    body = "".join(random.Random(7).choices(ALPHABET, k=30))
    rest, check = zlib.crc32(body.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        check = ALPHABET[digit] + check
    return f"ghp_{body}{check}"


TOKEN = github_token()
PASSWORD = "c0rrect-horse-" + "battery"
DELIVERY = {
    "service": f"shop-{TOKEN}",
    "resource": {"note": TOKEN},
    "spans": [
        {
            "name": f"GET /reset/{TOKEN}",
            "kind": "client",
            "attributes": {
                "http.request.header.baggage": [f"tier=gold,session={TOKEN}"],
                "server.address": TOKEN,
                "http.request.method": "GET",
                "url.full": f"https://worker:{PASSWORD}@pay.example/?access_token={TOKEN}",
                TOKEN: "in a key",
            },
            "events": [{"name": "exception", "attributes": {"exception.message": f"bad {TOKEN}"}}],
        }
    ],
    "logs": [{"body": f'{{"password": "{PASSWORD}", "token": "{TOKEN}"}}'}],
    "metrics": [{"name": "m", "labels": {"user.id": TOKEN, "url": f"/a?token={TOKEN}"}}],
}


def send(auditor, delivery):
    answers = []
    for signal, data in testing.requests(delivery):
        connection = http.client.HTTPConnection(auditor.http, timeout=10)
        connection.request(
            "POST", f"/v1/{signal}", data, {"Content-Type": "application/x-protobuf"}
        )
        answer = connection.getresponse()
        answers.append(answer.read().decode("latin-1"))
        connection.close()
        assert answer.status == 200
    return answers


@pytest.mark.parametrize("secret", [TOKEN, PASSWORD, TOKEN[4:], TOKEN[:20]])
def test_a_planted_secret_is_found_and_shown_nowhere(start_auditor, secret):
    shown = {"ADMIN_FINDINGS": "true", "FEEDBACK_ENABLED": "true"}
    auditor = start_auditor(env={f"TELEMETRY_AUDITOR_{key}": one for key, one in shown.items()})
    answers = send(auditor, DELIVERY)
    retries = {
        "service": "shop",
        "repeat": 30,
        "spans": [
            {"trace": "t{i}", "id": "1{i}", "parent": "p", "kind": "client", "name": TOKEN,
             "start": 0.0, "duration": 0.01,
             "attributes": {"server.address": TOKEN, "http.response.status_code": 503,
                            "http.request.method": "GET", "url.full": f"http://x/{TOKEN}/{{i}}"}},
            {"trace": "t{i}", "id": "2{i}", "parent": "p", "kind": "client", "name": TOKEN,
             "start": 0.1, "duration": 0.01,
             "attributes": {"server.address": TOKEN, "http.response.status_code": 200,
                            "http.request.method": "GET", "url.full": f"http://x/{TOKEN}/{{i}}"}},
        ],
    }  # fmt: skip
    for delivery in (retries, DELIVERY | {"service": "shop"}):
        answers += send(auditor, delivery)
    broken = http.client.HTTPConnection(auditor.http, timeout=10)
    broken.request("POST", f"/v1/{secret}", secret.encode(), {"Content-Type": secret})
    answered = broken.getresponse().read().decode()
    broken.close()
    pages = [
        auditor.page("/metrics"),
        auditor.page("/metrics", "application/openmetrics-text"),
        auditor.page("/findings?limit=1000"),
        answered,
        *answers,
    ]

    assert auditor.stop() == 0

    policies = {policy for policy, _, _ in auditor.findings()}
    assert {"secret-in-baggage", "secret-in-telemetry", "forbidden-metric-label"} <= policies
    assert any("telemetry-auditor: " in answer for answer in answers)
    for shown in (*pages, auditor.said, auditor.findings_file.read_text()):
        assert secret not in shown


def test_a_second_service_is_blamed_too_and_a_leak_that_goes_on_keeps_counting(start_auditor):
    auditor = start_auditor()
    leak = {"logs": [{"body": f"token={TOKEN}", "trace": "a", "span": "1"}]}

    for service, times in (("first", 3), ("second", 2)):
        for _ in range(times):
            send(auditor, leak | {"service": service})

    for service, times in (("first", 3), ("second", 2)):
        labels = {"policy": "secret-in-telemetry", "service_name": service}
        assert auditor.total("violations_total", **labels) >= times
    first = auditor.total("violations_total", policy="secret-in-telemetry", service_name="first")
    second = auditor.total("violations_total", policy="secret-in-telemetry", service_name="second")
    assert first * 2 == second * 3
    send(auditor, leak | {"service": "second"})
    assert (
        auditor.total("violations_total", policy="secret-in-telemetry", service_name="second")
        == second + second / 2
    )
