"""Sessions at the kiosk, which end by themselves: for want of use, or because their time is over."""

import time
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to, greater_than

from support.capabilities.auth_jwt_redis_session.client import Verdict
from support.errors import ProbeError
from support.worlds.crowds import for_each
from support.worlds.world import wait_until

if TYPE_CHECKING:
    from support.capabilities.auth_jwt_redis_session.world import World

_EVERY_S = 0.2
_DEVICE = "window"


class Kiosk:
    """Who signed in at the kiosk, between which moments (monotonic seconds), and until when that was good."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._signed_in: dict[str, tuple[float, float]] = {}
        self._refused_at: dict[str, tuple[float, float]] = {}  # when it was asked for, and answered
        self._taken_at: dict[str, float] = {}  # when the last refresh was asked for that was granted

    def sign_in(self, *names: str) -> None:
        """Each signs in there."""
        for name in names:
            self._world.register(name)
            began = time.monotonic()
            self._world.sign_in(name, _DEVICE, self._world.kiosk)
            self._signed_in[name] = began, time.monotonic()

    # Access tokens

    def show_until_refused(self, name: str, for_s: float) -> None:
        """The access token is shown everywhere, again and again, for `for_s` after it was had."""
        world = self._world
        access = world.devices[f"{name}'s {_DEVICE}"].access
        self._shown: list[tuple[float, float, bool]] = []
        while time.monotonic() < self._signed_in[name][1] + for_s:
            for node in world.nodes:
                sent = time.monotonic()
                taken = node.call(access).verdict is Verdict.ACCEPTED
                self._shown.append((sent, time.monotonic(), taken))
            time.sleep(_EVERY_S)

    def expect_good_for(self, name: str, lifetime_s: float, longer_s: float) -> None:
        """It was taken for `lifetime_s`, and not once `longer_s` more had passed. Each has been tried."""
        first, last = self._signed_in[name]
        told_s = self._world.devices[f"{name}'s {_DEVICE}"].lifetime_s
        assert_that(told_s, equal_to(lifetime_s), "seconds that the token is good for, as told")
        early = [answered - first for _, answered, taken in self._shown if answered < first + lifetime_s and not taken]
        late = [sent - last for sent, _, taken in self._shown if sent > last + lifetime_s + longer_s and taken]
        assert_that(early, empty(), "seconds after the sign-in at which it was refused")
        assert_that(late, empty(), "seconds after the sign-in at which it was taken")
        if not any(taken for _, _, taken in self._shown):
            raise ProbeError("the token was shown too late to be taken even once")

    # Sessions

    def use(self, always: str, again: tuple[str, float], late: tuple[str, float], for_s: float) -> None:
        """One refreshes all the while, one again after so many seconds, one later; for `for_s` at the most."""
        for_each([(again[0], again[1], again[1]), (late[0], late[1], late[1]), (always, 0, for_s)], self._refresh, 3)

    def expect_lively(self, name: str, idle_s: float) -> None:
        """The session of `name`, who came back within `idle_s`, was there."""
        if name in self._refused_at:
            idle = self._refused_at[name][1] - self._signed_in[name][0]
            assert_that(idle, greater_than(idle_s), "seconds of idleness after which the session had ended")
            raise ProbeError(f"{name} came back {idle:.1f} s after signing in, later than after {idle_s:g} s")

    def expect_ended(self, name: str) -> None:
        """The session of `name`, who came back later, had ended."""
        assert_that(name in self._refused_at, equal_to(True), f"{name}, who came back late, is signed out")

    def expect_ended_after(self, name: str, absolute_s: float, within_s: float) -> None:
        """The session that was used all the while ended `absolute_s` after it began, or `within_s` later."""
        self.expect_ended(name)
        (first, last), (sent, answered) = self._signed_in[name], self._refused_at[name]
        assert_that(answered - first, greater_than(absolute_s), "seconds after which the session ended, at the most")
        if sent - last > absolute_s + within_s and sent - self._taken_at[name] > within_s:
            raise ProbeError("nobody has asked in the seconds in which the session was to end")
        assert_that(self._taken_at[name] - last < absolute_s + within_s, equal_to(True), "nobody was let in after that")

    def expect_all_end(self, within_s: float) -> None:
        """Whatever is kept of sessions has an end, at most `within_s` away."""
        lifetimes = self._world.redis.lifetimes(self._world.nodes[0].session_keys)
        assert_that({key: s for key, s in lifetimes.items() if not 0 <= s <= within_s}, empty(), "keys without an end")
        assert_that(len(lifetimes), greater_than(0), "keys of sessions in Redis")

    def _refresh(self, plan: tuple[str, float, float]) -> None:
        """Refreshes the tokens of one from some second after the sign-in until another, or until that is refused."""
        name, first_s, last_s = plan
        began, device = self._signed_in[name][1], f"{name}'s {_DEVICE}"
        wait_until(began + first_s)
        while True:
            sent = time.monotonic()
            answer = self._world.kiosk.refresh(self._world.devices[device].refresh)
            if answer.verdict is Verdict.UNAUTHENTICATED:
                self._refused_at[name] = sent, time.monotonic()
                return
            self._world.keep(device, answer)
            self._taken_at[name] = sent
            if time.monotonic() >= began + last_s:
                return
            time.sleep(_EVERY_S)
