"""Refresh tokens and all that ever came of them: a family, of which one member is good at a time."""

import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to

from support.capabilities.auth_jwt_redis_session.client import Adapter, Answer, Tokens, Verdict
from support.capabilities.auth_jwt_redis_session.deeds import do_all, looking, patient, told
from support.errors import ProbeError
from support.worlds.crowds import threads
from support.worlds.world import turns, wait_until

if TYPE_CHECKING:
    from support.capabilities.auth_jwt_redis_session.world import World

_PARTS = (0.2, 0.4, 0.6, 0.8, 1.0)  # of a time, at whose end the last of several tries is
GRACE_S = 3.0  # for so long both nodes answer a refresh token that was used in the same way


class Refreshes:
    """All tokens that a device has had, in their order, and when each was asked for (monotonic seconds)."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._past: dict[str, list[Tokens]] = {}
        self._answers: list[Answer] = []
        self._took_s = 0.0

    def refresh(self, device: str, times: int) -> None:
        """`device` refreshes its tokens so often, through the nodes in turn."""
        world = self._world
        past = self._past.setdefault(device, [world.devices[device]])
        for _, node in zip(range(times), turns(world.gateways), strict=False):
            past.append(world.keep(device, told(partial(node.refresh, past[-1].refresh))))
        self._refreshed_at = time.monotonic()

    def reuse(self, device: str, number: int, node: Adapter, for_s: float = 0) -> None:
        """Somebody uses the refresh token at `number` of all it has had at `node`, until `for_s` after the last one."""
        for part in _PARTS:
            wait_until(self._refreshed_at + part * for_s)
            answer = told(partial(node.refresh, self._past[device][number].refresh))
        assert_that(answer.verdict, equal_to(Verdict.UNAUTHENTICATED), "a refresh token that was used before")

    def expect_family_ended(self, device: str) -> None:
        """No node takes any token that `device` ever had. AssertionError with those that are taken."""
        taken = [
            f"{number}: {node.name}"
            for node in self._world.nodes
            for number, tokens in reversed(list(enumerate(self._past[device])))
            for deed in (partial(node.call, tokens.access), partial(node.refresh, tokens.refresh))
            if told(deed).verdict is not Verdict.UNAUTHENTICATED
        ]
        assert_that(taken, empty(), f"tokens of {device} that are taken, by number and node")

    # At the same moment, or once more

    def refresh_at_once(self, device: str, count: int) -> None:
        """`count` requests with one refresh token at the same time, through the nodes in turn; then nothing is late."""
        world = self._world
        refresh = world.devices[device].refresh
        self._kept = set(world.redis.keys(world.nodes[0].session_keys))
        began = time.monotonic()
        with threads(count) as pool:
            nodes = turns(world.gateways)
            asked = [pool.submit(next(nodes).refresh, refresh) for _ in range(count)]
        self._took_s = time.monotonic() - began
        self._answers = [one.result() for one in asked]
        world.faults.heal()
        world.hear_secret(*(token for one in self._got() for token in (one.access, one.refresh)))

    def refresh_again(self, device: str) -> None:
        """A refresh of which `device` never hears the answer, and the same once more at the other node.

        Between the two it does all else that it can with what it has.
        """
        world, refresh, access = self._world, self._world.devices[device].refresh, self._world.devices[device].access
        self._kept = set(world.redis.keys(world.nodes[0].session_keys))
        began = time.monotonic()
        first, other = world.gateways
        self._answers = [told(partial(first.refresh, refresh))]
        between = do_all(world, patient(looking(first, access) | looking(other, access)))
        assert_that({one.verdict for one in between.values()}, equal_to({Verdict.ACCEPTED}), "the access token it has")
        self._answers.append(told(partial(other.refresh, refresh)))
        self._took_s = time.monotonic() - began

    def expect_one_successor(self, device: str) -> None:
        """Nobody was told to sign in again; one of the refresh tokens is good, once, and all access tokens are."""
        world = self._world
        answered = Counter(answer.verdict for answer in self._answers)
        if self._took_s >= GRACE_S:
            raise ProbeError(f"the requests took {self._took_s:.1f} s, longer than the {GRACE_S:g} s of grace")
        assert_that(answered[Verdict.UNAUTHENTICATED], equal_to(0), f"told to sign in again, of {dict(answered)}")
        kept = set(world.redis.keys(world.nodes[0].session_keys))
        assert_that(kept ^ self._kept, empty(), "sessions that came or went in Redis")
        for node in world.gateways:
            with threads(len(self._answers)) as pool:
                answers = list(pool.map(told, [partial(node.call, one.access) for one in self._got()]))
            verdicts = {answer.verdict for answer in answers}
            assert_that(verdicts, equal_to({Verdict.ACCEPTED}), f"what {node.name} says to the access tokens")
        successors = {tokens.refresh for tokens in self._got()}
        redeemed = [told(partial(world.gateways[0].refresh, one)) for one in successors]
        good = [answer for answer in redeemed if answer.verdict is Verdict.ACCEPTED]
        assert_that(len(good), equal_to(1), f"good ones among {len(successors)} refresh tokens")
        world.keep(device, good[0])

    def _got(self) -> list[Tokens]:
        return [answer.tokens for answer in self._answers if answer.tokens]
