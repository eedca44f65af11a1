"""Who sent an item: resources as policies see them, interned so that each is read once."""

from __future__ import annotations

from collections.abc import Iterable

from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceMessage

from collector import semconv
from collector.decode.anyvalue import bounded, names_of, plain
from collector.generations import Generations
from collector.semconv import Attributes
from collector.views import Resource
from collector.violation import UNKNOWN_SERVICE, Service

#: The auditor's own telemetry carries this resource attribute, wherever it comes round.
OWN_TELEMETRY_KEY = "telemetry_auditor.self"

_SERVICE_KEYS = semconv.families(
    ("service.name", "service.namespace", "deployment.environment.name")
)

_KEY_SETS = 1024

#: Bytes of a resource that are looked at; its attributes take many times their bytes in memory.
LONGEST_RESOURCE = 262_144


def attributes_of(pairs: Iterable[KeyValue], wanted: frozenset[str]) -> Attributes:
    """The wanted ones of a list of attributes; the last of equal keys wins."""
    return {pair.key: plain(pair.value) for pair in pairs if pair.key in wanted}


class Resources:
    """Interns resources by their bytes.

    Args:
        wanted: resource attributes that policies read.
        remembered: distinct resources remembered at most.
    """

    def __init__(self, wanted: frozenset[str], remembered: int = 10_000) -> None:
        self._wanted = {key: key for key in wanted | _SERVICE_KEYS}
        self._key_sets: Generations[frozenset[str], frozenset[str]] = Generations(_KEY_SETS)
        self._known: Generations[int, Resource] = Generations(remembered)

    def intern(self, message: ResourceMessage) -> Resource:
        """The resource of a message; the same object while it is remembered."""
        raw = message.SerializeToString(deterministic=True)
        identity = hash(raw)  # keyed per process, so that no sender can make two collide
        resource = self._known.get(identity)
        if resource is None:
            resource = self._known[identity] = self._read(message, identity)
        return resource

    def _read(self, message: ResourceMessage, identity: int) -> Resource:
        wanted = self._wanted
        attributes = {
            wanted[pair.key]: plain(pair.value) for pair in message.attributes if pair.key in wanted
        }
        return Resource(
            service=_service(attributes),
            identity=identity,
            keys=self._shared(frozenset(names_of(message.attributes))),
            attributes=attributes,
        )

    def _shared(self, keys: frozenset[str]) -> frozenset[str]:
        """One object for equal sets: senders are many, but carry the same few sets of keys."""
        known = self._key_sets.get(keys)
        if known is None:
            known = self._key_sets[keys] = keys
        return known


def service_of(message: ResourceMessage) -> Service:
    """The service that a resource stands for."""
    return _service(attributes_of(message.attributes, _SERVICE_KEYS))


def _service(attributes: Attributes) -> Service:
    return Service(
        _name(attributes, "service.name") or UNKNOWN_SERVICE,
        _name(attributes, "service.namespace"),
        _name(attributes, "deployment.environment.name"),
    )


def _name(attributes: Attributes, key: str) -> str:
    return bounded(semconv.text(attributes, key))


def is_own(resource: Resource) -> bool:
    """Whether a resource is the auditor itself."""
    return OWN_TELEMETRY_KEY in resource.keys
