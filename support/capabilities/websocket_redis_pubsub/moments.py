"""Many channels that each get a single update, every one between two other steps of what a gateway does meanwhile."""

import time
from collections.abc import Callable
from functools import partial

from support.capabilities.websocket_redis_pubsub.client import Adapter, Line
from support.capabilities.websocket_redis_pubsub.subscriber import Subscriber
from support.capabilities.websocket_redis_pubsub.workspace import Workspace
from support.polling import poll
from support.probes.redis import Commands
from support.worlds.crowds import for_each, threads
from support.worlds.world import wait_until

_COMES_WITHIN_S = 5.0
_RECONNECT_AT_ONCE = 4  # a gateway that is slow to reach Redis is busy with few, and is to be late, not out of reach
_ASKED_WITHIN_S = 1.0  # a gateway may ask Redis for less than a moment is defined by; the update comes all the same
_QUIET_S = 0.3  # a gateway's words are up to 200 ms late
_STEPS = 3  # a moment is after the first, the second … word about the channel; some gateways need two to subscribe


class Moments:
    """Subscribers with a channel of their own each, on which a single update comes.

    Nothing follows it, so whoever misses it sees no hole behind which a gateway would fetch it: it stays missed. Where
    two things must be in the right order, it comes between them: as soon as Redis has heard one of the gateway's words.
    """

    def __init__(self, world: Workspace) -> None:
        self._world = world
        self._own = world.fresh("moment")  # with this the names of their own channels begin
        self._watchers: list[Subscriber] = []
        self._company: dict[str, Subscriber] = {}  # the name of a watcher -> who joined them
        self._serials: dict[str, list[int]] = {}

    def open(self, count: int, gateway: Adapter) -> None:
        """`count` subscribers on `gateway`, each with a channel of their own."""
        for _ in range(count):
            self._watchers += self._world.join(1, gateway, self._fresh())

    def bring_company(self, gateway: Adapter) -> None:
        """Every third of the subscribers is joined by somebody on `gateway`."""
        for watcher in self._watchers[::3]:
            (self._company[watcher.name],) = self._world.join(1, gateway, *watcher.channels)

    def connect(self, count: int, gateway: Adapter) -> None:
        """`count` sessions connected to `gateway`, each for a channel of its own, which it does not watch yet."""
        for _ in range(count):
            channel = self._fresh()
            self._watchers.append(self._world.newcomer(channel, channel))
        for_each(self._watchers, lambda watcher: watcher.connect(gateway))

    def log_out_while_subscribing(self, window_s: float) -> None:
        """Each session asks to watch its channel, and within `window_s` is logged out at the second gateway."""
        for watcher in self._watchers:
            watcher.connection.say(partial(_watch, watcher.name))
        began = time.monotonic()
        for number, watcher in enumerate(self._watchers):
            wait_until(began + window_s * number / len(self._watchers))
            self._world.log_out(watcher.session)

    def expect_no_subscription(self, within_s: float) -> None:
        """Within `within_s` Redis counts no subscription to any of the channels. AssertionError if not."""
        self._world.expect_subscriptions(self._own, 0, within_s)

    def expect_nobody_present(self, within_s: float) -> None:
        """Within `within_s` nobody is present in any of the channels. AssertionError with who is."""
        for watcher in self._watchers:
            self._world.expect_present(watcher.name, {}, within_s)

    def reconnect_to(self, gateway: Adapter) -> None:
        """All lose their connection and connect to `gateway`; each one's update comes at one of the moments of that.

        Their company asks once more for what it watches, over the connection that it has, and one more update comes.
        """
        commands = self._world.opened(Commands(self._world.fleet.stores["redis"]))

        def reconnect(numbered: tuple[int, Subscriber]) -> None:
            number, watcher = numbered
            self._reconnect(watcher, gateway, commands, number // 3 % _STEPS)
            if company := self._company.get(watcher.name):
                self._ask_again(watcher, company, commands)

        for_each(list(enumerate(self._watchers)), reconnect, _RECONNECT_AT_ONCE)

    def drop_subscriptions(self, times: int) -> None:
        """`times` times Redis drops what the gateways are subscribed to, and while they return, updates come.

        At one moment and the next in turn, and not before all came that was published earlier; in vain it waits once.
        """
        commands = self._world.opened(Commands(self._world.fleet.stores["redis"]))
        for number in range(times):
            moments = [self._moment(watcher, commands, 1 + number % 2) for watcher in self._watchers]
            self._world.redis.drop_subscribers()
            for_each(list(zip(self._watchers, moments, strict=True)), lambda one: self._publish_at(*one))
            if not poll(self._all_came, _COMES_WITHIN_S):
                break

    def expect_all(self, within_s: float) -> None:
        """Everyone, the company too, has received what came on their channel, once. AssertionError if not."""
        for subscriber in self._world.subscribers:
            (channel,) = subscriber.channels
            self._world.expect([subscriber], self._serials[channel], within_s, channel)

    def _reconnect(self, watcher: Subscriber, gateway: Adapter, commands: Commands, step: int) -> None:
        watcher.drop()
        seen = len(watcher.connections)
        with threads(1) as pool:
            connected = pool.submit(watcher.connect, gateway)
            poll(lambda: len(watcher.connections) > seen or connected.done(), _COMES_WITHIN_S, every_s=0.001)
            self._publish_at(watcher, self._moment(watcher, commands, step))
            connected.result()

    def _ask_again(self, watcher: Subscriber, company: Subscriber, commands: Commands) -> None:
        """The update comes as soon as Redis has been asked once, while the gateway may have more to ask."""
        (channel,) = company.channels
        poll(lambda: len(self._world.serials_of(company, channel)) >= len(self._serials[channel]), _COMES_WITHIN_S)
        self._await_quiet(channel, commands)
        moment = self._moment(watcher, commands, 1)
        with threads(1) as pool:
            # A platform may refuse that; whoever watches goes on to get each update once.
            asked = pool.submit(company.ask_to_watch, channel, company.position(channel))
            self._publish_at(watcher, moment)
            asked.result()

    def _await_quiet(self, channel: str, commands: Commands) -> None:
        """What Redis hears of the channel next is what is asked now: what a gateway had to say of it before is said."""
        heard, since = commands.naming(channel), time.monotonic()

        def quiet() -> bool:
            nonlocal heard, since
            if (now := commands.naming(channel)) != heard:
                heard, since = now, time.monotonic()
            return time.monotonic() - since > _QUIET_S

        poll(quiet, 10 * _QUIET_S, every_s=0.02)

    def _moment(self, watcher: Subscriber, commands: Commands, step: int) -> Callable[[], bool]:
        """Whether Redis has heard `step` more words about the channel of `watcher` than it has by now."""
        (channel,) = watcher.channels
        wanted = commands.naming(channel) + step
        return lambda: commands.naming(channel) >= wanted

    def _publish_at(self, watcher: Subscriber, moment: Callable[[], bool]) -> None:
        """An update on the watcher's channel at that moment, through the second gateway, which nothing slows."""
        (channel,) = watcher.channels
        poll(moment, _ASKED_WITHIN_S, every_s=0.001)
        self._serials.setdefault(channel, []).append(self._world.send(self._world.gateways[1], channel)[1])

    def _all_came(self) -> bool:
        """Whether everyone has as many updates as were published on their channel."""
        return all(
            len(self._world.serials_of(watcher, channel)) >= len(self._serials[channel])
            for watcher in self._watchers
            for channel in watcher.channels
        )

    def _fresh(self) -> str:
        return f"{self._own}:{len(self._watchers)}:"


def _watch(channel: str, line: Line) -> None:
    """Asks, and waits for no answer."""
    line.watch(channel, None)
