"""PromQL that the dashboards share.

Every selector is narrowed by the variables of its dashboard. Several auditors may see one
service: gauges of state are joined by `max`, counters by `sum`.

A zero is shown only where it is known: `or_zero` gives 0 while an auditor is scraped that would
say otherwise, and nothing where there is none.
"""

from __future__ import annotations

from collections.abc import Callable

JOB = 'job="telemetry-auditor"'
POLICY = 'policy=~"$policy"'
POD = 'pod=~"$pod"'
PER_MINUTE = 60
NEW_AFTER = "1d"

#: Families of findings: the title, the kinds of policy, and what is wrong.
CARDINALITY_KINDS = 'kind=~"metric_cardinality|label_forbidden"'
SENSITIVE_KINDS = 'kind="sensitive_value"'
RETRY_KINDS = 'kind=~"retry_storm|retry_limit"'
PROBE_KINDS = 'kind="liveness_dependency"'
CORRELATION_KINDS = 'kind=~"log_correlation|trace_orphan|attribute_required"'
RELIABILITY_KINDS = (
    'kind=~"retry_storm|retry_limit|liveness_dependency'
    '|log_correlation|trace_orphan|attribute_required"'
)
OTHER_KINDS = (
    'kind!~"metric_cardinality|label_forbidden|sensitive_value|retry_storm|retry_limit'
    '|liveness_dependency|log_correlation|trace_orphan|attribute_required"'
)

#: What makes a finding, as far as metrics tell: the rows of tables.
KEY = "cluster, namespace, service_name, policy, severity"
RANKS = (("critical", 3), ("warning", 2), ("info", 1))


def _selector(metric: str, matchers: tuple[str, ...]) -> str:
    scope = ('cluster=~"$cluster"', 'namespace=~"$namespace"')
    return f"{metric}{{{', '.join((*scope, *matchers))}}}"


def pick(metric: str, *matchers: str) -> str:
    """A metric of the auditor within the chosen clusters and namespaces."""
    return _selector(f"telemetry_auditor_{metric}", matchers)


def target(metric: str, *matchers: str) -> str:
    """A metric that the scrape or the process adds, of auditors alone."""
    return _selector(metric, (JOB, *matchers))


def of_service(metric: str, *matchers: str) -> str:
    """A metric of the auditor about the chosen services."""
    return pick(metric, 'service_name=~"$service"', *matchers)


def findings(*matchers: str) -> str:
    """The gauge of open findings."""
    return of_service("findings_open", *matchers)


def violations(*matchers: str) -> str:
    """The counter of violations."""
    return of_service("violations_total", *matchers)


def or_zero(expression: str, known: str = "") -> str:
    """0 instead of nothing, while there is somebody who would know.

    Args:
        expression: has no labels.
        known: a selector of what must exist; auditors unless told otherwise.
    """
    return f"{expression} or sum(0 * {known or pick('build_info', JOB)})"


def or_none(expression: str, label: str, counter: str) -> str:
    """A series called none at 0, while a counter has no series yet."""
    empty = f"sum(0 * {pick('build_info', JOB, POD)}) unless on () {counter}"
    return f'{expression} or label_replace({empty}, "{label}", "none", "", "")'


def severity(name: str) -> str:
    """A matcher of one severity."""
    return f'severity="{name}"'


def open_count(*matchers: str) -> str:
    """Open findings; one that several auditors report counts once."""
    by = "cluster, namespace, policy, kind, severity, service_name"
    return or_zero(f"sum(max by ({by}) ({findings(*matchers)}))")


def grown(counter: str) -> str:
    """What a counter has counted in the time range.

    A service's series is born at its first violation, which `increase` does not see: a series
    that the range's beginning did not know counts as a whole.
    """
    return f"({counter} unless {counter} offset $__range or increase({counter}[$__range]))"


def rate(counter: str) -> str:
    """Counts a second."""
    return f"rate({counter}[$__rate_interval])"


def per_minute(by: str, *matchers: str) -> str:
    """Violations a minute."""
    return f"{PER_MINUTE} * sum by ({by}) ({rate(violations(*matchers))})"


def _now(selector: str) -> str:
    return selector


def _sometime(selector: str) -> str:
    return f"max_over_time({selector}[$__range])"


def _rank(look: Callable[[str], str], matchers: tuple[str, ...]) -> str:
    """The severity as a number, by which a table can be sorted."""
    return " or ".join(
        f"group by ({KEY}) ({look(findings(severity(name), *matchers))} > 0) * {rank}"
        for name, rank in RANKS
    )


def worst(*matchers: str) -> tuple[str, str, str]:
    """Of findings that are open: severity, how many, and violations in the range."""
    is_open = f"{findings(*matchers)} > 0"
    return (
        _rank(_now, matchers),
        f"max by ({KEY}) ({is_open})",
        f"sum by ({KEY}) {grown(violations(*matchers))} and on ({KEY}) {is_open}",
    )


def _before(*matchers: str) -> str:
    return f"max_over_time({findings(*matchers)}[{NEW_AFTER}] offset $__range) > 0"


def new(*matchers: str) -> tuple[str, str]:
    """Of findings of the range that the day before it did not have: severity, how many."""
    unless = f"unless on ({KEY}) {_before(*matchers)}"
    return (
        f"({_rank(_sometime, matchers)}) {unless}",
        f"max by ({KEY}) ({_sometime(findings(*matchers))} > 0) {unless}",
    )


def new_count(*matchers: str) -> str:
    """How many sorts of findings the range has that the day before it did not have."""
    return or_zero(f"count({new(*matchers)[1]})")
