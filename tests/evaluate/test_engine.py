"""The engine: each policy sees what it asked for, and the failure of one costs nothing else."""

import pytest

from collector import testing
from collector.classify import SpanKind
from collector.demand import Demand, KeyMatch, RowSelection
from collector.evaluate.engine import TIMED_EVERY, Engine
from collector.evaluate.failures import DETECTORS, SCRUBBER
from collector.evaluate.match import Selector
from collector.evaluate.policy import Hit, Meta, Options, Policy, Reading, Terms
from collector.views import (
    Batch,
    Flag,
    Orphan,
    Place,
    Resource,
    Row,
    Shape,
    ShapeCount,
    Sighting,
    Value,
)
from collector.violation import Service, Severity, Signal

SHOP = Service("shop")
RESOURCE = Resource(SHOP, 1, frozenset({"service.name"}), {"service.name": "shop"})
SHAPE = Shape(Signal.LOGS, RESOURCE, SpanKind.UNSPECIFIED, 0, 9, Flag.BODY, frozenset({"a"}))
META = Meta((Signal.LOGS,), (Severity.WARNING, Severity.CRITICAL), "0.1.0")


class Clean:
    def found(self, values):
        return {}

    def text(self, text, also=""):
        return text


class Shapes(Policy[Options]):
    meta = META

    def demand(self):
        return Demand(shapes=frozenset({Signal.LOGS}))

    def on_shape(self, count, now):
        yield self.violation(
            severity=Severity.CRITICAL,
            signal=Signal.LOGS,
            service=count.shape.resource.service,
            subject="s",
            summary="planted-secret",
            count=count.items,
            evidence={"in": "planted-secret", "all": ("planted-secret",), "n": 3},
        )


class Broken(Shapes):
    def on_shape(self, count, now):
        raise RuntimeError("planted-secret")

    def close(self, now, watermark, *, final):
        raise RuntimeError("planted-secret")

    def readings(self):
        raise RuntimeError("planted-secret")


class Values(Policy[Options]):
    meta = META
    detects = True

    def demand(self):
        return Demand(places=frozenset({Place.LOG_BODY}))

    def on_value(self, judged, now):
        return [
            self.violation(
                severity=hit.severity,
                signal=Signal.LOGS,
                service=SHOP,
                subject=hit.detector,
                summary="",
                count=sum(sighting.items for sighting in judged.value.sightings),
            )
            for hit in judged.hits
        ]


def terms(name="p", severity=Severity.CRITICAL, **select):
    return Terms(name, "kind", severity, remedy="mend", select=Selector(**select))


def engine(*policies, detectors=None, scrubber=None, **more):
    return Engine(policies, detectors=detectors or Clean(), scrubber=scrubber or Clean(), **more)


def logs(items=1):
    return Batch(Signal.LOGS, items=items, shapes=[ShapeCount(SHAPE, items, "")])


def value(text, new=True):
    return Value("", text, new, (Sighting(Signal.LOGS, Place.LOG_BODY, RESOURCE, "", "", 2),))


def test_a_policy_that_raises_is_counted_told_once_and_costs_the_others_nothing():
    told = []
    running = engine(
        Broken(terms("broken"), Options()),
        Shapes(terms("sound"), Options()),
        failed=lambda *what: told.append(what),
    )

    found = [running.evaluate(logs(), 0).violations for _ in range(2)]
    running.close(0, 0)
    running.readings()

    assert [[one.policy for one in batch] for batch in found] == [["sound"], ["sound"]]
    assert running.failures.counts == {"broken": 4}
    assert len(told) == 3
    assert "planted-secret" not in str(told)
    assert told[0][:2] == ("broken", "RuntimeError")


def test_severity_is_held_to_what_the_policy_allows():
    running = engine(Shapes(terms(severity=Severity.WARNING), Options()))

    (violation,) = running.evaluate(logs(7), 0).violations

    assert (violation.severity, violation.count) == (Severity.WARNING, 7)
    assert running.policies[0].grades == (Severity.WARNING,)


def test_a_selector_on_services_holds_for_every_hook():
    running = engine(Shapes(terms(exclude_services=["sh*"]), Options()))

    assert running.evaluate(logs(), 0).violations == []


def test_every_text_that_leaves_has_passed_the_scrubber():
    class Masks(Clean):
        def text(self, text, also=""):
            return text.replace("planted-secret", "[masked]")

    class Reads(Shapes):
        def readings(self):
            return [Reading("r", Service("planted-secret"), (("l", "planted-secret"),), 1.0)]

    running = engine(Reads(terms(), Options()), scrubber=Masks())

    shown = str(running.evaluate(logs(), 0).violations) + str(running.readings())

    assert "planted-secret" not in shown
    assert shown.count("[masked]") == 5


def test_what_cannot_be_scrubbed_is_not_shown():
    class Fails(Clean):
        def text(self, text, also=""):
            raise ValueError(text)

    running = engine(Shapes(terms(), Options()), scrubber=Fails())

    (violation,) = running.evaluate(logs(), 0).violations

    assert "planted-secret" not in str(violation)
    assert running.failures.counts[SCRUBBER] > 0


def test_a_value_with_hits_is_bad_whatever_the_policies_made_of_it():
    class Finds(Clean):
        def found(self, values):
            hit = Hit("token", Severity.CRITICAL, "", "")
            return {at: (hit,) for at, one in enumerate(values) if one.text == "bad"}

    running = engine(Values(terms(), Options()), detectors=Finds())

    verdict = running.evaluate(
        Batch(Signal.LOGS, values=[value("good"), value("bad"), value("bad", new=False)]), 0
    )

    assert [one.text for one in verdict.bad] == ["bad"]
    assert [one.count for one in verdict.violations] == [2, 2]


def test_a_value_that_breaks_the_detectors_costs_only_itself():
    class Breaks(Clean):
        def found(self, values):
            if any(one.text == "broken" for one in values):
                raise RuntimeError
            return {at: (Hit("token", Severity.CRITICAL, "", ""),) for at in range(len(values))}

    running = engine(Values(terms(), Options()), detectors=Breaks())

    verdict = running.evaluate(Batch(Signal.LOGS, values=[value("broken"), value("bad")]), 0)

    assert len(verdict.violations) == 1
    assert running.failures.counts[DETECTORS] == 2


def test_exemptions_take_violations_out():
    class Excuses:
        def match(self, violation, now):
            return violation.policy if violation.policy == "excused" else None

    running = engine(
        Shapes(terms("excused"), Options()), Shapes(terms("kept"), Options()), exemptions=Excuses()
    )

    assert [one.policy for one in running.evaluate(logs(), 0).violations] == ["kept"]


def test_rows_go_to_the_policies_that_selected_them():
    class Rows(Policy[Options]):
        meta = META

        def demand(self):
            where = KeyMatch((self.terms.id,), ("*",))
            return Demand(rows=(RowSelection(Signal.LOGS, (where,)),))

        def on_row(self, row, now):
            yield self.violation(
                severity=Severity.WARNING, signal=Signal.LOGS, service=SHOP, subject="", summary=""
            )

    running = engine(Rows(terms("a"), Options()), Rows(terms("b"), Options()))
    row = Row((1,), Signal.LOGS, RESOURCE, "", SpanKind.UNSPECIFIED, 0, 9, "", frozenset(), {})

    assert [one.policy for one in running.evaluate(Batch(rows=[row]), 0).violations] == ["b"]


def test_the_timer_is_sampled_and_scaled_up():
    ticks = iter(range(1000))
    running = engine(Shapes(terms(), Options()), timer=lambda: float(next(ticks)))

    for _ in range(TIMED_EVERY):
        running.evaluate(logs(), 0)

    assert running.seconds == {"p": TIMED_EVERY}


@pytest.mark.parametrize("items", [1, 20])
def test_telemetry_written_in_yaml_reaches_a_policy(items):
    found = testing.run(
        [Shapes(terms(), Options())], [{"service": "shop", "repeat": items, "logs": [{}]}]
    )

    assert testing.compare(found, [{"policy": "p", "service": "shop", "count": items}]) == []
    assert testing.compare(found, [{"policy": "p", "count": items + 1}]) != []
    assert testing.compare(found, []) != []


class Choosy(Shapes):
    """Wants no shape of records, and counts how often it is asked."""

    asked = 0

    def interest(self, shape):
        self.asked += 1
        return "b" in shape.keys


def test_a_policy_is_asked_once_whether_a_shape_concerns_it_and_then_not_bothered():
    choosy = Choosy(terms("choosy"), Options())
    running = engine(choosy)

    found = [running.evaluate(logs(), 0).violations for _ in range(3)]

    assert found == [[], [], []]
    assert choosy.asked == 1


def test_a_policy_that_cannot_say_what_concerns_it_is_shown_everything():
    class Unsure(Shapes):
        def interest(self, shape):
            raise RuntimeError("planted-secret")

    running = engine(Unsure(terms("unsure"), Options()))

    assert [one.policy for one in running.evaluate(logs(), 0).violations] == ["unsure"]
    assert running.failures.counts == {"unsure": 1}


def test_one_hook_that_raises_keeps_the_others_of_its_policy_going():
    seen = []

    class Traces(Shapes):
        def demand(self):
            return Demand(orphans=Flag.PARENT_LOCAL)

        def on_arrived_parents(self, parents, now):
            raise RuntimeError("planted-secret")

        def on_orphans(self, orphans, now):
            seen.extend(orphans)

    orphan = Orphan(b"t" * 16, b"p" * 8, RESOURCE, False, 0.0)
    running = engine(Traces(terms(), Options()))
    running.evaluate(Batch(orphans=[orphan], arrived_parents=[(b"t", b"p")]), 0)

    assert seen == [orphan]
    assert running.failures.counts == {"p": 1}
