"""A workspace that nobody has used before: its subscribers, what was published to it, and what must hold of both."""

import itertools
import time
from collections import Counter
from collections.abc import Iterable, Sequence

from hamcrest import assert_that, equal_to

from support.capabilities.websocket_redis_pubsub.client import Adapter, Ending, Grant, Refusal, Session
from support.capabilities.websocket_redis_pubsub.matchers import exactly_once_in_order
from support.capabilities.websocket_redis_pubsub.pace import ReadersPace
from support.capabilities.websocket_redis_pubsub.receiver import Connection, Receiver
from support.capabilities.websocket_redis_pubsub.subscriber import Subscriber, update_of
from support.faults.faults import Faults
from support.polling import poll
from support.probes.redis import RedisProbe
from support.promise import broken, must
from support.worlds.crowds import for_each, threads
from support.worlds.world import Stage, World, turns

LIFETIME_S = 600.0  # of a session that no rule speaks of
_AHEAD = 16  # updates by which a flow may be ahead of its readers: many at once, and read within a fraction of a ping


class Workspace(World[Adapter]):
    """What the rules of live updates have in common; one for each scenario."""

    def __init__(self, stage: Stage, faults: Faults) -> None:
        super().__init__(stage, faults)
        self.redis = self.opened(RedisProbe(self.fleet.stores["redis"]))
        self.gateways = self.nodes
        self.receiver = self.opened(Receiver())
        self.channel = self.fresh("workspace")
        self.aside = self.fresh("aside")  # a second channel, which those who join may watch, too
        self.subscribers: list[Subscriber] = []
        self.published: list[int] = []
        self.sent_at: dict[int, float] = {}
        self.serials = itertools.count(1)

    # Subscribers

    def session(self, user: str, *channels: str, expires: float | None = None) -> Session:
        """A session of `user` for `channels`, until `expires` (seconds since 1970; in 600 s, if it is not said)."""
        return self.gateways[0].session(Grant(user, channels, int(expires or time.time() + LIFETIME_S)))

    def newcomer(self, name: str, *channels: str) -> Subscriber:
        """A subscriber with a session for `channels`, not connected yet; dropped when the scenario ends."""
        subscriber = Subscriber(name, self.session(name, *channels), self.receiver, self.exchanges)
        self.subscribers.append(self.opened(subscriber))
        return subscriber

    def join(self, count: int, gateway: Adapter, *channels: str) -> list[Subscriber]:
        """`count` new subscribers at `gateway` who watch `channels` (the workspace, if none is named)."""
        watched = channels or (self.channel,)
        names = [f"subscriber-{len(self.subscribers) + number}" for number in range(1, count + 1)]
        joined = [self.newcomer(name, *watched, self.aside) for name in names]
        for_each(joined, lambda subscriber: self.enter(subscriber, gateway, *watched))
        return joined

    def enter(self, subscriber: Subscriber, gateway: Adapter, *channels: str) -> None:
        """Connects `subscriber` to `gateway` and watches `channels`."""
        subscriber.connect(gateway)
        for channel in channels:
            subscriber.watch(channel)

    def log_out(self, session: Session, gateway: Adapter | None = None) -> None:
        """Ends the session, at the second gateway if none is named. AssertionError when that is refused."""
        refusal = (gateway or self.gateways[1]).end_session(session)
        must(refusal is None, f"a logout was refused: {refusal}\n{self.exchanges.last()}")

    def leave(self, subscriber: Subscriber) -> None:
        """Subscribers leave in three ways: by saying so and staying connected, by closing, by losing the connection."""
        match self.subscribers.index(subscriber) % 3:
            case 0:
                subscriber.drop()
            case 1:
                subscriber.unwatch(self.channel)
            case _:
                subscriber.leave()

    def present(self) -> list[Subscriber]:
        """The subscribers who are connected and watch the workspace."""
        return [s for s in self.subscribers if self.channel in s.channels and s.connected]

    # Updates

    def publish(self, count: int, through: Sequence[Adapter] = (), padding: int = 0) -> list[int]:
        """Publishes `count` updates one after the other, `through` these gateways in turn (both, if none is named).

        Returns their serial numbers, in the order in which they stand in the channel; `published` gains them.
        """
        gateways = turns(through or self.gateways)
        return self._acknowledged([self.send(next(gateways), self.channel, padding) for _ in range(count)])

    def publish_at_once(self, publishers: int, count: int, pace: ReadersPace | None = None) -> list[int]:
        """`publishers` publish `count` updates each, at the same time, each through both gateways in turn."""

        def publisher(number: int) -> list[tuple[int, int]]:
            through = itertools.islice(turns(self.gateways), number, number + count)
            return [self.send(gateway, self.channel, pace=pace) for gateway in through]

        with threads(publishers) as pool:
            return self._acknowledged([place for places in pool.map(publisher, range(publishers)) for place in places])

    def pace(self) -> ReadersPace:
        """A pace that all subscribers can follow, who are to answer a gateway's heartbeat in time."""
        return ReadersPace(self.subscribers, _AHEAD)

    def publish_as(self, author: Subscriber, count: int) -> list[int]:
        """`author` publishes `count` updates over their own connection; returns their serial numbers."""
        serials = list(itertools.islice(self.serials, count))
        for serial in serials:
            self.sent_at[serial] = time.monotonic()
            author.publish(self.channel, update_of(serial))
        self.published += serials
        return serials

    def send(
        self, gateway: Adapter, channel: str, padding: int = 0, pace: ReadersPace | None = None
    ) -> tuple[int, int]:
        """A backend publishes one update; its place in the channel and its serial number. AssertionError if refused."""
        if pace:
            pace.keep()
        serial = next(self.serials)
        self.sent_at[serial] = time.monotonic()
        place = gateway.publish(channel, update_of(serial, padding))
        if isinstance(place, Refusal):
            broken(f"{gateway.name} did not take an update: {place.value}\n{self.exchanges.last()}")
        return place.offset, serial

    def await_sent(self, count: int) -> None:
        """Waits until `count` updates of this scenario are on their way; other threads publish them."""
        poll(lambda: len(self.sent_at) >= count, within_s=30, every_s=0.001)

    def _acknowledged(self, places: Iterable[tuple[int, int]]) -> list[int]:
        serials = [serial for _, serial in sorted(places)]
        self.published += serials
        return serials

    # What must hold

    def serials_of(self, subscriber: Subscriber, channel: str = "") -> list[int]:
        """The serial numbers of the updates that `subscriber` has received, in the order of their arrival."""
        return [serial for serial, _ in subscriber.updates(channel or self.channel)]

    def expect(
        self, receivers: Iterable[Subscriber], serials: Sequence[int], within_s: float, channel: str = ""
    ) -> None:
        """Each of `receivers` gets `serials`, once each and in this order, within `within_s`. AssertionError if not."""
        everybody = list(receivers)
        expected = list(serials)

        def decided() -> bool:
            got = [self.serials_of(subscriber, channel) for subscriber in everybody]
            # Whoever got another than the next one has failed by now; that need not be waited out.
            return all(some == expected for some in got) or any(some != expected[: len(some)] for some in got)

        # Not more often: to look through all that came takes time from the thread that receives it.
        poll(decided, within_s, every_s=0.25)
        for subscriber in everybody:
            assert_that(
                self.serials_of(subscriber, channel),
                exactly_once_in_order(serials),
                self._who(subscriber, within_s),
            )

    def expect_at_least(self, subscriber: Subscriber, serials: Sequence[int], within_s: float) -> None:
        """`subscriber` gets `serials` once each and in order; others of this scenario may stand between them, once."""
        wanted = set(serials)
        poll(lambda: wanted <= set(self.serials_of(subscriber)), within_s, every_s=0.1)
        got = self.serials_of(subscriber)
        must(len(got) == len(set(got)), f"{subscriber.name} received some updates twice: {got}")
        assert_that([n for n in got if n in wanted], exactly_once_in_order(serials), self._who(subscriber, within_s))

    def expect_next_update(self, receivers: Iterable[Subscriber], within_s: float = 5) -> None:
        """One more update, published now, reaches each of `receivers` once: all that they get from here on is it."""
        everybody = list(receivers)
        before = [len(self.serials_of(subscriber)) for subscriber in everybody]
        serial = self.publish(1)
        poll(
            lambda: all(serial[0] in self.serials_of(s)[seen:] for s, seen in zip(everybody, before, strict=True)),
            within_s,
        )
        self.expect_silence(0.3)
        for subscriber, seen in zip(everybody, before, strict=True):
            got = self.serials_of(subscriber)[seen:]
            assert_that(got, exactly_once_in_order(serial), self._who(subscriber, within_s))
        strangers = [s.name for s in self.subscribers if s not in everybody and serial[0] in self.serials_of(s)]
        must(not strangers, f"{strangers} received an update that was not for them any more")

    def expect_update_aside(self, within_s: float = 5) -> None:
        """One more update to the second channel reaches all who watch it and are still connected, once."""
        there = [s for s in self.subscribers if self.aside in s.channels and s.connected]
        _, serial = self.send(self.gateways[1], self.aside)
        self.expect_present(self.aside, dict(Counter(subscriber.name for subscriber in there)), within_s)
        self.expect(there, [serial], within_s, self.aside)

    def expect_silence(self, window_s: float) -> None:
        """For `window_s` nobody of this scenario receives anything. AssertionError with what came."""
        before = self._heard()
        came = poll(lambda: self._heard() - before, window_s)
        must(not came, f"expected silence for {window_s:g} s, got {came} more messages:\n{self.exchanges.last()}")

    def expect_told_of_gap(self, receivers: Sequence[Subscriber], within_s: float, gaps: int = 1) -> None:
        """Within `within_s` each of `receivers` is told of so many `gaps` in the workspace. AssertionError if not."""
        poll(lambda: all(len(s.gaps(self.channel)) >= gaps for s in receivers), within_s)
        told = [len(s.gaps(self.channel)) for s in receivers]
        must(told == [gaps] * len(told), f"expected {gaps} words of a gap to each within {within_s:g} s, got {told}")

    def expect_first_connections(self) -> None:
        """Every subscriber still has the connection that it came with. AssertionError with those that were closed."""
        closed = [s.name for s in self.subscribers if len(s.connections) != 1 or s.connection.ending]
        must(not closed, f"expected all connections to live on, but {closed} were closed")

    def expect_subscriptions(self, channel: str, count: int, within_s: float) -> None:
        """Redis itself counts `count` subscriptions to `channel` within `within_s`. AssertionError if not."""
        poll(lambda: self.redis.subscriptions(channel) == count, within_s)
        seen = self.redis.subscriptions(channel)
        must(seen == count, f"Redis counts {seen} subscriptions to {channel} after {within_s:g} s, expected {count}")

    def expect_subscriptions_to_stay(self, channel: str, count: int, window_s: float) -> None:
        """For `window_s` Redis counts no other number than `count`. AssertionError with the one that it counted."""
        others = poll(lambda: [n for n in [self.redis.subscriptions(channel)] if n != count], window_s)
        must(not others, f"Redis counts {others} subscriptions to {channel}, expected {count} all along")

    def expect_presence(self, within_s: float) -> None:
        """Whoever is connected is seen in the workspace, once for each connection, within `within_s`."""
        self.expect_present(self.channel, dict(Counter(subscriber.name for subscriber in self.present())), within_s)

    def expect_present(self, channel: str, users: dict[str, int], within_s: float) -> None:
        """Precisely `users` are seen in `channel` within `within_s`, each as often as it says. AssertionError if not.

        The second gateway is asked.
        """
        gateway = self.gateways[1]
        poll(lambda: gateway.present(channel) == users, within_s)
        assert_that(gateway.present(channel), equal_to(users), f"who is seen in {channel}")

    def expect_closed(self, connections: Iterable[Connection], why: Ending, within_s: float) -> None:
        """The target closes each of `connections` for that reason within `within_s`. AssertionError if not."""
        doomed = list(connections)
        poll(lambda: all(connection.ending for connection in doomed), within_s)
        seen = [connection.ending for connection in doomed]
        told = [ending.value if ending else "still open" for ending in seen]
        must(seen == [why] * len(seen), f"expected each closed within {within_s:g} s since {why.value}, got {told}")

    def _heard(self) -> int:
        return sum(len(connection.arrivals) for s in self.subscribers for connection in s.connections)

    def _who(self, subscriber: Subscriber, within_s: float) -> str:
        where = subscriber.gateway.name if subscriber.gateway else "no gateway"
        ending = subscriber.connection.ending
        return f"{subscriber.name} at {where} ({ending.value if ending else 'open'}), after up to {within_s:g} s"
