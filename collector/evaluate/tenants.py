"""Which attributes name a tenant, and whether two spans tell two of them."""

from __future__ import annotations

from collector.details import TENANTS
from collector.views import Span

#: Attributes that hold the id of a tenant (ours): no standard names one. A span with several is
#: known by the first in the alphabet, so that fewer find more.
TENANT_KEYS = (
    "tenant.id",
    "tenant_id",
    "tenantId",
    "tenant",
    "app.tenant.id",
    "org.id",
    "org_id",
    "organization.id",
    "organization_id",
    "workspace.id",
    "workspace_id",
)


def tenant_kind(span: Span) -> int:
    """Which attribute tells a span's tenant; 0 for none."""
    return span.details.tenant // TENANTS


def two_tenants(one: int, other: int) -> bool:
    """Whether two of `Details.tenant` are two tenants; those of two attributes prove nothing."""
    return one != other and one // TENANTS == other // TENANTS != 0
