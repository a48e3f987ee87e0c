"""Sessions at the kiosk, which end by themselves: for want of use, or because their time is over."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to, greater_than

from support.capabilities.auth_jwt_redis_session.client import Adapter, Answer, Verdict
from support.errors import ProbeError
from support.polling import look_until
from support.worlds.crowds import for_each
from support.worlds.world import turns, wait_until

if TYPE_CHECKING:
    from support.capabilities.auth_jwt_redis_session.world import World

_EVERY_S = 0.2
_IDLE_S, _ABSOLUTE_S = 2.5, 5.5  # of its sessions, as nodes.toml has it
_PUT_OFF_S = 0.5  # that somebody who is put off goes on asking: about as long as is left until the session is idle
_TRIES = 3  # of what a machine that stands still for half a second spoils
_DEVICE = "window"
_ALWAYS = [number * _EVERY_S for number in range(40)]  # for longer than any of its sessions may last


class Kiosk:
    """Who signed in at the kiosk, between which moments (monotonic seconds), and until when that was good."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._signed_in: dict[str, tuple[float, float]] = {}
        self._refused_at: dict[str, tuple[float, float]] = {}  # when it was asked for, and answered
        self._used_at: dict[str, float] = {}  # when that was asked for which was granted last
        self._nodes = turns(world.gateways)

    def plan(self, back: tuple[str, Sequence[float]], watching: tuple[str, float]) -> None:
        """Who will call so many seconds after signing in, and who will when live connections have stood for so long."""
        self._back, self._watching = back, watching

    def pass_time(self, refreshing: str, calling: str, showing: str, for_s: float) -> None:
        """All sign in there at once, and none waits for another: accounts are made before.

        Two use their session all the while, others do as planned, and the first token of one is shown for `for_s`.
        """
        (back, after_s), (watcher, later_s) = self._back, self._watching
        uses: dict[str, Callable[[], None]] = {
            refreshing: lambda: self._follow(refreshing, _ALWAYS, self._refresh),
            calling: lambda: self._call_always(calling),
            back: lambda: self._come_back(back, after_s),
            watcher: lambda: self._watch(watcher, later_s),
            showing: lambda: self._show(showing, for_s),
        }
        for_each(list(uses), self._world.register)
        for_each(list(uses), lambda name: self._sign_in(name, uses[name]))

    def _sign_in(self, name: str, use: Callable[[], None]) -> None:
        self._used_at[name] = began = time.monotonic()
        self._world.sign_in(name, _DEVICE, self._world.kiosk)
        self._signed_in[name] = began, time.monotonic()
        use()

    # Access tokens

    def _show(self, name: str, for_s: float) -> None:
        """The first access token is shown everywhere, again and again, for `for_s` after it was had."""
        world, access = self._world, self._world.devices[f"{name}'s {_DEVICE}"].access
        self._shown: list[tuple[float, float, Verdict]] = []
        over = False
        while not over:
            over = time.monotonic() >= self._signed_in[name][1] + for_s  # then once more, however late that is
            for node in world.nodes:
                sent = time.monotonic()
                verdict = node.call(access).verdict
                self._shown.append((sent, time.monotonic(), verdict))
            time.sleep(_EVERY_S)

    def expect_good_for(self, name: str, lifetime_s: float, longer_s: float) -> None:
        """It was taken for `lifetime_s`, and not once `longer_s` more had passed. Each has been tried."""
        first, last = self._signed_in[name]
        told_s = self._world.devices[f"{name}'s {_DEVICE}"].lifetime_s
        assert_that(told_s, equal_to(lifetime_s), "seconds that the token is good for, as told")
        refused = [answered - first for _, answered, told in self._shown if told is Verdict.UNAUTHENTICATED]
        taken = [sent - last for sent, _, told in self._shown if told is Verdict.ACCEPTED]
        early = [after_s for after_s in refused if after_s < lifetime_s]
        late = [after_s for after_s in taken if after_s > lifetime_s + longer_s]
        assert_that(early, empty(), "seconds after the sign-in at which it was refused")
        assert_that(late, empty(), "seconds after the sign-in at which it was taken")
        if not taken:
            raise ProbeError("the token was shown too late to be taken even once")

    # Sessions

    def expect_lively(self, name: str) -> None:
        """The session of `name`, who was never idle for too long, was there."""
        if name in self._refused_at:
            idle, age = self._idle_and_age(name)
            over = f"the session had ended {idle:.1f} s after its last use, {age:.1f} s old"
            assert_that(self._came_too_late(name), equal_to(True), over)
            raise ProbeError(f"{name} came back after {idle:.1f} s, and {age:.1f} s after signing in: too late")

    def expect_ended(self, name: str) -> None:
        """The session of `name`, who came back later, had ended."""
        assert_that(name in self._refused_at, equal_to(True), f"{name}, who came back late, is signed out")

    def expect_all_ended_after(self, names: Sequence[str], absolute_s: float, within_s: float) -> None:
        """The sessions that were used all the while ended `absolute_s` after they began, or `within_s` later."""
        for name in names:
            self._expect_ended_after(name, absolute_s, within_s)

    def expect_all_end(self, within_s: float) -> None:
        """Whatever is kept of sessions has an end, at most `within_s` away."""
        lifetimes = self._world.redis.lifetimes(self._world.nodes[0].session_keys)
        assert_that({key: s for key, s in lifetimes.items() if not 0 <= s <= within_s}, empty(), "keys without an end")
        assert_that(len(lifetimes), greater_than(0), "keys of sessions in Redis")

    def _expect_ended_after(self, name: str, absolute_s: float, within_s: float) -> None:
        self.expect_ended(name)
        (first, last), (sent, answered), used = self._signed_in[name], self._refused_at[name], self._used_at[name]
        assert_that(used - last < absolute_s + within_s, equal_to(True), f"nobody let {name} in after that")
        if answered - used > _IDLE_S:
            raise ProbeError(f"{name} was idle for {answered - used:.1f} s, of which the session may have ended")
        assert_that(answered - first, greater_than(absolute_s), "seconds after which the session ended, at the most")
        if sent - last > absolute_s + within_s and sent - used > within_s:
            raise ProbeError("nobody has asked in the seconds in which the session was to end")

    def _follow(self, name: str, after_s: Sequence[float], ask: Callable[[str], Answer]) -> None:
        """Asks for `name` so many seconds after signing in, until that is refused.

        First they get tokens at a node, so that what ends is the session, and no access token, and call one.
        """
        self._ask(name, self._refresh_elsewhere)
        self._ask(name, self._call)
        late_s = 0.0
        for after in after_s:
            # Who is late at first comes so much later from then on: times between are what is told.
            wait_until(moment := self._signed_in[name][1] + after + (0 if after_s is _ALWAYS else late_s))
            self._ask(name, ask)
            late_s = late_s or time.monotonic() - moment
            if name in self._refused_at:
                return

    def _come_back(self, name: str, after_s: Sequence[float]) -> None:
        """Calls so many seconds after signing in. Who came too late for that signs in once more, and tries again."""
        self._follow(name, after_s, self._call)
        for _ in range(_TRIES):
            if not self._came_too_late(name):
                return
            del self._refused_at[name]
            self._sign_in(name, lambda: self._follow(name, after_s, self._call))

    def _came_too_late(self, name: str) -> bool:
        """Whether the session of `name`, who was refused, may rightly have ended by then."""
        if name not in self._refused_at:
            return False
        idle, age = self._idle_and_age(name)
        return idle > _IDLE_S or age > _ABSOLUTE_S

    def _idle_and_age(self, name: str) -> tuple[float, float]:
        """Of the session of `name` at most, when that was refused (seconds)."""
        answered = self._refused_at[name][1]
        return answered - self._used_at[name], answered - self._signed_in[name][0]

    def _call_always(self, name: str) -> None:
        """Signs in on a phone, too, and calls all the while."""
        self._world.sign_in(name, "phone")
        self._follow(name, _ALWAYS, self._call)

    def _watch(self, name: str, later_s: float) -> None:
        """Calls when live connections have stood for so long."""
        self._follow(name, [], self._call)
        self.expect_lively(name)
        self._world.endings.stay([f"{name}'s {_DEVICE}"])
        wait_until(time.monotonic() + later_s)
        self._ask(name, self._call_beside_lines)

    def _ask(self, name: str, ask: Callable[[str], Answer]) -> None:
        """Asks for `name`, and notes when that was which was granted last, or refused first.

        What is put off is asked again: who was to use the session then would be idle until the next time.
        """
        device = f"{name}'s {_DEVICE}"
        sent, answer = look_until(
            lambda asked: asked[1].verdict is not Verdict.UNAVAILABLE,
            lambda: (time.monotonic(), ask(device)),
            _PUT_OFF_S,
        )
        verdict = answer.verdict
        if verdict is Verdict.UNAUTHENTICATED:
            self._refused_at.setdefault(name, (sent, time.monotonic()))
        if verdict is Verdict.ACCEPTED:
            self._used_at[name] = sent

    def _refresh(self, device: str) -> Answer:
        """At the kiosk. What that puts off may have been done, and is answered once more at a node for longer."""
        answer = self._refresh_at(self._world.kiosk, device)
        return self._refresh_elsewhere(device) if answer.verdict is Verdict.UNAVAILABLE else answer

    def _refresh_elsewhere(self, device: str) -> Answer:
        return self._refresh_at(next(self._nodes), device)

    def _refresh_at(self, node: Adapter, device: str) -> Answer:
        answer = node.refresh(self._world.devices[device].refresh)
        if answer.tokens:
            self._world.keep(device, answer)
        return answer

    def _call_beside_lines(self, device: str) -> Answer:
        """A call of somebody whose live connections are no use of the session, and are over with it."""
        answer = self._call(device)
        if answer.verdict is Verdict.UNAUTHENTICATED:
            self._world.endings.expect_lines_ended(device, within_s=0.5)
        return answer

    def _call(self, device: str) -> Answer:
        return next(self._nodes).call(self._world.devices[device].access)
