"""Selectors: to which telemetry a policy applies, compiled once when policies are loaded."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from collector import semconv
from collector.classify import SpanKind
from collector.demand import KeyMatch, any_of
from collector.semconv import Attributes
from collector.violation import Service

SpanKindName = Literal["internal", "server", "client", "producer", "consumer"]
Pattern = Annotated[str, Field(min_length=1, max_length=256)]

#: Selector fields that every kind of policy understands; the others are for kinds to name.
SERVICE_FIELDS = frozenset({"services", "exclude_services", "namespaces", "environments"})


class Selector(BaseModel):
    """Narrows a policy to some telemetry; patterns are shell-style, and case matters.

    An empty field narrows nothing. All fields that are set must match.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    services: tuple[Pattern, ...] = Field(
        default=(), description="service.name matches one of these"
    )
    exclude_services: tuple[Pattern, ...] = Field(
        default=(), description="service.name matches none of these"
    )
    namespaces: tuple[Pattern, ...] = Field(default=(), description="service.namespace matches one")
    environments: tuple[Pattern, ...] = Field(
        default=(), description="deployment.environment.name matches one"
    )
    metrics: tuple[Pattern, ...] = Field(default=(), description="the metric's name matches one")
    span_kinds: tuple[SpanKindName, ...] = Field(default=(), description="kinds of span")
    names: tuple[Pattern, ...] = Field(default=(), description="the span's name matches one")
    attributes: dict[str, tuple[Pattern, ...]] = Field(
        default={},
        description="each attribute is present, and its value matches one of its patterns",
    )

    def used(self) -> frozenset[str]:
        """Names of the fields that narrow something."""
        return frozenset(name for name in type(self).model_fields if getattr(self, name))


def _passes(expression: re.Pattern[str] | None, text: str) -> bool:
    return expression is None or expression.match(text) is not None


class Matcher:
    """A selector, compiled."""

    def __init__(self, selector: Selector) -> None:
        self._excluded = any_of(selector.exclude_services)
        self._services = any_of(selector.services)
        self._namespaces = any_of(selector.namespaces)
        self._environments = any_of(selector.environments)
        self._metrics = any_of(selector.metrics)
        self._names = any_of(selector.names)
        self.kinds = frozenset(SpanKind[kind.upper()] for kind in selector.span_kinds)
        self.where = tuple(
            KeyMatch(semconv.family(key), patterns) for key, patterns in selector.attributes.items()
        )
        self._values = [(match.keys, any_of(match.patterns)) for match in self.where]
        self.service = lru_cache(maxsize=4096)(self._service)
        self.metric = lru_cache(maxsize=4096)(self._metric)

    def _service(self, service: Service) -> bool:
        """Whether the policy applies to a service."""
        return (
            (self._excluded is None or not self._excluded.match(service.name))
            and _passes(self._services, service.name)
            and _passes(self._namespaces, service.namespace)
            and _passes(self._environments, service.environment)
        )

    def _metric(self, name: str) -> bool:
        """Whether the policy applies to a metric."""
        return _passes(self._metrics, name)

    def span(self, kind: SpanKind, name: str) -> bool:
        """Whether the policy applies to spans of this kind and name."""
        return (not self.kinds or kind in self.kinds) and _passes(self._names, name)

    def attributes(self, attributes: Attributes) -> bool:
        """Whether each selected attribute is present with a value that matches."""
        return all(
            any(
                attributes.get(key) is not None and _passes(expression, str(attributes[key]))
                for key in keys
            )
            for keys, expression in self._values
        )
