"""Messages that were begun more than once, and whether there was a reason for it."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from support.clients.provider_control import Arrival

_SILENT_S = 0.5  # a worker that calls nobody for so long may have stood still, and is lost after 1 s
HUNG_UP_WITHIN_S = 0.1  # the provider may hear of a call that ended so much later than of the next one


def unexplained(arrivals: Sequence[Arrival]) -> list[str]:
    """The messages that were begun again though their call had not failed, and both workers called others meanwhile.

    `arrivals` are all calls of the provider, in their order. A worker of which nothing was heard for half a second may
    rightly have lost its messages to another one, and come late with what it had: on a busy machine it stands still.
    """
    by_message, by_worker = defaultdict[str, list[Arrival]](list), defaultdict[str, list[float]](list)
    for arrival in arrivals:
        by_message[str(arrival.fields["key"])].append(arrival)
        by_worker[arrival.via].append(arrival.arrived)
    return [
        f"{message}: {_told(earlier, later)}"
        for message, calls in by_message.items()
        for earlier, later in pairwise(calls)
        if not _failed(earlier, later)
        and _heard(by_worker[earlier.via], earlier.arrived, later.arrived)
        and _heard(by_worker[later.via], later.arrived, later.arrived)
    ]


def _told(earlier: Arrival, later: Arrival) -> str:
    """Both calls, in seconds from when the first one arrived."""
    ended = "open" if earlier.ended is None else f"ended after {earlier.ended - earlier.arrived:.3f} s"
    answer = f"{earlier.cut or earlier.status}, {'' if earlier.executed else 'not '}carried out"
    return f"{earlier.via}, {ended} ({answer}), then {later.via} after {later.arrived - earlier.arrived:.3f} s"


def _failed(earlier: Arrival, later: Arrival) -> bool:
    """Whether the call had been refused or broken off, by the provider or by its caller, before the next one."""
    ended = earlier.ended is not None and earlier.ended <= later.arrived + HUNG_UP_WITHIN_S
    return ended and (earlier.cut is not None or not earlier.executed)


def _heard(moments: Sequence[float], since: float, until: float) -> bool:
    """Whether a worker that called at these moments was never silent, from shortly before `since` until `until`."""
    within = [since - _SILENT_S, *(one for one in moments if since - _SILENT_S < one < until), until]
    return all(after - before < _SILENT_S for before, after in pairwise(within))
