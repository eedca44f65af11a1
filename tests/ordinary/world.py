"""The services of a shop of shops: about forty, in every language, some instances of each."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from ordinary.otlp import pairs
from ordinary.stacks import STACKS, Stack

_SERVICES = {
    "browser": "web-frontend",
    "envoy": "istio-ingressgateway.istio-system productpage.books details.books ratings.books",
    "node": "api-gateway payment media notifications",
    "node-new": "storefront graphql-bff",
    "go": "catalog checkout pricing webhooks workflow flagd",
    "go-old": "iot-gateway",
    "dotnet": "cart inventory accounting reports",
    "java": "accounts auth ads fraud",
    "java-new": "orders relay scheduler warehouse",
    "java-old": "legacy-portal",
    "python": "recommendation search billing maintenance tenant-admin analytics",
    "python-new": "assistant",
    "asgi": "reviews chat",
    "php": "quote partner-api",
    "ruby": "email",
    "cpp": "currency",
    "lambda": "invoices thumbnailer",
}
#: Services behind a Collector, which joins what several of them send.
_BEHIND_COLLECTOR = frozenset({"catalog", "checkout", "cart", "ads", "orders", "quote", "email"})
_INSTANCES = {"web-frontend": 12, "api-gateway": 3, "storefront": 3, "catalog": 3, "cart": 2}


@dataclass(frozen=True, eq=False)
class Process:
    """One running instance of a service.

    Attributes:
        service: its name.
        stack: how it spells telemetry.
        resource: who it says it is.
        skew: nanoseconds by which its clock is wrong.
        phase: seconds into its export interval at which it exports.
        collected: whether a Collector stands between it and the auditor.
    """

    service: str
    stack: Stack
    resource: Resource
    skew: int
    phase: float
    collected: bool


class World:
    """All processes.

    Args:
        random: of everything about them.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._processes: dict[str, list[Process]] = {}
        for stack, names in _SERVICES.items():
            for name in names.split():
                count = _INSTANCES.get(name, 1 + random.randrange(2))
                self._processes[name] = [self._process(name, stack) for _ in range(count)]

    def __getitem__(self, service: str) -> Process:
        """Any instance of a service."""
        return self._random.choice(self._processes[service])

    @property
    def processes(self) -> list[Process]:
        """Every instance of every service."""
        return [one for every in self._processes.values() for one in every]

    def _process(self, name: str, stack_name: str) -> Process:
        random, stack = self._random, STACKS[stack_name]
        said = {
            "service.name": name,
            "service.version": f"1.{random.randrange(9)}.{random.randrange(20)}",
            "telemetry.sdk.language": stack.language,
            "telemetry.sdk.name": stack.sdk.partition(" ")[0],
            "telemetry.sdk.version": stack.sdk.partition(" ")[2],
        } | _place(name, stack_name, random)
        return Process(
            service=name,
            stack=stack,
            resource=Resource(attributes=pairs(said)),
            skew=int(random.gauss(0, 3e6)),
            phase=random.random() * stack.interval,
            collected=name in _BEHIND_COLLECTOR,
        )


def _place(name: str, stack: str, random: Random) -> dict[str, object]:
    """Where a process runs."""
    if stack == "browser":
        return {"browser.platform": "Linux", "browser.mobile": False, "browser.language": "en"}
    if stack == "lambda":
        return {
            "cloud.provider": "aws",
            "cloud.platform": "aws_lambda",
            "cloud.region": "eu-central-1",
            "faas.name": name,
            "faas.version": "$LATEST",
        }
    return {
        "service.namespace": "shop",
        "service.instance.id": f"{name}-{random.randrange(10**6)}",
        "deployment.environment.name": "staging",
        "k8s.namespace.name": "shop",
        "k8s.pod.name": f"{name}-{random.randbytes(4).hex()}-{random.randbytes(2).hex()}",
        "k8s.deployment.name": name,
        "k8s.node.name": f"node-{random.randrange(6)}",
        "process.pid": random.randrange(1, 400),
        "process.command_args": ["/app/server", "--port", "8080"],
    }
