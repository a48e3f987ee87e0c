"""Keys that change at the identity provider, and tokens that name keys which nobody has."""

import time
from collections import Counter
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to, less_than_or_equal_to

from support.capabilities.auth_jwt_redis_session.client import Adapter, Verdict
from support.capabilities.auth_jwt_redis_session.forgeries import Forger
from support.clients.provider_control import ArmedFault
from support.errors import ProbeError
from support.polling import poll
from support.worlds.crowds import for_each

if TYPE_CHECKING:
    from support.capabilities.auth_jwt_redis_session.world import World

_AT_ONCE = 8
_QUIET_S = 1.1
_FETCHED_WITHIN_S = 3.0  # they do so every 2 s


class Published:
    """What the identity provider was asked for its keys, and when."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def rotate(self) -> None:
        """A new key signs, just after the nodes have fetched the keys as they were.

        Before that they are left alone for a moment: who has just looked for a key in vain need not look again at once.
        """
        time.sleep(_QUIET_S)
        mark = self._world.identity.mark()
        poll(lambda: self._world.identity.key_fetches(mark), _FETCHED_WITHIN_S)
        self._world.identity.rotate()

    def refuse(self) -> ArmedFault:
        """Whoever asks for the keys does so in vain; that every node does which asks of itself is waited for."""
        mark, names = self._world.identity.mark(), {node.name for node in self._world.nodes}
        fault = self._world.identity.refuse_keys()
        poll(lambda: names <= {one.via for one in self._world.identity.key_fetches(mark)}, _FETCHED_WITHIN_S)
        return fault

    def withdraw(self) -> None:
        """The key that signed until now, and whose tokens every node takes, is withdrawn, and another signs."""
        for device in self._world.devices:
            self._world.expect_signed_in(device)
        self._world.identity.rotate()
        self._world.identity.retire()

    def expect_access_refused(self, device: str, within_s: float) -> None:
        """Within `within_s` no node takes the access token of `device` any more."""
        nodes, access = self._world.nodes, self._world.devices[device].access
        verdicts = {node.name: Verdict.ACCEPTED for node in nodes}

        def refused() -> bool:
            verdicts.update({node.name: node.call(access).verdict for node in nodes})
            return set(verdicts.values()) == {Verdict.UNAUTHENTICATED}

        poll(refused, within_s)
        assert_that(verdicts, equal_to(dict.fromkeys(verdicts, Verdict.UNAUTHENTICATED)))

    def show_unknown_keys(self, count: int, device: str, at_least_s: float) -> None:
        """So many tokens with a key that nobody has are shown to each node, for `at_least_s` at the least."""
        world, tokens = self._world, self._world.devices[device]
        forger = Forger(world.identity, tokens.access, tokens.refresh)
        good = tokens.access.split(".")
        forged = [forger.unsigned(good[2], kid=f"unknown-{number}") for number in range(count)]
        self._mark, self._began = world.identity.mark(), time.monotonic()
        end = self._began + at_least_s
        self._verdicts: Counter[Verdict] = Counter()
        while time.monotonic() < end:
            for_each(world.gateways, lambda node: for_each(forged, lambda token: self._show(node, token), _AT_ONCE))
            world.expect_signed_in(device)

    def expect_few_fetches(self, per_s: int) -> None:
        """Each was refused, and no node asked for the keys more often than so many times in a second.

        Two more are granted at the edges. ProbeError when the provider's meter knows no node by its link.
        """
        took_s = time.monotonic() - self._began
        assert_that(set(self._verdicts), equal_to({Verdict.UNAUTHENTICATED}), "answers to tokens of unknown keys")
        fetches = Counter(arrival.via for arrival in self._world.identity.key_fetches(self._mark))
        for name, count in fetches.items():
            assert_that(count, less_than_or_equal_to(per_s * took_s + 2), f"fetches of {name} in {took_s:.1f} s")
        if not fetches:
            raise ProbeError("no node fetched the keys, so nothing is known of how often they do")

    def _show(self, node: Adapter, token: str) -> None:
        self._verdicts[node.call(token).verdict] += 1
