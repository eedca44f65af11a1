"""The gauge of retries per call: it shows the last window, and no window that is long over."""

from collector.evaluate.kinds.retry_storm import Kind, StormOptions
from collector.evaluate.policy import Terms
from collector.views import Tally, TallyKind
from collector.violation import Service


def test_the_ratio_of_a_service_that_no_longer_calls_is_not_shown_for_ever():
    policy = Kind(Terms("p", "retry_storm"), StormOptions(window_seconds=10, min_originals=1))
    policy.on_tallies({Tally(TallyKind.CALLS, Service("shop"), "db", "GET", 3): 20}, 3)

    def shown(watermark):
        list(policy.close(watermark, watermark, final=False))
        return [(one.service, one.value) for one in policy.readings()]

    assert shown(9) == []
    assert shown(10) == [(Service("shop"), 0.0)]
    assert shown(19) == [(Service("shop"), 0.0)]
    assert shown(20) == []
