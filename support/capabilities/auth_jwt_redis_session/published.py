"""Keys that change at the identity provider, and tokens that name keys which nobody has."""

import time
from collections import Counter
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to, less_than_or_equal_to

from support.capabilities.auth_jwt_redis_session.client import Verdict
from support.capabilities.auth_jwt_redis_session.forgeries import Forger
from support.errors import ProbeError
from support.polling import poll
from support.worlds.crowds import for_each

if TYPE_CHECKING:
    from support.capabilities.auth_jwt_redis_session.world import World

_AT_ONCE = 40
_FETCHED_WITHIN_S = 3.0  # they do so every second
_BEFORE_THE_NEXT_S = 0.8
_TRIES = 5  # to be quicker than that


class Published:
    """What the identity provider was asked for its keys, and when."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._device = ""
        self._fetched_at = 0.0

    def rotate_after_unknown(self, device: str) -> None:
        """A new key signs, just after the nodes have fetched the keys, and looked for one that there is none of.

        What `device` has is altered for that, and shown to every node.
        """
        world, self._device = self._world, device
        mark = world.identity.mark()
        poll(lambda: world.identity.key_fetches(mark), _FETCHED_WITHIN_S)
        self._fetched_at = time.monotonic()
        for_each(world.nodes, lambda node: node.call(self._forger(device).of_unknown_key()))
        world.identity.rotate()

    def let_in(self, name: str) -> None:
        """`name` signs in and is let in everywhere. AssertionError if not.

        Where the token came so late that the nodes may have fetched the keys as ever, the keys change once more. How
        long they take over it says nothing of that: they may wait before they look for its key.
        """
        for number in range(_TRIES):
            if number:
                self.rotate_after_unknown(self._device)
            self._world.sign_in(name, "phone")
            had_at = time.monotonic()
            self._world.expect_signed_in(f"{name}'s phone")
            if had_at < self._fetched_at + _BEFORE_THE_NEXT_S:
                return

    def fail_once(self) -> None:
        """Every node has asked for the keys in vain; from then on they can be fetched."""
        mark, names = self._world.identity.mark(), {node.name for node in self._world.nodes}
        fault = self._world.identity.refuse_keys()
        poll(lambda: names <= {one.via for one in self._world.identity.key_fetches(mark)}, _FETCHED_WITHIN_S)
        fault.heal()

    def withdraw(self, name: str) -> None:
        """The key that signed until now is withdrawn, when each node takes its tokens and has long known the next one.

        `name` signs in with a token of that.
        """
        world = self._world
        world.identity.rotate()
        world.sign_in(name, "phone")
        world.expect_signed_in(*world.devices)
        world.identity.retire()

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
        """So many tokens with a key that nobody has are shown to each node, for `at_least_s` at the least.

        Then the keys cannot be fetched, and the same is done once more.
        """
        self._seen: dict[bool, tuple[set[Verdict], Counter[str], float]] = {}
        self._show_unknown(count, device, at_least_s, healthy=True)
        self._world.identity.refuse_keys()
        self._show_unknown(count, device, at_least_s, healthy=False)

    def expect_refused(self) -> None:
        """Each was refused while the keys could be fetched, and after that told to wait.

        Whom a busy node told to wait before that, too, has lost nothing by it.
        """
        for healthy, (verdicts, _, _) in self._seen.items():
            what = f"answers to tokens of unknown keys, where keys {'can' if healthy else 'cannot'} be fetched"
            told = verdicts - {Verdict.UNAVAILABLE} if healthy else verdicts
            assert_that(told, equal_to({Verdict.UNAUTHENTICATED if healthy else Verdict.UNAVAILABLE}), what)

    def expect_few_fetches(self, per_s: int) -> None:
        """No node asked for the keys more often than so many times in a second. Two more are granted at the edges.

        ProbeError when the provider's meter knows no node by its link.
        """
        for _, fetches, took_s in self._seen.values():
            for name, count in fetches.items():
                assert_that(count, less_than_or_equal_to(per_s * took_s + 2), f"fetches of {name} in {took_s:.1f} s")
            if not fetches:
                raise ProbeError("no node fetched the keys, so nothing is known of how often they do")

    def _show_unknown(self, count: int, device: str, at_least_s: float, *, healthy: bool) -> None:
        world, forger, verdicts = self._world, self._forger(device), set[Verdict]()
        forged = [(node, forger.of_unknown_key()) for node in world.gateways for _ in range(count)]
        mark, began = world.identity.mark(), time.monotonic()
        while time.monotonic() < began + at_least_s:
            for_each(forged, lambda one: verdicts.add(one[0].call(one[1]).verdict), _AT_ONCE)
            world.expect_signed_in(device)
        fetches = Counter(arrival.via for arrival in world.identity.key_fetches(mark))
        self._seen[healthy] = verdicts, fetches, time.monotonic() - began

    def _forger(self, device: str) -> Forger:
        tokens = self._world.devices[device]
        return Forger(self._world.identity, tokens.access, tokens.refresh)
