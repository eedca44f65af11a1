"""What may stand in a policy file, key by key."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from collector.evaluate.detectors.custom import SHORTEST_LITERAL
from collector.evaluate.match import Selector

SeverityName = Literal["info", "warning", "critical"]
Identifier = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
        max_length=80,
        examples=["no-secrets-in-baggage"],
    ),
]
Text = Annotated[str, Field(min_length=1, max_length=4000)]
Pattern = Annotated[str, Field(min_length=1, max_length=256)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DetectorEntry(_Entry):
    """A detector of secrets of one's own."""

    name: Identifier = Field(description="as findings spell it; not that of a shipped detector")
    severity: SeverityName = Field(default="critical", description="of its finds")
    literals: tuple[Annotated[str, Field(min_length=SHORTEST_LITERAL, max_length=64)], ...] = Field(
        default=(),
        max_length=32,
        description="one of them, as it is written, stands in every text in which something "
        f"is found; {SHORTEST_LITERAL} characters at least",
    )
    keys: tuple[Annotated[str, Field(pattern="^[A-Za-z0-9]{2,64}$")], ...] = Field(
        default=(),
        max_length=32,
        description="words of attribute names, such as `acme` of `acme.token`, under which the "
        "expression is tried without a literal",
    )
    expression: str = Field(
        min_length=1,
        max_length=1000,
        description="in RE2's syntax; the group `secret`, as in (?P<secret>...), is the secret",
    )
    min_entropy: float = Field(
        default=0, ge=0, le=8, description="bits per character below which a match is none"
    )
    public: int = Field(default=0, ge=0, le=12, description="leading characters that may be shown")


class PolicyEntry(_Entry):
    """A policy: a kind, its options, and what to say when telemetry breaks it."""

    id: Identifier = Field(
        description="unique among all loaded policies: lower-case words joined by hyphens"
    )
    kind: str = Field(description="the kind of policy, as `telemetry-auditor policies list` has it")
    summary: Text = Field(description="what is wrong, in one sentence")
    why: str = Field(default="", max_length=4000, description="why it matters")
    remedy: Text = Field(description="what to do about it")
    severity: SeverityName | None = Field(
        default=None,
        description="the highest severity that is reported; by default the highest of the kind",
    )
    enabled: bool = Field(default=True, description="whether the policy is judged")
    select: Selector = Field(default=Selector(), description="to which telemetry it applies")
    options: dict[str, Any] = Field(default={}, description="options of the kind")
    references: tuple[Text, ...] = Field(default=(), description="where to read more: URLs")
    false_positives: tuple[Text, ...] = Field(
        default=(), description="known cases in which the policy is wrong"
    )


class ExemptionEntry(_Entry):
    """Violations that are excused until a day."""

    policy: str = Field(description="id of the policy")
    service: Pattern = Field(
        description="shell-style pattern of the service's name; `*` for every service"
    )
    subject: Pattern = Field(
        default="*", description="shell-style pattern of the violation's subject, or its text"
    )
    detector: Pattern | None = Field(
        default=None, description="of secrets: only what this detector found (shell-style pattern)"
    )
    key: Pattern | None = Field(
        default=None, description="of secrets: only under this attribute key (shell-style pattern)"
    )
    member: Pattern | None = Field(
        default=None, description="of secrets: only in this baggage member (shell-style pattern)"
    )
    fingerprint: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{16}$",
        description="of secrets: only this one, as the evidence of its finding says; needs "
        "`secrets.fingerprint_key_file`, without which a secret has another one after each start",
    )
    owner: Text = Field(description="who answers for the exemption: a team or a person")
    reason: Text = Field(description="why the violations are excused")
    expires: date = Field(description="the last day on which it holds (UTC), as YYYY-MM-DD")


class OverrideEntry(_Entry):
    """Changes to a policy of any loaded file."""

    policy: str = Field(description="id of the policy")
    severity: SeverityName | None = Field(
        default=None, description="in place of the policy's severity"
    )
    enabled: bool | None = Field(default=None, description="whether the policy is judged")
    select: Selector | None = Field(default=None, description="in place of the policy's selector")
    options: dict[str, Any] = Field(
        default={}, description="each in place of the policy's option of that name"
    )


class PackFile(_Entry):
    """A policy file."""

    pack: str = Field(
        default="",
        pattern=r"^([a-z][a-z0-9]*(-[a-z0-9]+)*)?$",
        description="name of the pack; by default the file's",
    )
    summary: str = Field(default="", description="what the pack is for, in one sentence")
    detectors: tuple[Any, ...] = Field(default=(), description="detectors of your own")
    policies: tuple[Any, ...] = Field(default=(), description="policies")
    exemptions: tuple[Any, ...] = Field(default=(), description="violations that are excused")
    overrides: tuple[Any, ...] = Field(
        default=(), description="changes to policies of any loaded file"
    )
