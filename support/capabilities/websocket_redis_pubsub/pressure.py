"""Live updates under pressure: readers who stall, a thousand lost connections, a steady stream that is timed."""

import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from statistics import quantiles

from support.capabilities.websocket_redis_pubsub.client import Counts, Ending
from support.capabilities.websocket_redis_pubsub.pace import ReadersPace
from support.capabilities.websocket_redis_pubsub.probe import BarePubSub
from support.capabilities.websocket_redis_pubsub.subscriber import Subscriber
from support.capabilities.websocket_redis_pubsub.workspace import Workspace
from support.containers.fleet import SUITE
from support.errors import ProbeError
from support.polling import poll
from support.probes import node as node_probe
from support.promise import must
from support.worlds.crowds import for_each, threads
from support.worlds.world import wait_until

_PIECE = 64_000  # bytes of one update in a flow
_STEP = 5 * _PIECE  # bytes that a flow moves on by; most of them are for the stalled alone, so that others cost no time
_READ_WITHIN_S = 5.0
_UNDER_WAY = 16  # updates of a steady flow; many more at once would not be steady, and too much for a busy machine
_AHEAD = 4  # updates by which a flow may be ahead of those who read: far from what makes a reader too slow


class StalledReaders:
    """Some subscribers of the first gateway stop reading while a flow of updates goes on."""

    def __init__(self, world: Workspace) -> None:
        self._world = world
        self._node = world.fleet.nodes[0]
        self._channel = world.fresh("stalled")
        self._others: list[Subscriber] = []
        self._stalled: list[Subscriber] = []
        self._usual: list[float] = []
        self._in_the_way: list[int] = []  # the updates that were sent while the stalled were not yet let go
        self._let_go_after: int | None = None  # bytes of the flow

    def begin(self, count: int) -> None:
        """`count` more subscribers come and stop reading, once it is known what is usual without them."""
        world = self._world
        self._others = list(world.subscribers)
        usual = world.publish(20, padding=_PIECE)
        world.expect(self._others, usual, within_s=10)
        self._usual = _latencies(world, self._others, usual)
        self._connections_before = node_probe.connections(self._node)
        self._stalled = world.join(count, world.gateways[0], world.channel, self._channel)
        node_probe.forget_peak(self._node)
        self._memory_before = node_probe.resident_bytes(self._node)
        self._pace = ReadersPace(self._others, _AHEAD)
        # Last of all: who stalls answers no heartbeat either, and is to be too slow before it counts as gone.
        for subscriber in self._stalled:
            subscriber.stall()

    @property
    def _reads_again(self) -> list[Subscriber]:
        return self._stalled[:-1]  # the last one never does

    def flow_by(self, size: int) -> None:
        """Publishes `size` bytes of updates through the second gateway, most of them to those who stalled alone.

        All but one of these read again once they were let go, and the flow waits until they have read to the end: soon
        enough to find the close frame, which a gateway does not keep for ever for a reader that stalls.
        """
        second = self._world.gateways[1]
        for _ in range(size // _STEP):
            self._pace.keep()
            serials = self._world.publish(1, through=[second], padding=_PIECE)
            self._world.send(second, self._channel, padding=_STEP - _PIECE)
            if self._let_go_after is None:
                self._in_the_way += serials
                self._look_whether_let_go()

    def _look_whether_let_go(self) -> None:
        if not self._world.gateways[1].present(self._channel):
            self._let_go_after = len(self._in_the_way) * _STEP
            for subscriber in self._reads_again:
                subscriber.resume()
            poll(lambda: all(subscriber.connection.ending for subscriber in self._reads_again), _READ_WITHIN_S)

    def expect_let_go(self, size: int) -> None:
        """None of those who stalled was present in their channel any more before `size` bytes had been published."""
        after = self._let_go_after
        told = "were not let go at all" if after is None else f"were let go after {after / 1e6:.1f} MB"
        must(after is not None and after <= size, f"those who stalled {told}, expected before {size / 1e6:.0f} MB")

    def expect_cut_off(self, within_s: float) -> None:
        """Those who read again found that they were too slow, and the one who does not is dropped all the same.

        Whether it is, only the gateway's kernel can tell: nobody reads at the other end.
        """
        self._world.expect_closed([s.connection for s in self._reads_again], Ending.TOO_SLOW, within_s)
        before = self._connections_before
        poll(lambda: node_probe.connections(self._node) <= before, within_s)
        left = node_probe.connections(self._node)
        must(left <= before, f"{self._node.name} still has {left} connections, before those who stalled came {before}")

    def expect_others_unharmed(self, most_s: float, times: float) -> None:
        """The others got everything, and their 99th percentile is at most `times` that of the same updates before.

        Up to `most_s` it need not be that. AssertionError if not.
        """
        self._world.expect(self._others, self._world.published, within_s=20)
        usual, now = _p99(self._usual), _p99(_latencies(self._world, self._others, self._in_the_way))
        told = f"99 in 100 took up to {now:.3f} s, {now / usual:.1f} times the usual {usual:.3f} s"
        must(now <= max(most_s, times * usual), told)

    def expect_memory_within(self, size: int) -> None:
        """The gateway's process has at no time held `size` bytes more than before the flow."""
        grown = node_probe.peak_resident_bytes(self._node) - self._memory_before
        told = f"{self._node.name} took {grown / 1e6:.0f} MB more at its peak, expected under {size / 1e6:.0f} MB"
        must(grown < size, told)


@dataclass(frozen=True)
class Holdings:
    """What a gateway holds: open files by the kernel's count, the rest by its own."""

    files: int
    counts: Counts

    def near(self, before: "Holdings", tolerance: int) -> bool:
        """Whether nothing differs from `before` by more than `tolerance`; what a platform does not count does not."""
        pairs = zip(self._all(), before._all(), strict=True)
        return all(abs((now or 0) - (then or 0)) <= tolerance for now, then in pairs)

    def _all(self) -> tuple[int | None, ...]:
        return (self.files, self.counts.connections, self.counts.subscriptions, self.counts.tasks)


class PassersBy:
    """Many subscribers who come and are lost; the gateways' holdings before are what they must come back to."""

    def __init__(self, world: Workspace) -> None:
        self._world = world
        self._before: list[Holdings] = []

    def warm_up(self, count: int) -> None:
        """`count` subscribers come and are lost, so that the gateways have made what they keep."""
        self.come_and_be_lost(count, count)
        self._world.expect_present(self._world.channel, {}, within_s=5)
        self._before = self._settled()

    def come_and_be_lost(self, count: int, at_once: int) -> None:
        """`count` subscribers connect, half to each gateway, `at_once` at a time, and are lost without a word."""
        for _ in range(count // at_once):
            crowd = [self._world.newcomer("passer-by", self._world.channel) for _ in range(at_once)]
            for_each(list(enumerate(crowd)), self._enter)
            for_each(crowd, Subscriber.drop)

    def expect_nothing_left(self, within_s: float, tolerance: int) -> None:
        """Each gateway holds what it held before, give or take `tolerance`. AssertionError with both."""
        near = [before.near for before in self._before]
        poll(lambda: all(one(now, tolerance) for one, now in zip(near, self._held(), strict=True)), within_s, 0.5)
        for gateway, now, before in zip(self._world.gateways, self._held(), self._before, strict=True):
            must(now.near(before, tolerance), f"{gateway.name} holds {now}, before it was {before}")

    def _enter(self, numbered: tuple[int, Subscriber]) -> None:
        number, subscriber = numbered
        self._world.enter(subscriber, self._world.gateways[number % 2], self._world.channel)

    def _settled(self) -> list[Holdings]:
        """The holdings once two looks in a row agree: the last of the warm-up's connections may still be closing."""
        seen = [self._held()]

        def steady() -> bool:
            seen.append(self._held())
            return seen[-1] == seen[-2]

        poll(steady, within_s=10, every_s=0.5)
        return seen[-1]

    def _held(self) -> list[Holdings]:
        nodes = zip(self._world.fleet.nodes, self._world.gateways, strict=True)
        return [Holdings(node_probe.open_files(node), gateway.counts()) for node, gateway in nodes]


class SteadyFlow:
    """A steady flow to many workspaces, timed beside Redis alone on the same path at the same time (seconds)."""

    def __init__(self, world: Workspace) -> None:
        self._world = world
        self._audience: dict[str, list[Subscriber]] = {}
        self._bare: list[float] = []

    def open(self, workspaces: int, count: int) -> None:
        """`workspaces` with `count` subscribers each, half of them on each gateway."""
        channels = [self._world.fresh("workspace") for _ in range(workspaces)]
        self._count = count
        self._audience = {channel: self._group(number, count, channel) for number, channel in enumerate(channels)}

    def run(self, count: int, rate: float) -> None:
        """Publishes `count` updates to one workspace after the other, `rate` each second; beside each, Redis alone.

        None waits for the one before: a gateway that stops for a moment is asked all the same meanwhile. Where
        this process stood still, that is not made up for: many at once would not be steady.
        """
        gateways, channels = self._world.gateways, list(self._audience)
        sent, due = [], time.monotonic()
        with closing(BarePubSub(self._path(), self._count)) as redis, threads(_UNDER_WAY) as pool:
            for number in range(count):
                wait_until(due)
                due = time.monotonic() + 1 / rate
                gateway = gateways[number // len(channels) % len(gateways)]
                sent.append(pool.submit(self._world.send, gateway, channels[number % len(channels)]))
                self._bare += redis.broadcast()
        for one in sent:
            one.result()

    def expect_ratio(self, percent: int, times: float) -> None:
        """The `percent`th percentile of the deliveries is at most `times` that of bare Redis. AssertionError if not."""
        bare, seen = (quantiles(sample, n=100)[percent - 1] for sample in (self._bare, self._deliveries()))
        told = (
            f"{percent} in 100 deliveries took up to {seen * 1000:.1f} ms: {seen / bare:.1f} times bare Redis "
            f"({bare * 1000:.1f} ms), expected at most {times:g} times"
        )
        must(seen <= times * bare, told)

    def _path(self) -> tuple[str, int]:
        """The suite's own link to Redis, which is like those of the gateways."""
        fleet = self._world.fleet
        if not fleet.toxiproxy:
            raise ProbeError("expected links between the gateways and Redis; the feature asks for no toxiproxy")
        return fleet.toxiproxy.address(fleet.links[f"redis:{SUITE}"])

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
