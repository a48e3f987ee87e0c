"""Many channels that each get a single update, every one at another moment of something that takes a while."""

import time
from collections.abc import Callable

from support.clients.websocket_redis_pubsub import Gateway, Subscriber
from support.polling import poll
from support.worlds.crowds import for_each, threads
from support.worlds.websocket_workspace import Workspace

_COMES_WITHIN_S = 5.0
_RESUME_AT_ONCE = 4  # a gateway that hears late is busy with few, and is to be late, not out of reach
_LAST_MOMENT_S = 0.5  # a gateway that is slowed by 0.1 s needs some 0.4 s to resume a subscriber, or all subscriptions

Watcher = tuple[Subscriber, float]  # who watches a channel of their own, and at which moment its update comes (s)


class Moments:
    """Subscribers with a channel of their own each, on which a single update comes.

    Nothing follows it, so whoever misses it sees no hole behind which a gateway would fetch it: it stays missed. On a
    channel that they share one follows the other, so whoever goes on behind a hole has lost what was in it.
    """

    def __init__(self, world: Workspace) -> None:
        self._world = world
        self._own = world.fresh_channel("moment")  # with this the names of their own channels begin
        self._watchers: list[Watcher] = []
        self._serials: dict[str, list[int]] = {}

    def open(self, count: int, gateway: Gateway, *shared: str) -> None:
        """`count` more subscribers on `gateway`, each with a channel of their own and maybe one that all of them share.

        Their moments are spread evenly.
        """
        for number in range(count):
            (watcher,) = self._world.join(1, gateway, self._fresh(), *shared)
            self._watchers.append((watcher, _LAST_MOMENT_S * number / count))

    def bring_company(self, gateway: Gateway) -> None:
        """Every third of the subscribers is joined by somebody on `gateway`."""
        for watcher, _ in self._watchers[::3]:
            self._world.join(1, gateway, *watcher.channels)

    def connect(self, count: int, gateway: Gateway) -> None:
        """`count` more sessions connected to `gateway`, each for a channel of its own, which it does not watch yet."""
        for number in range(count):
            channel = self._fresh()
            self._watchers.append((self._world.newcomer(channel, channel), _LAST_MOMENT_S * number / count))
        for_each(self._watchers, lambda watcher: watcher[0].connect(gateway))

    def log_out_while_subscribing(self) -> None:
        """Each session asks to watch its channel, and is logged out at the second gateway meanwhile, or after."""
        for watcher, _ in self._watchers:
            watcher.connection.send({"type": "subscribe", "channel": watcher.name})
        self._at_each_moment(lambda watcher: self._world.gateways[1].log_out(watcher.token))

    def expect_no_subscription(self, within_s: float) -> None:
        """Within `within_s` Redis counts no subscription to any of the channels. AssertionError if not."""
        self._world.expect_subscriptions(self._own, 0, within_s)

    def resume_at(self, gateway: Gateway) -> None:
        """All resume at `gateway`, and meanwhile the updates come. Who is there asks again on the same connection."""
        for_each(self._watchers, lambda watcher: self._resume(*watcher, gateway), _RESUME_AT_ONCE)

    def drop_subscriptions(self, times: int) -> None:
        """`times` times Redis drops what the gateways are subscribed to, and while they return, updates come.

        Each time at other moments, and not before all came that was published earlier; in vain it waits only once.
        """
        for number in range(times):
            self._world.redis.drop_subscribers()
            self._at_each_moment(self._publish, later_s=_LAST_MOMENT_S * number / times / len(self._watchers))
            if not poll(self._all_came, _COMES_WITHIN_S):
                break

    def expect_one_each(self, within_s: float) -> None:
        """Everyone, the company too, has received what came on their channel, once. AssertionError if not."""
        for subscriber in self._world.subscribers:
            for channel in subscriber.channels:
                self._world.expect([subscriber], self._serials[channel], within_s, channel)

    def _fresh(self) -> str:
        return f"{self._own}:{len(self._watchers)}"

    def _at_each_moment(self, work: Callable[[Subscriber], object], later_s: float = 0) -> None:
        """Does `work` for each subscriber at its moment, or `later_s` after that."""
        began = time.monotonic()
        for watcher, moment_s in self._watchers:
            time.sleep(max(0.0, began + moment_s + later_s - time.monotonic()))
            work(watcher)

    def _all_came(self) -> bool:
        """Whether everyone has as many updates as were published on their channel."""
        return all(
            len(self._world.serials_of(subscriber, channel)) >= len(self._serials[channel])
            for subscriber in self._world.subscribers
            for channel in subscriber.channels
        )

    def _resume(self, watcher: Subscriber, moment_s: float, gateway: Gateway) -> None:
        with threads(1) as pool:
            resumed = pool.submit(self._ask_again if watcher.gateway is gateway else self._move, watcher, gateway)
            time.sleep(moment_s)
            self._publish(watcher)
            resumed.result()

    def _publish(self, watcher: Subscriber) -> None:
        """An update on each of the watcher's channels, through the second gateway, which nothing slows."""
        for channel in watcher.channels:
            self._serials.setdefault(channel, []).append(self._world.send(self._world.gateways[1], channel)[1])

    @staticmethod
    def _move(watcher: Subscriber, gateway: Gateway) -> None:
        watcher.drop()
        watcher.connect(gateway)

    @staticmethod
    def _ask_again(watcher: Subscriber, _: Gateway) -> None:
        (channel,) = watcher.channels
        watcher.subscribe(channel, watcher.position(channel))
