"""Sessions that are ended by somebody, while others try to keep them."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to

from support.capabilities.auth_jwt_redis_session.client import Answer, Line, Verdict
from support.capabilities.auth_jwt_redis_session.deeds import do_all
from support.errors import ProbeError
from support.worlds.crowds import for_each, threads
from support.worlds.world import wait_until

if TYPE_CHECKING:
    from support.capabilities.auth_jwt_redis_session.world import World

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_LOOKS_EVERY_S = 0.05
_TRIES = 12  # a busy machine seldom does all of it within a second
_ANSWERS_S = 0.05  # from a request's last word to Redis, which is late and whose answer is not, to its own answer


class Endings:
    """Who ended which sessions, and when."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._seconds = 0
        self._put_off = False
        self._late_s = 0.0
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
            self._end(f"{name}'s tablet", what)
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

    def _end(self, device: str, event: str) -> None:
        """At the second node."""
        name, _, kind = device.partition("'s ")
        ends: dict[str, Callable[[], object]] = {
            "a new password": lambda: self._world.change_password(name, kind, self._world.gateways[-1]),
            "a decision of support": lambda: self.expel(name),
            "a sign-out": lambda: self.sign_out(device),
        }
        ends[event]()

    def expel(self, name: str) -> None:
        """Support ends all sessions of `name`."""
        answer = self._world.gateways[-1].expel(self._world.customers[name].name)
        assert_that(answer.verdict, equal_to(Verdict.ACCEPTED), f"support's decision about {name}")

    def expel_owners(self, devices: Sequence[str]) -> None:
        """The same, for the owner of each device."""
        for device in devices:
            self.expel(device.partition("'")[0])

    def expel_without_right(self, device: str, name: str) -> None:
        """Whoever has the tokens of `device`, or nearly support's key, tries to end all sessions of `name`."""
        tokens, customer, key = (
            self._world.devices[device],
            self._world.customers[name],
            self._world.nodes[0].support_key,
        )
        shown = {
            "the access token": tokens.access, "the refresh token": tokens.refresh, "nothing": "",
            "half of the key": key[: len(key) // 2], "all of the key but its last letter": key[:-1],
            "all of the key but its first letter": key[1:], "the key and one letter more": key + "x",
            "the key with another last letter": key[:-1] + ("x" if key[-1] != "x" else "y"),
            "the key in other capitals": key.swapcase(), "the key twice": key + key, "a star": "*",
        }  # fmt: skip
        deeds = {
            f"{node.name}: {what}": partial(node.expel, customer.name, text)
            for node in self._world.gateways
            for what, text in shown.items()
        }
        self._tried = {what: answer.verdict for what, answer in do_all(self._world, deeds).items()}

    def expect_refused(self) -> None:
        """Neither node did it, whatever was shown."""
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

    def _end_beside(self, device: str, what: str, event: str, delay_s: float) -> None:
        """`event` ends the session of `device` at the second node, while the first works on a request of it.

        The first node's requests reach Redis `delay_s` late, so the session ends after its first word to Redis and
        before its second, if it has one; that it did is judged in `expect_beside`. Tokens of a sign-in that was
        under way are kept for a device of that name.
        """
        name = device.partition("'")[0]
        with threads(1) as pool:
            began = time.monotonic()
            under_way = pool.submit(lambda: (self._ask(device, what), time.monotonic()))
            wait_until(began + 1.4 * delay_s)
            self._end(device, event)
            ended = time.monotonic()
        answer, answered = under_way.result()
        if answered - began > 1.5 * delay_s:  # it had a second word to Redis
            self._late_s = max(self._late_s, ended + _ANSWERS_S - answered)
        self._put_off |= answer.verdict is Verdict.UNAVAILABLE
        if answer.tokens:
            self._world.keep(f"{name}'s {what}", answer)

    def _ask(self, device: str, what: str) -> Answer:
        node, tokens = self._world.gateways[0], self._world.devices[device]
        customer = self._world.customers[device.partition("'")[0]]
        if what == "sign-in":
            return node.sign_in(customer.name, customer.password)
        return node.call(tokens.access) if what == "call" else node.refresh(tokens.refresh)

    def end_each_beside(self, rows: Sequence[Mapping[str, str]], delay_s: float) -> None:
        """All at once: `whose` phone, on which `request` the first node works, and what it is `ended by`.

        Before that the first node serves a call of each: it has connections to Redis then, so that none of its first
        words is later still.
        """
        devices = [f"{row['whose']}'s phone" for row in rows]
        for_each(devices, lambda device: self._world.gateways[0].call(self._world.devices[device].access))
        for_each(
            rows, lambda row: self._end_beside(f"{row['whose']}'s phone", row["request"], row["ended by"], delay_s)
        )
        self._world.faults.heal()

    def expect_beside(self, within_s: float) -> None:
        """What came of the requests under way is taken nowhere. ProbeError where something was not under way."""
        self._world.expect_signed_out(*self._world.devices, within_s=within_s)
        if self._put_off:
            raise ProbeError("a node gave up waiting for Redis, so that its request was not under way")
        if self._late_s > 0:
            raise ProbeError(f"a session ended {self._late_s:.2f} s too late to be beside the request")

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
            answers = do_all(self._world, {node.name: partial(node.stay, access) for node in self._world.gateways})
            verdicts = {name: answer.verdict for name, answer in answers.items()}
            assert_that(verdicts, equal_to(dict.fromkeys(verdicts, Verdict.ACCEPTED)), f"live connections of {device}")
            self._lines[device] = [answer.line for answer in answers.values() if answer.line]

    def expect_lines_ended(self, device: str, within_s: float) -> None:
        """Both connections of `device` end within `within_s`, where it has some."""
        end = time.monotonic() + within_s
        ended = [line.ended(max(0.0, end - time.monotonic())) for line in self._lines.get(device, [])]
        assert_that(ended, equal_to([True] * len(ended)), f"live connections of {device}, by node: it has ended")

    def expect_lines_open(self, device: str, for_s: float) -> None:
        """Neither connection of `device` ends for `for_s`."""
        end = time.monotonic() + for_s
        ended = [line.ended(max(0.0, end - time.monotonic())) for line in self._lines[device]]
        assert_that(ended, equal_to([False] * len(ended)), f"live connections of {device}, by node: it has ended")
