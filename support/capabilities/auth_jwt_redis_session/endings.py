"""Sessions that are ended by somebody, while others try to keep them."""

import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to

from support.capabilities.auth_jwt_redis_session.client import Line, Verdict
from support.errors import ProbeError
from support.worlds.crowds import threads
from support.worlds.world import wait_until

if TYPE_CHECKING:
    from support.capabilities.auth_jwt_redis_session.world import World

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_LOOKS_EVERY_S = 0.05
_TRIES = 5


class Endings:
    """Who ended which sessions, and when."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._seconds = 0
        self._lines: dict[str, list[Line]] = {}

    def sign_out(self, device: str) -> None:
        """`device` signs out, at the second node."""
        answer = self._world.gateways[-1].sign_out(self._world.devices[device].access)
        assert_that(answer.verdict, equal_to(Verdict.ACCEPTED), f"the sign-out of {device}")

    def end_all(self, name: str, what: str) -> None:
        """Within one second `name` signs in on a tablet, `what` ends all their sessions, and they sign in once more.

        That is tried until all of it has come into one second.
        """
        for _ in range(_TRIES):
            wait_until(time.monotonic() + 1 - time.time() % 1)
            began = int(time.time())
            self._world.sign_in(name, "tablet")
            self._end(name, what)
            self._world.sign_in(name, "new phone")
            self._seconds = int(time.time()) - began
            if not self._seconds:
                return

    def expect_new_session_lives(self, name: str) -> None:
        """Who signed in just after that is signed in. ProbeError when that was never in the same second."""
        self._world.expect_signed_in(f"{name}'s new phone")
        self._world.expect_refreshes(f"{name}'s new phone")
        if self._seconds:
            raise ProbeError(f"the sessions ended, and the new one began, {self._seconds} s apart")

    def _end(self, name: str, what: str) -> None:
        if what == "a new password":
            self._world.change_password(name, "tablet")
        else:
            self.expel(name)

    def expel(self, name: str) -> None:
        """Support ends all sessions of `name`."""
        answer = self._world.gateways[0].expel(self._world.customers[name].name)
        assert_that(answer.verdict, equal_to(Verdict.ACCEPTED), f"support's decision about {name}")

    def expel_without_right(self, device: str, name: str) -> None:
        """Whoever has no more than the access token of `device` tries to end all sessions of `name`, at both nodes."""
        access, customer = self._world.devices[device].access, self._world.customers[name]
        self._tried = {node.name: node.expel(customer.name, access).verdict for node in self._world.gateways}

    def expect_refused(self) -> None:
        """Neither node did it."""
        assert_that(self._tried, equal_to(dict.fromkeys(self._tried, Verdict.UNAUTHENTICATED)))

    def expect_no_spelling_taken(self, device: str) -> None:
        """The access token of `device` is refused however it is written."""
        access = self._world.devices[device].access
        last = _LETTERS.index(access[-1])  # of whose six bits the last four mean nothing in a signature of 256 bytes
        same = _LETTERS[last & ~15 | (last + 1) & 15]
        spellings = [(access + "=", "Bearer"), (access + "==", "Bearer"), (access[:-1] + same, "Bearer")]
        spellings += [(access, "bearer"), (access, "BEARER"), (access, "Bearer ")]
        taken = [
            (node.name, number)
            for node in self._world.nodes
            for number, (token, scheme) in enumerate(spellings)
            if node.call(token, scheme).verdict is not Verdict.UNAUTHENTICATED
        ]
        assert_that(taken, empty(), "spellings of the token that are taken, by node and number")

    def sign_out_beside(self, device: str, what: str, delay_s: float) -> None:
        """`device` signs out at the second node, while the first works on a call or a refresh of it.

        The first node's requests reach Redis `delay_s` late, so the sign-out comes after its first word to Redis and
        before its second, if it has one; then they are no longer late. Raises ProbeError otherwise.
        """
        world, tokens, node = self._world, self._world.devices[device], self._world.gateways[0]
        ask = {"call": partial(node.call, tokens.access), "refresh": partial(node.refresh, tokens.refresh)}[what]
        with threads(1) as pool:
            began = time.monotonic()
            under_way = pool.submit(ask)
            wait_until(began + 1.4 * delay_s)
            self.sign_out(device)
            late = time.monotonic() - began > 1.9 * delay_s
        under_way.result()
        world.faults.heal()
        if late:
            raise ProbeError("the sign-out came too late to be beside the request")

    def expect_nothing_left(self, for_s: float) -> None:
        """For `for_s` nothing of a session is in Redis that was not there when the scenario began."""
        world, end = self._world, time.monotonic() + for_s
        while time.monotonic() < end:
            left = set(world.redis.keys(world.nodes[0].session_keys)) - world.sessions_before
            assert_that(sorted(left), empty(), "what is kept of sessions that have ended")
            time.sleep(_LOOKS_EVERY_S)

    # Live connections

    def stay(self, devices: Sequence[str]) -> None:
        """Each of `devices` opens a live connection to both nodes."""
        for device in devices:
            access = self._world.devices[device].access
            self._lines[device] = [self._world.opened(node.stay(access)) for node in self._world.gateways]

    def expect_lines_ended(self, device: str, within_s: float) -> None:
        """Both connections of `device` end within `within_s`."""
        end = time.monotonic() + within_s
        ended = [line.ended(max(0.0, end - time.monotonic())) for line in self._lines[device]]
        assert_that(ended, equal_to([True] * len(ended)), f"live connections of {device}, by node: it has ended")

    def expect_lines_open(self, device: str, for_s: float) -> None:
        """Neither connection of `device` ends for `for_s`."""
        end = time.monotonic() + for_s
        ended = [line.ended(max(0.0, end - time.monotonic())) for line in self._lines[device]]
        assert_that(ended, equal_to([False] * len(ended)), f"live connections of {device}, by node: it has ended")
