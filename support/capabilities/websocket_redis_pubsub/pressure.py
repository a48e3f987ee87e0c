"""Live updates under pressure: readers who stall, a thousand lost connections, a steady stream that is timed."""

import itertools
import math
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import astuple, dataclass
from statistics import quantiles

from support.capabilities.websocket_redis_pubsub.client import Gateway, Subscriber
from support.capabilities.websocket_redis_pubsub.pace import Pace
from support.capabilities.websocket_redis_pubsub.probe import BarePubSub
from support.capabilities.websocket_redis_pubsub.workspace import Workspace
from support.containers.fleet import SUITE
from support.polling import poll
from support.probes import node as node_probe
from support.worlds.crowds import for_each, threads

TOO_SLOW = 4008  # the reference platform's documented close code, of the range for private use (RFC 6455 section 7.4.2)
_PIECE = 64_000  # bytes of one update in a flow
_STEP = 5 * _PIECE  # bytes that a flow moves on by; most of them are for the stalled alone, so that others cost no time
_READ_WITHIN_S = 5.0
_AHEAD = 4  # updates by which a flow may be ahead of those who read: far from what makes a reader too slow


class Stall:
    """Some subscribers of the first gateway stop reading while a flow of updates goes on."""

    def __init__(self, world: Workspace, count: int) -> None:
        self._world = world
        self._node = world.fleet.nodes[0]
        self.channel = world.fresh_channel("stalled")
        self.others = list(world.subscribers)
        usual = world.publish(20, padding=_PIECE)
        world.expect(self.others, usual, within_s=10)
        self._usual = _latencies(world, self.others, usual)
        self._connections_before = node_probe.connections(self._node)
        self.stalled = world.join(count, world.gateways[0], world.channel, self.channel)
        self._reads_again = self.stalled[:-1]  # the last one never does
        node_probe.forget_peak(self._node)
        self._memory_before = node_probe.resident_bytes(self._node)
        self._pace = Pace(self.others, _AHEAD)
        self._in_the_way: list[int] = []  # the updates that were sent while the stalled were not yet let go
        self.let_go_after: int | None = None  # bytes of the flow
        # Last of all: who stalls answers no ping either, and is to be too slow before it counts as gone.
        for subscriber in self.stalled:
            subscriber.stall()

    def flow_by(self, size: int) -> None:
        """Publishes `size` bytes of updates through the second gateway, most of them to those who stalled alone.

        All but one of these read again once they were let go, and the flow waits until they have read to the end: soon
        enough to find the close frame, which a gateway does not keep for ever for a reader that stalls.
        """
        second = self._world.gateways[1]
        for _ in range(size // _STEP):
            self._pace.keep()
            serials = self._world.publish(1, through=[second], padding=_PIECE)
            self._world.send(second, self.channel, padding=_STEP - _PIECE)
            if self.let_go_after is None:
                self._in_the_way += serials
                self._look_whether_let_go()

    def _look_whether_let_go(self) -> None:
        if not self._world.redis.subscriptions(self.channel):
            self.let_go_after = len(self._in_the_way) * _STEP
            for subscriber in self._reads_again:
                subscriber.resume()
            poll(lambda: all(subscriber.connection.close_code for subscriber in self._reads_again), _READ_WITHIN_S)

    def expect_let_go(self, size: int) -> None:
        """Redis counted no subscription to the channel of those who stalled before `size` bytes had been published."""
        after = self.let_go_after
        told = "were not let go at all" if after is None else f"were let go after {after / 1e6:.1f} MB"
        assert after is not None and after <= size, f"those who stalled {told}, expected before {size / 1e6:.0f} MB"

    def expect_cut_off(self, within_s: float) -> None:
        """Those who read again found the close code for too slow, and the one who does not is dropped all the same.

        Whether it is, only the gateway's kernel can tell: nobody reads at the other end.
        """
        self._world.expect_closed([s.connection for s in self._reads_again], [TOO_SLOW], within_s)
        before = self._connections_before
        poll(lambda: node_probe.connections(self._node) <= before, within_s)
        left = node_probe.connections(self._node)
        assert left <= before, f"{self._node.name} still has {left} connections, before those who stalled came {before}"

    def expect_others_unharmed(self, times: float) -> None:
        """The others got everything, and their 99th percentile is at most `times` that of the same updates before."""
        self._world.expect(self.others, self._world.published, within_s=20)
        usual, now = _p99(self._usual), _p99(_latencies(self._world, self.others, self._in_the_way))
        assert now <= times * usual, (
            f"99 in 100 took up to {now:.3f} s, {now / usual:.1f} times the usual {usual:.3f} s"
        )

    def expect_memory_within(self, size: int) -> None:
        """The gateway's process has at no time held `size` bytes more than before the flow."""
        grown = node_probe.peak_resident_bytes(self._node) - self._memory_before
        assert grown < size, (
            f"{self._node.name} took {grown / 1e6:.0f} MB more at its peak, expected under {size / 1e6:.0f} MB"
        )


@dataclass(frozen=True)
class Holdings:
    """What a gateway holds: open files by the kernel's count, the rest by its own."""

    files: int
    tasks: int
    connections: int
    channels: int


class Crowd:
    """Many subscribers who come and are lost; the gateways' holdings before are what they must come back to."""

    def __init__(self, world: Workspace, warm_up: int) -> None:
        self._world = world
        self.come_and_be_lost(warm_up, warm_up)
        world.expect_subscriptions(world.channel, 0, within_s=5)
        self.before = self._settled()

    def come_and_be_lost(self, count: int, at_once: int) -> None:
        """`count` subscribers connect, half to each gateway, `at_once` at a time, and are lost without a word."""
        for _ in range(count // at_once):
            crowd = [self._world.newcomer("passer-by", self._world.channel) for _ in range(at_once)]
            for_each(crowd[::2], self._enter_first)
            for_each(crowd[1::2], self._enter_second)
            for_each(crowd, Subscriber.drop)

    def expect_nothing_left(self, within_s: float, tolerance: int) -> None:
        """Each gateway holds what it held before, give or take `tolerance`. AssertionError with both."""
        poll(
            lambda: all(map(_near, self._held(), self.before, itertools.repeat(tolerance))),
            within_s,
            every_s=0.5,
        )
        for gateway, now, before in zip(self._world.gateways, self._held(), self.before, strict=True):
            assert _near(now, before, tolerance), f"{gateway.name} holds {now}, before it was {before}"

    def _enter_first(self, subscriber: Subscriber) -> None:
        self._world.enter(subscriber, self._world.gateways[0], self._world.channel)

    def _enter_second(self, subscriber: Subscriber) -> None:
        self._world.enter(subscriber, self._world.gateways[1], self._world.channel)

    def _settled(self) -> list[Holdings]:
        """The holdings once two looks in a row agree: the last of the warm-up's connections may still be closing."""
        seen = [self._held()]

        def steady() -> bool:
            seen.append(self._held())
            return seen[-1] == seen[-2]

        poll(steady, within_s=10, every_s=0.5)
        return seen[-1]

    def _held(self) -> list[Holdings]:
        return [self._holdings(gateway) for gateway in self._world.gateways]

    def _holdings(self, gateway: Gateway) -> Holdings:
        node = self._world.fleet.nodes[self._world.gateways.index(gateway)]
        return Holdings(files=node_probe.open_files(node), **gateway.status())


class Stream:
    """A steady stream to many workspaces, timed beside Redis alone on the same path at the same time (seconds)."""

    def __init__(self, world: Workspace, workspaces: int, count: int) -> None:
        self._world = world
        self._count = count
        channels = [world.fresh_channel("workspace") for _ in range(workspaces)]
        self._audience = {channel: self._group(number, count, channel) for number, channel in enumerate(channels)}
        self._bare: list[float] = []

    def run(self, count: int, rate: float) -> None:
        """Publishes `count` updates to one workspace after the other, `rate` each second; beside each, Redis alone.

        None waits for the one before: a gateway that stops for a moment is asked all the same meanwhile.
        """
        fleet, gateways, channels = self._world.fleet, self._world.gateways, list(self._audience)
        assert fleet.toxiproxy
        path = fleet.toxiproxy.address(fleet.links[f"redis:{SUITE}"])
        sent, began = [], time.monotonic()
        with closing(BarePubSub(path, self._count)) as redis, threads(math.ceil(rate)) as pool:
            for number in range(count):
                time.sleep(max(0.0, began + number / rate - time.monotonic()))
                gateway = gateways[number // len(channels) % len(gateways)]
                sent.append(pool.submit(self._world.send, gateway, channels[number % len(channels)]))
                self._bare += redis.broadcast()
        for one in sent:
            one.result()

    def expect_ratio(self, percent: int, times: float) -> None:
        """The `percent`th percentile of the deliveries is at most `times` that of bare Redis. AssertionError if not."""
        bare, seen = (quantiles(sample, n=100)[percent - 1] for sample in (self._bare, self._deliveries()))
        assert seen <= times * bare, (
            f"{percent} in 100 deliveries took up to {seen * 1000:.1f} ms: {seen / bare:.1f} times bare Redis "
            f"({bare * 1000:.1f} ms), expected at most {times:g} times"
        )

    def _group(self, number: int, count: int, channel: str) -> list[Subscriber]:
        here, there = self._world.gateways[number % 2], self._world.gateways[(number + 1) % 2]
        return self._world.join(count // 2, here, channel) + self._world.join(count - count // 2, there, channel)

    def _deliveries(self) -> list[float]:
        return [s for channel, group in self._audience.items() for s in _latencies(self._world, group, (), channel)]


def _latencies(
    world: Workspace, receivers: Iterable[Subscriber], serials: Iterable[int], channel: str = ""
) -> list[float]:
    """Seconds from sending to arrival, of each of `serials` (of all, if none is named) at each of `receivers`."""
    wanted = set(serials)
    arrived = [update for subscriber in receivers for update in subscriber.updates(channel or world.channel)]
    return [at - world.sent_at[serial] for serial, at in arrived if serial in (wanted or world.sent_at)]


def _p99(sample: list[float]) -> float:
    return quantiles(sample, n=100)[98]


def _near(now: Holdings, before: Holdings, tolerance: int) -> bool:
    return all(abs(now_ - before_) <= tolerance for now_, before_ in zip(astuple(now), astuple(before), strict=True))
