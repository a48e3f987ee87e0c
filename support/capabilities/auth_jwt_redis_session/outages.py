"""What nodes need is away: nobody gets in, nobody is sent away, and nothing is forgotten."""

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to, less_than

from support.capabilities.auth_jwt_redis_session.client import Adapter, Answer, Verdict
from support.polling import poll
from support.promise import broken
from support.worlds.crowds import for_each

if TYPE_CHECKING:
    from support.capabilities.auth_jwt_redis_session.world import Customer, World

_BACK_WITHIN_S = 5.0


class Outages:
    """What was answered meanwhile, by what was asked, and how long the slowest answer took (seconds)."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._answers: dict[str, Verdict] = {}
        self._slowest_s = 0.0

    def answer_with_errors(self) -> None:
        """The identity provider answers every request with an error, until it is calmed."""
        self._world.identity.arm("status", times=None, status=500)

    def call(self, device: str) -> None:
        """The owner of `device` makes a call through each node."""
        access = self._world.devices[device].access
        for_each(self._world.gateways, lambda node: self._ask(f"{node.name}: call", partial(node.call, access)))

    def renew(self, device: str) -> None:
        """The owner of `device` refreshes and signs in again, through one node after the other.

        Where each takes its time, it is longer than the grace of the first refresh until that is asked for again.
        """
        tokens, customer = self._world.devices[device], self._owner(device)
        for node in self._world.gateways:
            self._ask(f"{node.name}: refresh", partial(node.refresh, tokens.refresh))
            self._ask(f"{node.name}: sign in", partial(node.sign_in, customer.name, customer.password))

    def leave(self, device: str) -> None:
        """The owner of `device` changes the password and signs out, through both nodes at once."""
        access, customer = self._world.devices[device].access, self._owner(device)
        self._world.hear_secret(new := f"new-{customer.password}")

        def ask(node: Adapter) -> None:
            self._ask(f"{node.name}: new password", partial(node.change_password, access, customer.password, new))
            self._ask(f"{node.name}: sign out", partial(node.sign_out, access))

        for_each(self._world.gateways, ask)

    def renew_in_vain(self, device: str) -> None:
        """Calls, refreshes and sign-ins, whatever is answered; then all is mended, and nothing is forgotten."""
        self.call(device)
        self.renew(device)
        self.expect_nothing_forgotten(device)

    def expect_told_to_wait(self, within_s: float) -> None:
        """Every answer was to ask again later, and came within `within_s`."""
        expected = dict.fromkeys(self._answers, Verdict.UNAVAILABLE)
        assert_that(self._answers, equal_to(expected), "what was answered")
        assert_that(self._slowest_s, less_than(within_s), "seconds that the slowest answer took")

    def call_by_new_key(self, name: str, device: str) -> None:
        """`name` signs in on `device`, gets a token that a new key has signed, and calls both nodes."""
        self._world.identity.rotate()
        self._world.sign_in(name, device)
        self.call(f"{name}'s {device}")

    def expect_nothing_forgotten(self, device: str) -> None:
        """When all is well again, the very same tokens are taken, and the refresh token gets the next."""
        world, tokens = self._world, self._world.devices[device]
        world.faults.heal()
        world.identity.heal()
        for node in world.gateways:
            answer = self._once_back(partial(node.call, tokens.access))
            assert_that(answer.verdict, equal_to(Verdict.ACCEPTED), f"the access token from before, at {node.name}")
        answer = self._once_back(lambda: world.gateways[0].refresh(tokens.refresh))
        world.keep(device, answer)
        world.expect_signed_in(device)

    def _owner(self, device: str) -> "Customer":
        return self._world.customers[device.partition("'")[0]]

    def _ask(self, what: str, work: Callable[[], Answer]) -> None:
        began = time.monotonic()
        self._answers[what] = work().verdict
        self._slowest_s = max(self._slowest_s, time.monotonic() - began)

    @staticmethod
    def _once_back(work: Callable[[], Answer]) -> Answer:
        """The first answer that is not to ask again later. AssertionError when none comes."""
        answers: list[Answer] = []

        def answered() -> bool:
            answers.append(work())
            return answers[-1].verdict is not Verdict.UNAVAILABLE

        if not poll(answered, _BACK_WITHIN_S):
            broken(f"{_BACK_WITHIN_S:g} s after the outage it is still told to ask again later")
        return answers[-1]
