"""Spans as policies see them, of the scanner's records."""

from __future__ import annotations

from collector.classify import NO_TARGET, SpanKind, Target, TargetKind
from collector.decode.profiles import Profile
from collector.details import NO_DETAILS, BatchSize, Details, IdentityKind
from collector.views import Flag, Resource, Span

# By number: looking one up costs a tenth of asking its enumeration, for each span that is shown.
_FLAGS = tuple(map(Flag, range(2 * max(Flag))))
_TARGETS = tuple(TargetKind)
_IDENTITIES = tuple(IdentityKind)
_BATCHES = tuple(BatchSize)


def span_of(
    profile: Profile,
    resource: Resource,
    span_id: bytes,
    parent_id: bytes,
    start: int,
    end: int,
    flags: int,
    kinds: int,
    told: int,
    extra: int,
    tenant: int,
) -> Span:
    """A span, of what spans like it share, and of its record; see `SpanRecord` in `table.pxd`."""
    target = Target(_TARGETS[kinds & 3], told) if kinds & 3 else NO_TARGET
    details = NO_DETAILS
    if told or extra or tenant or kinds:
        details = details_of(profile.kind, kinds, told, extra, tenant)
    return Span(
        span_id=span_id,
        parent_id=parent_id,
        resource=resource,
        name=profile.name,
        kind=profile.kind,
        status=profile.status,
        start=start,
        end=end,
        flags=_FLAGS[flags],
        attributes=profile.attributes,
        peer=profile.peer,
        operation=profile.operation,
        failed=profile.failed,
        route=profile.route,
        target=target,
        attempts=profile.attempts,
        statement=profile.statement,
        details=details,
    )


def details_of(kind: SpanKind, kinds: int, told: int, extra: int, tenant: int) -> Details:
    """What a record says of a span's details."""
    identity_kind = _IDENTITIES[kinds >> 2 & 3]
    return Details(
        identity_kind=identity_kind,
        identity=extra if identity_kind else 0,
        tenant=tenant,
        fingerprint=told if kind is SpanKind.SERVER else 0,
        offset=0 if identity_kind else extra & 0xFFFFFFFF,
        rows=0 if identity_kind else extra >> 32,
        batch=_BATCHES[kinds >> 4 & 3],
        age=told if kind is SpanKind.CONSUMER else 0,
    )
