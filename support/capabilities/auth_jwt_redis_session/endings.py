"""Sessions that are ended by somebody, while others try to keep them."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to

from support.capabilities.auth_jwt_redis_session.client import Answer, Line, Verdict
from support.capabilities.auth_jwt_redis_session.deeds import carried_out, do_all, patient, told
from support.errors import ProbeError
from support.worlds.crowds import for_each, threads
from support.worlds.world import wait_until

if TYPE_CHECKING:
    from support.capabilities.auth_jwt_redis_session.world import World

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_LOOKS_EVERY_S = 0.05
_TRIES = 12  # of what a busy machine seldom does in time
_SOON_S = 0.5  # into a second, at the latest, for what is all to be done within it
_ANSWERS_S = 0.05  # from a request's last word to Redis, which is late and whose answer is not, to its own answer


class Endings:
    """Who ended which sessions, and when."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._seconds = 0
        self._missed: dict[str, str] = {}  # why the last request of each customer was not under way, if so
        self._over_at = 0.0
        self._lines: dict[str, list[Line]] = {}

    def sign_out(self, device: str) -> None:
        """`device` signs out, at the second node."""
        answer = carried_out(partial(self._world.gateways[-1].sign_out, self._world.devices[device].access))
        assert_that(answer.verdict, equal_to(Verdict.ACCEPTED), f"the sign-out of {device}")

    def end_all(self, name: str, what: str) -> None:
        """Within one second `name` signs in on a tablet, `what` ends all their sessions, and they sign in once more.

        That is tried until all of it has come into one second.
        """
        for number in range(_TRIES):
            kind = f"tablet {number}" if number else "tablet"
            if time.time() % 1 > _SOON_S:
                wait_until(time.monotonic() + 1 - time.time() % 1)
            began = int(time.time())
            self._world.sign_in(name, kind)
            self._end(f"{name}'s {kind}", what)
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
        answer = told(partial(self._world.gateways[-1].expel, self._world.customers[name].name))
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
        self._tried = {what: answer.verdict for what, answer in do_all(self._world, patient(deeds)).items()}

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
            if told(partial(node.call, token, scheme)).verdict is not Verdict.UNAUTHENTICATED
        ]
        assert_that(taken, empty(), "spellings of the token that are taken, by node and number")

    def _end_beside(self, name: str, what: str, event: str, delay_s: float) -> None:
        """`event` ends a session of `name` beside a request of it, of one phone after the other until that came about.

        Before that the first node serves a call of it: it has a connection to Redis then, so that no first word is
        later still.
        """
        world = self._world
        for number in range(_TRIES):
            kind = f"phone {number}" if number else "phone"
            if number:
                world.sign_in(name, kind, world.gateways[-1])
            world.gateways[0].call(world.devices[f"{name}'s {kind}"].access)
            self._missed[name] = self._miss_beside(f"{name}'s {kind}", what, event, delay_s)
            if not self._missed[name]:
                return

    def _miss_beside(self, device: str, what: str, event: str, delay_s: float) -> str:
        """`event` ends the session of `device` at the second node, while the first works on a request of it.

        The first node's requests reach Redis `delay_s` late, so the session ends after its first word to Redis and
        before its second, if it has one. Gives why it did not, or an empty text. Tokens of a request that was under
        way are kept for a device of their own.
        """
        with threads(1) as pool:
            began = time.monotonic()
            under_way = pool.submit(lambda: (self._ask(device, what), time.monotonic()))
            wait_until(began + 1.4 * delay_s)
            self._end(device, event)
            ended = time.monotonic()
        answer, answered = under_way.result()
        if answer.tokens:
            self._world.keep(f"{device} after the {what}", answer)
        if answer.verdict is Verdict.UNAVAILABLE:
            return "the first node gave up waiting for Redis"
        words = max(1, int((answered - began) / delay_s))  # each of them comes that late
        if answered - (words - 1) * delay_s > ended - _ANSWERS_S:
            return "its session ended before its first word to Redis was there for sure"
        last = began + 2 * delay_s if words > 2 else answered - _ANSWERS_S
        return "its session ended after its second word to Redis" if words > 1 and ended > last else ""

    def _ask(self, device: str, what: str) -> Answer:
        node, tokens = self._world.gateways[0], self._world.devices[device]
        customer = self._world.customers[device.partition("'")[0]]
        if what == "sign-in":
            return node.sign_in(customer.name, customer.password)
        return node.call(tokens.access) if what == "call" else node.refresh(tokens.refresh)

    def end_each_beside(self, rows: Sequence[Mapping[str, str]], delay_s: float) -> None:
        """All at once: `whose` phone, on which `request` the first node works, and what it is `ended by`."""
        for_each(rows, lambda row: self._end_beside(row["whose"], row["request"], row["ended by"], delay_s))
        self._over_at = time.monotonic()
        self._world.faults.heal()

    def expect_beside(self, within_s: float) -> None:
        """What came of the requests under way is taken nowhere. ProbeError where something was not under way."""
        self._world.expect_signed_out(*self._world.devices, within_s=within_s)
        missed = {name: why for name, why in self._missed.items() if why}
        if missed:
            raise ProbeError(f"in none of {_TRIES} tries was a request under way: {missed}")

    def expect_nothing_left(self, for_s: float) -> None:
        """Until `for_s` after the last answer nothing of a session is in Redis that was not there at the beginning."""
        world, end = self._world, self._over_at + for_s
        while True:
            last_look = time.monotonic() >= end
            left = set(world.redis.keys(world.nodes[0].session_keys)) - world.sessions_before
            assert_that(sorted(left), empty(), "what is kept of sessions that have ended")
            if last_look:
                return
            time.sleep(_LOOKS_EVERY_S)

    # Live connections

    def stay(self, devices: Sequence[str]) -> None:
        """Each of `devices` opens a live connection to both nodes."""
        for device in devices:
            access = self._world.devices[device].access
            stays = {node.name: partial(node.stay, access) for node in self._world.gateways}
            answers = do_all(self._world, patient(stays))
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
