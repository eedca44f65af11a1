"""Baggage that is sent to a peer outside of the internal domains.

Why:
    A propagator adds all baggage to every outgoing request, whoever it goes to. What was meant
    for the next service (a tenant, an experiment, a customer's tier) thereby reaches payment
    providers, partners and clouds, in clear and without anybody having decided it.

Bad:
    options: {internal_domains: [shop.example]}
    telemetry:
      - service: shop
        spans:
          - kind: client
            attributes:
              server.address: api.payments.example
              http.request.header.baggage: ["tenant=blue,tier=gold"]

Good:
    options: {internal_domains: [shop.example]}
    telemetry:
      - service: shop
        spans:
          - kind: client
            attributes:
              server.address: cart.shop.example
              http.request.header.baggage: ["tenant=blue,tier=gold"]
          - {kind: client, attributes: {server.address: api.payments.example}}

Mend:
    Leave the baggage propagator out of clients that call others, or remove all members from the
    context before such a call.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from pydantic import Field, field_validator

from collector import classify, semconv, wholes
from collector.classify import SpanKind
from collector.demand import Demand, KeyMatch, RowSelection
from collector.evaluate.detectors.baggage import members
from collector.evaluate.match import Pattern
from collector.evaluate.names import short
from collector.evaluate.policy import Meta, Options, Policy, Terms
from collector.semconv import BAGGAGE_HEADERS, AttributeValue
from collector.views import Row
from collector.violation import Severity, Signal, Violation

_ADDRESSES = ("server.address", "url.full", "network.peer.address")
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)*")
_SHOWN = 16
_LONGEST_HOST = 253  # RFC 1035


class ExternalOptions(Options):
    """What is inside."""

    internal_domains: tuple[Pattern, ...] = Field(
        default=(),
        description="domains that are inside, each with all below it; nothing is looked at and "
        "nothing reported while there are none",
    )
    private_domains: tuple[Pattern, ...] = Field(
        default=("localhost", "local", "internal", "home.arpa", "svc"),
        description="domains that are inside everywhere (RFC 6761, RFC 6762, RFC 8375, ICANN's "
        "reservation of .internal, Kubernetes services); so are names without a dot",
    )
    internal_networks: tuple[str, ...] = Field(
        default=(
            "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8",
            "169.254.0.0/16", "fc00::/7", "fe80::/10", "::1/128",
        ),
        description="networks that are inside (RFC 1918, 6598, 1122, 3927, 4193, 4291)",
    )  # fmt: skip

    @field_validator("internal_domains", "private_domains")
    @classmethod
    def _bare(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        bare = tuple(one.lower().removeprefix("*").strip(".") for one in domains)
        for domain, given in zip(bare, domains, strict=True):
            if _HOST.fullmatch(domain) is None or domain.rpartition(".")[2].isdigit():
                raise ValueError(f"{given} is not a domain such as shop.example")
        return bare

    @field_validator("internal_networks")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for given in networks:
            try:
                ip_network(given, strict=False)
            except ValueError as error:
                raise ValueError(f"{given} is not a network such as 10.0.0.0/8") from error
        return networks


class Kind(Policy[ExternalOptions]):
    """Looks at calls that captured the baggage which they sent."""

    options_type = ExternalOptions
    meta = Meta(signals=(Signal.TRACES,), severities=(Severity.WARNING,), since="0.1.0")

    def __init__(self, terms: Terms, options: ExternalOptions) -> None:
        super().__init__(terms, options)
        inside = (*options.internal_domains, *options.private_domains)
        self._inside = frozenset(inside)
        self._networks = [ip_network(one, strict=False) for one in options.internal_networks]
        self._outside = lru_cache(maxsize=4096)(self._is_outside)

    def demand(self) -> Demand:
        """Outgoing calls with captured baggage; nothing until internal domains are known."""
        if not self.options.internal_domains:
            return Demand()
        calls = RowSelection(
            Signal.TRACES,
            (KeyMatch(BAGGAGE_HEADERS, ("*",)),),
            kinds=frozenset({SpanKind.CLIENT, SpanKind.PRODUCER}),
            keys=semconv.families(_ADDRESSES),
        )
        return Demand(rows=(calls,))

    def on_row(self, row: Row, now: float) -> Iterator[Violation]:
        """Judge one call."""
        del now
        host = _host(row)
        if not host or not self._outside(host.lower()):
            return
        for key in BAGGAGE_HEADERS:
            names = _names(row.attributes.get(key))
            if names:
                yield self._report(row, key, wholes.lower(host), names)

    def _is_outside(self, host: str) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            return "." in host and _HOST.fullmatch(host) is not None and not self._is_below(host)
        return not self._is_near(address)

    def _is_below(self, host: str) -> bool:
        """Whether a name is one of the domains that are inside, or lies below one."""
        labels = host.split(".")
        return any(".".join(labels[at:]) in self._inside for at in range(len(labels)))

    def _is_near(self, address: IPv4Address | IPv6Address) -> bool:
        plain = getattr(address, "ipv4_mapped", None) or address
        return plain.is_unspecified or any(plain in network for network in self._networks)

    def _report(self, row: Row, key: str, host: str, names: list[str]) -> Violation:
        shown = [short(name) for name in names[:_SHOWN]]
        listed = ", ".join(shown)
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        return self.violation(
            severity=Severity.WARNING,
            signal=Signal.TRACES,
            service=row.resource.service,
            subject=f"baggage to {host}",
            summary=f"baggage leaves for {host}: {listed}{more}",
            trace_id=row.trace_id,
            evidence={
                "peer": host,
                "members": tuple(shown),
                "member_count": len(names),
                "key": key,
                "name": short(row.name),
            },
        )


def _names(value: AttributeValue) -> list[str]:
    """Names of the members of captured headers, each once."""
    headers = value if isinstance(value, tuple) else (value,)
    return list(
        dict.fromkeys(
            member.name
            for header in headers
            if isinstance(header, str)
            for member in members(header)
        )
    )


def _host(row: Row) -> str:
    """The host that a call goes to: as its address, URL or connection states it, or empty.

    Names of services, databases and topics are no hosts, and prove nothing.
    """
    host = semconv.text(row.attributes, "server.address").strip()
    if "://" in host:
        host = classify.host_of(host)
    host = host or classify.host_of(semconv.text(row.attributes, "url.full"))
    host = host or semconv.text(row.attributes, "network.peer.address").strip()
    return _bare_host(host)


def _bare_host(host: str) -> str:
    """A host without brackets, port and final dot; empty when it is too long to be one."""
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    return host.rstrip(".") if len(host) <= _LONGEST_HOST else ""
