"""Feature flags as the conventions tell of them: an event for each evaluation, in its span."""

from opentelemetry._logs import SeverityNumber

from .telemetry import Telemetry

EVENT = "feature_flag.evaluation"
PROVIDER = "shop-flags"


def evaluated(telemetry: Telemetry, key: str, variant: str, *, error: str = "") -> None:
    """Tell that a flag was evaluated for the request in whose span this is called.

    Args:
        telemetry: The service's own.
        key: Of the flag.
        variant: That was served.
        error: Why the default was served; empty when it was evaluated.
    """
    attributes = {
        "feature_flag.key": key,
        "feature_flag.provider.name": PROVIDER,
        "feature_flag.result.variant": variant,
        "feature_flag.result.reason": "error" if error else "split",
    }
    if error:
        attributes["error.type"] = error
    telemetry.events.emit(
        severity_number=SeverityNumber.INFO, event_name=EVENT, attributes=attributes
    )
