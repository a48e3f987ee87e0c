"""Sign-ins that cost a node work: how much, for whom, and what others notice of it."""

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from hamcrest import all_of, assert_that, equal_to, greater_than, greater_than_or_equal_to, is_in, less_than

from support.capabilities.auth_jwt_redis_session.client import Answer, Verdict
from support.capabilities.auth_jwt_redis_session.deeds import told
from support.errors import ProbeError
from support.probes.node import cpu_seconds
from support.worlds.crowds import for_each, threads

if TYPE_CHECKING:
    from support.capabilities.auth_jwt_redis_session.world import World

_IN_TURN = 4
_TIMES = 2  # that each stranger tries to sign in
_AT_ONCE = 2
_PATIENCE_S = 10.0
_LEAST_CPU_S = 0.1  # the kernel counts in steps of 10 ms


class Bursts:
    """What sign-ins through the first node cost it."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._node = next(one for one in world.fleet.nodes if one.name == world.gateways[0].name)
        self._cpu_s: dict[str, list[float]] = {"known": [], "unknown": []}
        self._refusals: set[tuple[Verdict, str]] = set()
        self._checks = 0
        self._verdicts: list[Verdict] = []

    def fail(self, name: str, count: int) -> None:
        """`count` sign-ins with a wrong password as `name`, and as many for names that nobody has, a few in turn."""
        world = self._world
        known = world.register(name)
        spent = cpu_seconds(self._node)
        for _ in range(count // _IN_TURN):
            for kind in self._cpu_s:
                tried = [known.name if kind == "known" else world.fresh("nobody") for _ in range(_IN_TURN)]
                for_each(tried, self._fail, _AT_ONCE)
                before, spent = spent, cpu_seconds(self._node)
                self._cpu_s[kind].append(spent - before)

    def _fail(self, name: str) -> None:
        answer = told(partial(self._world.gateways[0].sign_in, name, "not their password"))
        self._refusals.add((answer.verdict, answer.said))

    def expect_alike(self, least: float, most: float) -> None:
        """Both were refused in the same words, and the work of one was so many times the work of the other.

        Of each the costliest few are left out: a machine that belongs to others, too, may count as work for a moment
        what it did for them.
        """
        assert_that({verdict for verdict, _ in self._refusals}, equal_to({Verdict.UNAUTHENTICATED}))
        assert_that(len(self._refusals), equal_to(1), f"different answers: {self._refusals}")
        known, unknown = (sum(sorted(self._cpu_s[kind])[:-1]) for kind in ("known", "unknown"))
        if known + unknown < _LEAST_CPU_S:
            raise ProbeError(
                f"the node's sign-ins took {known:.2f} s and {unknown:.2f} s of CPU, too little to compare"
            )
        bounds = all_of(greater_than(least), less_than(most))
        assert_that(unknown / max(known, 0.01), bounds, "CPU time for unknown names, by that for known ones")

    def rush(self, name: str, count: int, strangers: int, device: str) -> None:
        """`name` signs in `count` times and strangers try to, at once; meanwhile `device` calls, again and again.

        Each stranger tries twice, so that the rush goes on when this process, which makes the calls, has stood still
        while the node went through all that was asked by then.

        Strangers cost the node the work of a password and nothing more. Were there tokens to be signed for all, a node
        that stands still over passwords would have the time for calls while it waits for those. A node that has too
        much to do may say so: whoever is told that asks again afterwards.
        """
        world, node = self._world, self._world.gateways[0]
        customer, access = world.register(name), world.devices[device].access
        names = [customer.name] * count + [world.fresh("nobody") for _ in range(strangers)] * _TIMES
        sign_ins = [partial(node.sign_in, one, customer.password) for one in names]
        node.call(access)
        with threads(count + strangers) as pool:
            asked = [pool.submit(sign_in) for sign_in in sign_ins]
            while not all(one.done() for one in asked):
                verdict = node.call(access).verdict
                assert_that(verdict, is_in([Verdict.ACCEPTED, Verdict.UNAVAILABLE]), f"a call of {device} meanwhile")
                self._checks += verdict is Verdict.ACCEPTED and not all(one.done() for one in asked)
                time.sleep(0.01)
        answers = [_told(one.result(), sign_in) for one, sign_in in zip(asked, sign_ins, strict=True)]
        self._verdicts = [answer.verdict for answer in answers]
        world.hear_secret(*(t for one in answers if one.tokens for t in (one.tokens.access, one.tokens.refresh)))

    def expect_all_served(self, count: int, calls: int) -> None:
        """The first `count` sign-ins succeeded and no other, and `calls` calls or more were answered meanwhile."""
        refused = [Verdict.UNAUTHENTICATED] * (len(self._verdicts) - count)
        assert_that(self._verdicts, equal_to([Verdict.ACCEPTED] * count + refused), "answers to sign-ins")
        assert_that(self._checks, greater_than_or_equal_to(calls), "calls that were answered meanwhile")


def _told(answer: Answer, deed: Callable[[], Answer]) -> Answer:
    """The `answer`, or where that was to ask again later, what is answered then."""
    return told(deed, _PATIENCE_S, every_s=1) if answer.verdict is Verdict.UNAVAILABLE else answer
