"""The log of all calls of a scenario, and what of it is proof that a limit was broken.

When a call was let in is not seen from outside: it was somewhere between its being sent and its answer. So a gateway is
accused only where every such moment would break the limit, and of what lies in between nothing is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from support.capabilities.rate_limiting_redis.client import Answer, Resource, Verdict
from support.errors import ProbeError

WINDOW_S = 2.0  # over which the gateways count
LIMITS = {"free": 10, "team": 20, "pro": 50}  # calls in it, by plan


@dataclass(frozen=True)
class Call:
    """One call: how many calls the plan has, to whom and for what it was, and what it cost.

    It was sent and answered at moments of this machine's monotonic clock (seconds).
    """

    limit: int
    gateway: str
    resource: Resource
    cost: int
    sent: float
    answered: float
    answer: Answer

    @property
    def admitted(self) -> bool:
        """Whether it was let in."""
        return self.answer.verdict is Verdict.ADMITTED


def see_in_one_window(took_s: float) -> None:
    """Raises ProbeError where calls that are to count together took longer than that."""
    if took_s > WINDOW_S:
        raise ProbeError(f"the calls took longer than the {WINDOW_S:g} s in which they count together")


def span_s(calls: Sequence[Call]) -> float:
    """From the first call's being sent to the last answer, in seconds."""
    return max(call.answered for call in calls) - min(call.sent for call in calls)


def excess(calls: Sequence[Call], limit: int, window_s: float) -> str | None:
    """Names a window in which more than `limit` were let in for certain; None where there is none."""
    admitted = sorted((call for call in calls if call.admitted), key=lambda call: call.sent)
    for first, call in enumerate(admitted):
        certain = [later for later in admitted[first:] if later.answered - call.sent < window_s]
        if (used := sum(later.cost for later in certain)) > limit:
            return f"{used} calls were let in within {certain[-1].answered - call.sent:.3f} s"
    return None


def unjust(calls: Sequence[Call], window_s: float) -> list[Call]:
    """The calls that were refused though even all that may have counted at that moment left room in the plan."""
    admitted = [call for call in calls if call.admitted]
    return [
        call
        for call in calls
        if call.answer.verdict is Verdict.LIMITED
        and sum(one.cost for one in admitted if one.answered > call.sent - window_s and one.sent < call.answered)
        + call.cost
        <= call.limit
    ]
