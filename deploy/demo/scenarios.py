"""What the shop does wrong, which kind of policy tells of it, and what its twin does instead."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Finding = Mapping[str, Any]


@dataclass(frozen=True)
class Scenario:
    """One thing that a service does wrong.

    Attributes:
        family: Of policies; a heading of the summary.
        kind: Of the policy that must find it.
        service: That does it.
        wrong: What it does.
        right: What its twin does.
        mentions: A word that the finding's subject or evidence must hold.
    """

    family: str
    kind: str
    service: str
    wrong: str
    right: str
    mentions: str = ""

    def holds(self, finding: Finding) -> bool:
        """Whether a finding is what this must lead to, whichever service it concerns."""
        if finding["kind"] != self.kind:
            return False
        text = json.dumps([finding.get("subject"), finding.get("evidence")]).lower()
        return self.mentions in text


SCENARIOS = (
    Scenario(
        "cardinality",
        "metric_cardinality",
        "checkout",
        "makes 400 new series of one metric a second",
        "one series for each channel",
    ),
    Scenario(
        "cardinality",
        "label_forbidden",
        "checkout",
        "counts orders with the labels `order.id` and `user.id`",
        "counts them by channel",
    ),
    Scenario(
        "secrets",
        "sensitive_value",
        "frontend",
        "puts a GitHub token and a JWT into baggage, and records the header on its spans",
        "baggage holds a region",
        mentions="baggage",
    ),
    Scenario(
        "correlation",
        "log_correlation",
        "inventory",
        "logs through a thread, so its records have lost their trace ids",
        "logs within the span",
    ),
    Scenario(
        "correlation",
        "trace_orphan",
        "inventory",
        "starts a span, makes it current and never ends it",
        "ends it with its block",
    ),
    Scenario(
        "correlation",
        "trace_root",
        "inventory",
        "calls its supplier outside of any span",
        "calls it within a span that says why",
    ),
    Scenario(
        "correlation",
        "consumer_unlinked",
        "shipping",
        "drops the context that came with a message",
        "links to the message's producer",
    ),
    Scenario(
        "retries",
        "retry_storm",
        "orders",
        "tries again at once, up to five times, each time that `payments` fails",
        "two attempts, and `payments` fails seldom",
    ),
    Scenario(
        "retries",
        "retry_limit",
        "orders",
        "makes up to five attempts",
        "makes three at most",
    ),
    Scenario(
        "retries",
        "retry_backoff",
        "orders",
        "pauses not at all, or always for the same time",
        "exponential backoff with full jitter",
    ),
    Scenario(
        "retries",
        "retry_stacking",
        "orders",
        "tries three times what `billing` tries three times itself",
        "`billing` leaves it to `orders`",
    ),
    Scenario(
        "retries",
        "retry_idempotency",
        "orders",
        "posts a reminder again without a key that tells that it is the same",
        "sends an idempotency key",
    ),
    Scenario(
        "retries",
        "duplicate_effect",
        "billing",
        "makes an invoice twice when `orders` has not waited for the first answer",
        "answers the second attempt with what it stored",
    ),
    Scenario(
        "probes",
        "liveness_dependency",
        "catalog",
        "asks its database in `/livez`",
        "answers by itself",
    ),
    Scenario(
        "probes",
        "probe_cost",
        "catalog",
        "asks seven tables in `/readyz`",
        "asks one",
    ),
    Scenario(
        "idempotency",
        "idempotency_conflict",
        "billing",
        "takes one key for a credit and for a refund",
        "each request has a key of its own",
    ),
    Scenario(
        "idempotency",
        "idempotency_scope",
        "billing",
        "takes one key from two tenants",
        "each request has a key of its own",
    ),
    Scenario(
        "idempotency",
        "idempotency_replay",
        "billing",
        "writes again when a key comes again",
        "looks the key up, and answers with what it stored",
    ),
    Scenario(
        "tenants",
        "tenant_crossing",
        "pricing",
        "caches prices under a key without the tenant",
        "the key holds the tenant",
    ),
    Scenario(
        "waiting",
        "deadline_overrun",
        "billing",
        "answers 504 and lets the query run on",
        "cancels the query",
    ),
    Scenario(
        "waiting",
        "deadline_ignored",
        "billing",
        "works on an invoice long after `orders` has hung up",
        "is hardly slower than `orders` waits",
    ),
    Scenario(
        "waiting",
        "unbounded_wait",
        "billing",
        "waits for a lock without a timeout",
        "waits for 0.3 s",
    ),
    Scenario(
        "database",
        "query_repetition",
        "search",
        "asks once more for each of fifteen hits",
        "asks for all of them at once",
    ),
    Scenario(
        "database",
        "deep_offset",
        "search",
        "skips 20,000 rows to show a page",
        "goes on after the last id",
    ),
    Scenario(
        "database",
        "unbounded_result",
        "search",
        "reads a whole table for an export",
        "reads pages",
    ),
    Scenario(
        "database",
        "transaction_remote_call",
        "warehouse",
        "calls `payments` between BEGIN and COMMIT",
        "calls it before",
    ),
    Scenario(
        "database",
        "transaction_long",
        "warehouse",
        "sums up a table within the transaction",
        "the transaction is short",
    ),
    Scenario(
        "database",
        "conflict_unhandled",
        "warehouse",
        "answers 500 when a row is there already",
        "answers 409",
    ),
    Scenario(
        "database",
        "read_then_insert",
        "warehouse",
        "looks whether the row is there, then inserts it",
        "inserts it, and copes with a conflict",
    ),
    Scenario(
        "cache",
        "cache_stampede",
        "pricing",
        "loads an offer fifteen times at once when its entry has ended",
        "loads it once, for all who wait",
    ),
    Scenario(
        "cache",
        "cache_blind",
        "pricing",
        "never tells hits from misses",
        "tells them on each span",
    ),
    Scenario(
        "queues",
        "redelivery",
        "shipping",
        "loses each third acknowledgement",
        "loses one of forty",
    ),
    Scenario(
        "queues",
        "duplicate_processing",
        "shipping",
        "writes again when a message comes again",
        "looks the message id up first",
    ),
    Scenario(
        "queues",
        "poison_message",
        "shipping",
        "tries seven times what can never be processed",
        "nothing is sent that cannot be processed",
    ),
    Scenario(
        "queues",
        "dead_letter",
        "shipping",
        "puts it into a dead-letter queue",
        "nothing is sent that cannot be processed",
    ),
    Scenario(
        "queues",
        "backlog_age",
        "shipping",
        "looks for labels every 4 s",
        "looks for them all the time",
    ),
    Scenario(
        "queues",
        "dual_write",
        "warehouse",
        "writes a row and sends messages in one request",
        "writes to an outbox, from which a relay sends",
    ),
    Scenario(
        "rollout",
        "flag_error",
        "pricing",
        "serves the default when the provider of its flags is not ready",
        "the provider is ready",
    ),
    Scenario(
        "rollout",
        "flag_regression",
        "pricing",
        "a third of the requests with the new variant fail",
        "both variants work",
    ),
)

FAMILIES = tuple(dict.fromkeys(scenario.family for scenario in SCENARIOS))


def markdown() -> str:
    """All of them as the table of the README."""
    head = "| family | kind of policy | service | what it does wrong | what its twin does |"
    lines = [head, "|---|---|---|---|---|"]
    for each in SCENARIOS:
        module = f"[{each.service}](shop/{each.service}.py)"
        cells = (each.family, f"`{each.kind}`", module, each.wrong, each.right)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
