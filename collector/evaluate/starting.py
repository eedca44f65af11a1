"""Services that wait at their start until what they need can be reached."""

from __future__ import annotations

import re

from collector import semconv
from collector.evaluate.attempts import AttemptSequence
from collector.evaluate.tree import ENTRIES, Tree
from collector.views import Span

#: ``error.type`` of a call that never reached a server, so that nothing can have come of it.
_NOT_SENT = re.compile(
    r"refused|unreach|unknown.?host|no.?route|dns|name.?resolution|enotfound|eai_again"
    r"|connect.?time|(?<!dis)connect.?(?:exception|error)|connector.?error"
    r"|(?:new|endpoint).?connection.?error|\Aconnection_error\Z",
    re.IGNORECASE,
)
_LONGEST = 256  # characters of an error type that are looked at
_PAUSE = 500_000_000  # nanoseconds; shorter ones must grow (ours)
_GROWN = 100_000_000  # to as much: what is shorter differs by chance (ours)


def not_sent(span: Span) -> bool:
    """Whether an error says that a call never reached a server."""
    return bool(_NOT_SENT.search(semconv.text(span.attributes, "error.type")[:_LONGEST]))


def waits_for_peer(sequence: AttemptSequence, tree: Tree) -> bool:
    """Whether nobody but the service itself waits for a peer that is not there yet.

    It waits between attempts, for long or longer each time, and for no request and no message, as
    far as its trace was seen up to its root.
    """
    failed = [span for span in sequence.spans if span.failed]
    waits = sequence.waits()
    if not failed or not waits or not all(not_sent(span) for span in failed):
        return False
    later = waits[len(waits) // 2 :]
    if sum(later) < _PAUSE * len(later) and waits[-1] < max(_GROWN, 2 * waits[0]):
        return False
    above = [sequence.spans[0], *tree.above(sequence.spans[0])]
    return not above[-1].parent_id and all(one.kind not in ENTRIES for one in above)
