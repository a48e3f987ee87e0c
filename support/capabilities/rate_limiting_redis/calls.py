"""The log of all calls of a scenario, and what of it is proof that a limit was broken.

When a call was let in is not seen from outside: it was somewhere between its being sent and its answer. So a gateway is
accused only where every such moment would break the limit, and of what lies in between nothing is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from support.capabilities.rate_limiting_redis.client import Answer, Resource, Verdict
from support.errors import ProbeError

WINDOW_S = 2.0  # over which the gateways count
LIMITS = {"free": 10, "team": 20, "pro": 50}  # calls in it, by plan
STRANGERS_PLAN = "free"  # of whoever calls without an account
_GIVEN_UP_S = 0.5  # a refusal without a Redis is said sooner, and one after waiting for it later
_ROUNDED_S = 0.001  # a wait that is first rounded up to milliseconds, and then to seconds


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

    @property
    def took_s(self) -> float:
        """From its being sent to its answer, in seconds."""
        return self.answered - self.sent


def see_in_one_window(calls: Sequence[Call]) -> None:
    """Raises ProbeError where `calls`, which are to count together, took longer than that, and says who was slowest."""
    if why := outlasted(calls):
        raise ProbeError(why)


def see_in_time(calls: Sequence[Call]) -> None:
    """ProbeError where a gateway has given up waiting for Redis, as one rightly does on a machine that stands still."""
    if why := given_up(calls):
        raise ProbeError(why)


def outlasted(calls: Sequence[Call]) -> str:
    """How much longer `calls` took than the window in which they count together, in words; empty where they did not."""
    took_s = max(call.answered for call in calls) - min(call.sent for call in calls)
    window = f"longer than the {WINDOW_S:g} s in which they count together"
    return f"{len(calls)} calls took {took_s:.2f} s, {window}; {slowest(calls)}" if took_s > WINDOW_S else ""


def given_up(calls: Sequence[Call]) -> str:
    """Which gateway has given up waiting for Redis, in words; empty where none has."""
    late = [call for call in calls if call.answer.verdict is Verdict.UNAVAILABLE and call.took_s > _GIVEN_UP_S]
    return f"a gateway had no answer of Redis in time; {slowest(late)}" if late else ""


def slowest(calls: Sequence[Call]) -> str:
    """Which gateway took longest for one of `calls`, how long, and how long each gateway's took at the median."""
    last = max(calls, key=lambda call: call.took_s)
    took = {name: [call.took_s for call in calls if call.gateway == name] for name in {call.gateway for call in calls}}
    medians = ", ".join(f"{name} {median(took[name]):.2f} s" for name in sorted(took))
    return f"the slowest answer was {last.gateway}'s, after {last.took_s:.2f} s (at the median {medians})"


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


def unexplained(call: Call, before: Sequence[Call]) -> list[str]:
    """What of the answer to `call` cannot be right, in words: whether it was let in, the limit, what is left, the wait.

    `before` are all earlier calls that count with it, each of which had been answered when the next one was sent.
    """
    if call.answer.verdict not in (Verdict.ADMITTED, Verdict.LIMITED):
        return [f"was answered as {call.answer.verdict.name}"]
    admitted = [one for one in before if one.admitted]
    least = sum(one.cost for one in admitted if one.sent + WINDOW_S > call.answered)
    most = sum(one.cost for one in admitted if one.answered + WINDOW_S > call.sent)
    wrong = _wrong_limits(call, least, most)
    if call.admitted and least + call.cost > call.limit:
        wrong.append(f"was let in, though at least {least} of {call.limit} calls were used")
    if not call.admitted and most + call.cost <= call.limit:
        wrong.append(f"was refused, though at most {most} of {call.limit} calls were used")
    return wrong + _wrong_wait(call, admitted)


def _wrong_limits(call: Call, least: int, most: int) -> list[str]:
    """Each answer tells the plan's limit, and what is left of it, when so many were used before."""
    wrong, taken = [], call.cost if call.admitted else 0
    fewest, most_left = (max(0, call.limit - used - taken) for used in (most, least))
    if (call.answer.limit, call.answer.window_s) != (call.limit, round(WINDOW_S)):
        wrong.append(f"was not told the limit of {call.limit} in {WINDOW_S:g} s")
    if call.answer.remaining is None or not fewest <= call.answer.remaining <= most_left:
        wrong.append(f"was to be told that {fewest} to {most_left} calls are left")
    return wrong


def _wrong_wait(call: Call, admitted: Sequence[Call]) -> list[str]:
    """Who was refused is told to come back when so many of the oldest have ended that it fits, less than 1 s later."""
    answer, room = call.answer, call.limit - call.cost
    if call.admitted:
        return ["was let in, and told to wait"] if answer.retry_after_s is not None else []
    for last in reversed(admitted):  # until the one whose end is to be waited for
        room -= last.cost
        if room < 0:
            break
    else:
        return []  # it was refused without a cause
    earliest, latest = last.sent + WINDOW_S - call.answered, last.answered + WINDOW_S - call.sent + _ROUNDED_S
    if answer.retry_after_s is None or not earliest <= answer.retry_after_s < latest + 1:
        return [f"was to be told to wait for {earliest:.3f} s to {latest:.3f} s, in whole seconds"]
    if answer.more_in_s is None or not 0 < answer.more_in_s <= answer.retry_after_s:
        return [f"was to be told that more is left by the {answer.retry_after_s} s after which to ask again"]
    return []
