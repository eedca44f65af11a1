"""The cases of kinds, and policies that have nothing but their kind and options."""

from pathlib import Path

import yaml

from collector.decode import best
from collector.decode.reference import ReferenceDecoder
from collector.demand import Demand
from collector.evaluate import registry
from collector.evaluate.match import Selector
from collector.evaluate.policy import AnyPolicy, Terms
from collector.violation import Severity

HERE = Path(__file__).parent
BUILT_IN = sorted(
    name for name, kind in registry.known().items() if kind.__module__.startswith("collector.")
)

DECODERS = list(dict.fromkeys((ReferenceDecoder, type(best.decoder(Demand())))))


def policy(name, options=None, terms=None):
    kind: type[AnyPolicy] = registry.known()[name]
    terms = dict(terms or {})
    severity = Severity.parse(terms.get("severity", "critical"))
    return kind(
        Terms(
            id=name,
            kind=name,
            severity=severity,
            summary="what is wrong",
            remedy="what to do",
            select=Selector.model_validate(terms.get("select", {})),
        ),
        kind.options_type.model_validate(options or {}),
    )


def table(name):
    return yaml.safe_load((HERE / f"{name}.yaml").read_text())
