"""What exporters are told: each finding once, the worst first, within bounds."""

import pytest
from google.protobuf.json_format import MessageToJson
from hypothesis import given
from hypothesis import strategies as st

from collector.decode.messages import REQUESTS, Encoding
from collector.report.collapse import Finding, Findings
from collector.report.feedback import Feedback
from collector.violation import Basis, Service, Severity, Signal, Violation

SHOP = Service("shop")


def finding(subject="s", severity=Severity.WARNING, service=SHOP, policy="p", summary="it is so"):
    violation = Violation(
        policy=policy, kind="k", severity=severity, signal=Signal.LOGS, service=service,
        subject=subject, basis=Basis.OBSERVED, summary=summary, remedy="mend",
    )  # fmt: skip
    return Finding.of(violation, 0)


def body(*services):
    message = REQUESTS[Signal.TRACES]()
    for name in services:
        block = message.resource_spans.add()
        block.scope_spans.add().spans.add(name="x")
        block.resource.attributes.add(key="service.name").value.string_value = name
    return message.SerializeToString()


def told(feedback, *services):
    named = feedback.senders(Signal.TRACES, body(*services), Encoding.PROTOBUF)
    return feedback.take(named)


def test_a_finding_is_told_once_to_the_service_that_caused_it():
    feedback = Feedback()
    feedback.add(finding())

    assert told(feedback, "cart") == ""
    assert told(feedback, "cart", "shop") == "telemetry-auditor: warning p in shop: it is so (s)"
    assert told(feedback, "shop") == ""


def test_an_escalation_is_told_once_more_and_replaces_what_was_not_told():
    feedback = Feedback()
    feedback.add(finding())
    told(feedback, "shop")
    feedback.add(finding(severity=Severity.CRITICAL))
    assert "critical p" in told(feedback, "shop")

    feedback.add(finding("t"))
    feedback.add(finding("t", Severity.CRITICAL))
    message = told(feedback, "shop")
    assert message.count("(t)") == 1
    assert "critical" in message


def test_repeats_are_not_told_again():
    feedback, findings = Feedback(), Findings()
    for now in range(5):
        new = findings.add(
            Violation(
                policy="p", kind="k", severity=Severity.INFO, signal=Signal.LOGS, service=SHOP,
                subject="s", basis=Basis.OBSERVED, summary="", remedy="",
            ),
            now,
        )  # fmt: skip
        if new is not None:
            feedback.add(new)
        assert bool(told(feedback, "shop")) is (now == 0)


def test_what_has_closed_is_not_told():
    feedback = Feedback()
    feedback.add(finding())
    feedback.forget(finding())
    feedback.forget(finding("never told"))

    assert told(feedback, "shop") == ""
    assert feedback._pending == {}


def test_the_worst_comes_first_and_what_has_no_room_follows():
    feedback = Feedback(max_characters=120)
    feedback.add(finding("aaa", Severity.INFO))
    feedback.add(finding("bbb", Severity.CRITICAL))
    feedback.add(finding("ccc", Severity.WARNING))

    messages = [told(feedback, "shop") for _ in range(3)]

    assert "(bbb); warning" in messages[0]
    assert messages[0].endswith("(ccc) (1 more)")
    assert "(aaa)" in messages[1]
    assert messages[2] == ""


def test_other_services_and_other_environments_hear_nothing():
    feedback = Feedback()
    feedback.add(finding(service=Service("shop", "eu", "prod")))
    assert told(feedback, "shop") == ""


def test_bounds_of_what_is_remembered():
    feedback = Feedback(max_services=2, max_findings=2)
    for name in ("a", "b", "c"):
        feedback.add(finding(service=Service(name)))
    assert feedback.dropped == 1
    assert told(feedback, "c") == ""

    feedback.add(finding("worse", Severity.CRITICAL, Service("a")))
    feedback.add(finding("less", Severity.INFO, Service("a")))
    assert feedback.dropped == 2
    message = told(feedback, "a")
    assert "(worse)" in message
    assert "(s)" in message
    assert "(less)" not in message


def test_a_message_is_one_line_whatever_a_service_is_called():
    feedback = Feedback()
    name = "shop\r\nERROR forged \x1b[31m\u2028"
    feedback.add(finding(service=Service(name)))

    assert told(feedback, name).isprintable()


@given(
    texts=st.lists(st.text(max_size=700), min_size=1, max_size=12),
    longest=st.integers(100, 600),
)
def test_a_message_is_never_longer_than_it_may_be_and_every_finding_is_told(texts, longest):
    feedback = Feedback(max_characters=longest)
    subjects = {str(number) for number in range(len(texts))}
    for subject, text in zip(sorted(subjects), texts, strict=True):
        feedback.add(finding(subject, summary=text))
    messages = []
    while message := feedback.take([SHOP]):
        messages.append(message)
        assert len(message) <= longest
        assert message.isprintable()
    assert 1 <= len(messages) <= len(texts)
    assert feedback._pending == {}


def test_nothing_is_parsed_where_nothing_is_to_be_told():
    feedback = Feedback()
    assert feedback.senders(Signal.TRACES, None, Encoding.PROTOBUF) == ()


@pytest.mark.parametrize("encoding", list(Encoding))
@pytest.mark.parametrize("signal", list(Signal))
def test_senders_are_read_in_both_encodings(encoding, signal):
    feedback = Feedback()
    feedback.add(finding(service=Service("shop", "eu", "prod")))
    message = REQUESTS[signal]()
    field = message.DESCRIPTOR.fields[0].name
    for name in ("cart", "shop", "shop"):
        block = getattr(message, field).add()
        for key, value in (
            ("service.name", name),
            ("service.namespace", "eu"),
            ("deployment.environment.name", "prod"),
        ):
            block.resource.attributes.add(key=key).value.string_value = value
    sent = message.SerializeToString()
    if encoding is Encoding.JSON:
        sent = MessageToJson(message).encode()

    assert feedback.senders(signal, sent, encoding) == [Service("shop", "eu", "prod")]
