"""Subscribers who lose their gateway: away for a while, changing it in mid-stream, or handed over when it ends."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from hamcrest import assert_that

from support.capabilities.websocket_redis_pubsub.client import Answer, Ending, Joined, Position, Refusal, Refused
from support.capabilities.websocket_redis_pubsub.matchers import exactly_once_in_order
from support.capabilities.websocket_redis_pubsub.receiver import Connection
from support.capabilities.websocket_redis_pubsub.subscriber import Subscriber, serial_in, update_of
from support.capabilities.websocket_redis_pubsub.workspace import Workspace
from support.errors import FaultError, ProbeError
from support.polling import look_until, poll
from support.promise import must
from support.worlds.crowds import threads

_PUBLISHERS = 4
_PUBLISHED_EVERY_S = 0.01
_ASKED_TIMES = 3  # a gateway that has one connection left is asked in vain when it renews something just then


class Absence:
    """One subscriber who was away: what was missed is replayed, or its loss is said."""

    def __init__(self, world: Workspace) -> None:
        self._world = world

    def begin(self, missed: int, padding: int = 0) -> None:
        """The subscriber loses the connection, and `missed` updates (with `padding` bytes) come before it is back."""
        self._subscriber.drop()
        # The gateway must have noticed before the updates are published; otherwise they were not missed.
        self._world.expect_present(self._world.channel, {}, within_s=5)
        self._world.publish(missed, padding=padding)

    def end(self, after_s: float = 0) -> None:
        """The subscriber reconnects to the second gateway, from where it left off, `after_s` after the last update."""
        time.sleep(after_s)
        self._subscriber.connect(self._world.gateways[1])

    def end_while_published(self, most: int) -> None:
        """The subscriber reconnects there, and until it is back updates are published, at `most` so many."""
        world, before = self._world, len(self._world.published)
        with threads(1) as pool:
            back = pool.submit(self._subscriber.connect, world.gateways[1])
            while not poll(back.done, _PUBLISHED_EVERY_S) and len(world.published) < before + most:
                world.publish(1, through=world.gateways[:1])
            back.result()
        if len(world.published) == before:
            raise ProbeError("the subscriber was back before an update could be published")

    def leave_and_come_back(self, times: int) -> None:
        """The subscriber leaves by word and asks again, `times` times, over the same connection."""
        for _ in range(times):
            self._subscriber.unwatch(self._world.channel)
            self._subscriber.watch(self._world.channel)

    def expect_replay(self, missed: int) -> None:
        """The answer to the reconnect: recovered, with precisely the last `missed` updates, in order."""
        self.expect_recovered()
        given = [serial_in(update.data) for update in self._answer().missed]
        lost = self._world.published[len(self._world.published) - missed :]
        assert_that(given, exactly_once_in_order(lost), self._subscriber.name)

    def expect_recovered(self) -> None:
        """The answer to the reconnect: recovered. AssertionError if not."""
        told = self._answer().recovered
        must(told is True, f"expected to be told that nothing is lost, got recovered: {told}")

    def expect_told_of_loss(self) -> None:
        """The answer to the reconnect: not recovered, and not one update."""
        answer = self._answer()
        told = f"got recovered: {answer.recovered} and {len(answer.missed)} updates"
        must(answer.recovered is False and not answer.missed, f"expected to be told of a loss, and no update, {told}")

    def change_gateways_in_midstream(self, changes: int, updates: int) -> None:
        """The subscriber changes gateways `changes` times, without a word, while `updates` are published."""
        world, before, each = self._world, len(self._world.sent_at), updates // changes
        with threads(1) as publisher:
            # Several at a time, so that a change of gateways hardly ever falls between two updates.
            stream = publisher.submit(world.publish_at_once, _PUBLISHERS, updates // _PUBLISHERS)
            for change in range(changes):
                world.await_sent(before + change * each)
                self._subscriber.drop()
                self._subscriber.connect(world.gateways[(change + 1) % 2])
            stream.result()

    @property
    def _subscriber(self) -> Subscriber:
        return self._world.subscribers[0]

    def _answer(self) -> Joined:
        return self._subscriber.joined(self._world.channel)


class DeafGateway:
    """The first gateway and Redis do not hear each other: what subscribers missed, and what writers are told."""

    def __init__(self, world: Workspace) -> None:
        self._world = world
        self._told: list[Position | Refusal | None] = []
        self._anew: list[list[int]] = []  # for each loss the updates that followed

    def publish(self) -> None:
        """A backend publishes an update through the first gateway, and a subscriber there one over the connection."""
        began, author = time.monotonic(), self._world.subscribers[0]
        told = author.ask_to_publish(self._world.channel, update_of(0))
        self._told = [self._world.gateways[0].publish(self._world.channel, update_of(0))]
        self._told.append(told.why if isinstance(told, Refused) else None)
        self._took_s = time.monotonic() - began

    def lose_subscriptions(self) -> None:
        """Redis drops both gateways; the second one's connection ends, and the first one's looks whole."""
        self._world.faults.strand("redis", "gateway-1")
        self._world.redis.drop_subscribers()
        counted = look_until(lambda n: n == 1, lambda: self._world.redis.subscriptions(self._world.channel), within_s=5)
        if counted > 1:
            raise ProbeError(f"expected the first gateway to hear nothing by now, but Redis counts {counted} listeners")

    def move_there(self) -> None:
        """The last subscriber of the second gateway moves to the first."""
        mover = self._world.subscribers[-1]
        mover.drop()
        mover.connect(self._world.gateways[0])

    def lose_an_answer(self) -> None:
        """A subscriber of the first gateway publishes an update; it is done, and what Redis answered is lost.

        A gateway whose connections to Redis have all broken meanwhile, because it waited on them for something else,
        cannot ask for anything while answers are lost: it is asked again. ProbeError when that happens each time.
        """
        for number in range(_ASKED_TIMES):
            if number:
                # With a connection to Redis that stands, which is not to be made when its greeting would be lost.
                self._world.gateways[0].present(self._world.channel)
                self._world.faults.mute("redis", "gateway-1")
            if self._publish_unanswered():
                return
        raise ProbeError(f"in {_ASKED_TIMES} tries gateway-1 refused an update before Redis was asked to take it")

    def _publish_unanswered(self) -> bool:
        """Whether the update has reached the second gateway: only then may it be done twice.

        The connections break as soon as it has: a gateway that tries again at once succeeds. Over a connection that is
        open already, because a new request would need more answers of Redis. AssertionError where what was taken did
        not arrive.
        """
        world, serial = self._world, next(self._world.serials)
        author, witness = world.subscribers[0], world.subscribers[-1]
        with threads(1) as pool:
            self._answer: Future[Answer] = pool.submit(author.ask_to_publish, world.channel, update_of(serial))
            arrived = poll(lambda: serial in world.serials_of(witness), within_s=5, every_s=0.01)
            world.faults.mend("redis:gateway-1")
        refused = isinstance(self._answer.result(), Refused)
        must(arrived or refused, f"{witness.name} received nothing of what {author.name} published")
        world.published += [serial] if arrived else []
        return arrived

    def expect_author_told(self) -> None:
        """The author was told that the update may not have been taken. AssertionError with the answer."""
        answer = self._answer.result()
        must(isinstance(answer, Refused), f"expected a refusal, since nobody could know, got {answer}")

    def expect_gap_at_first_gateway(self, missed: int, within_s: float) -> None:
        """The first gateway's subscribers are told of the gap once, and given none of the last `missed` updates.

        AssertionError if not.
        """
        there = [s for s in self._world.subscribers if s.gateway is self._world.gateways[0]]
        self._world.expect_told_of_gap(there, within_s)
        self._world.expect(there, self._world.published[:-missed], within_s=0)

    def lose_everything(self, count: int, times: int) -> None:
        """As many `times` Redis loses everything, and `count` updates follow; it waits until they are known, or 5 s."""
        world = self._world
        for _ in range(times):
            world.redis.lose_everything()
            self._anew.append(world.publish(count))
            last = self._anew[-1][-1]
            poll(lambda last=last: all(last in world.serials_of(s) for s in world.subscribers), 5)  # type: ignore[misc]

    def expect_what_follows_the_gaps(self, within_s: float) -> None:
        """All were told once of each loss, and have the updates behind each gap that they were told.

        AssertionError if not.
        """
        world = self._world
        world.expect_told_of_gap(world.subscribers, within_s, len(self._anew))
        before = world.published[: -sum(map(len, self._anew))]
        for subscriber in world.subscribers:
            gaps = zip(self._anew, subscriber.gaps(world.channel), strict=True)
            rest = [serial for anew, gap in gaps for serial in anew[gap.position.offset :]]
            world.expect([subscriber], before + rest, within_s)

    def expect_nothing_missed_at_second_gateway(self, within_s: float) -> None:
        """The second gateway's subscribers have received everything. AssertionError if not."""
        there = [s for s in self._world.subscribers if s.gateway is self._world.gateways[1]]
        self._world.expect(there, self._world.published, within_s)

    def expect_told(self, within_s: float) -> None:
        """Both were told that the platform cannot do it now, within `within_s`. AssertionError if not."""
        expected = [Refusal.UNAVAILABLE] * 2
        said = f"expected {expected} within {within_s:g} s, told after {self._took_s:.1f} s: {self._told}"
        must(self._told == expected and self._took_s <= within_s, said)

    def expect_unwell(self, within_s: float) -> None:
        """The first gateway's health check fails within `within_s`. AssertionError if it does not."""
        node = self._world.fleet.nodes[0]
        unwell = poll(lambda: not node.answers(*node.address()), within_s)
        must(unwell, f"{node.name} still says that it is well after {within_s:g} s without Redis")

    def await_end(self, within_s: float) -> None:
        """The first gateway says within `within_s` that it is well again. AssertionError if not."""
        node = self._world.fleet.nodes[0]
        must(poll(lambda: node.answers(*node.address()), within_s), node.plight())


class Handover:
    """Subscribers who move to the other gateway when theirs says that it ends, as a browser's client would."""

    def __init__(self, world: Workspace) -> None:
        self._world = world
        self._movers = ThreadPoolExecutor(8)
        world.closing.callback(self._movers.shutdown, wait=False)
        self._moves: list[Future[None]] = []
        self._acknowledged: list[int] = []
        self._subscribers: list[Subscriber] = []
        self._leaving: list[Connection] = []

    def prepare(self, count: int) -> None:
        """`count` subscribers on each gateway, of whom those of the first will move."""
        world = self._world
        movers = world.join(count, world.gateways[0])
        self._subscribers = movers + world.join(count, world.gateways[1])
        self._leaving = [subscriber.connection for subscriber in movers]
        for subscriber in movers:
            world.receiver.forget(subscriber.connection)
            world.receiver.watch(subscriber.connection, partial(self._move, subscriber))

    def end_first_gateway(self, updates: int) -> None:
        """Publishes `updates` through both gateways in turn; after a third of them the first is asked to end."""
        for number in range(updates):
            if number == updates // 3:
                self._world.faults.terminate("gateway-1")
            self._publish_one(number)

    def expect_everything(self, within_s: float) -> None:
        """Every subscriber has each acknowledged update once and in order, and any other at most once."""
        for move in self._moves:
            move.result()
        for subscriber in self._subscribers:
            self._world.expect_at_least(subscriber, self._acknowledged, within_s)

    def expect_told(self) -> None:
        """The first gateway said to each of its subscribers that it ends."""
        self._world.expect_closed(self._leaving, Ending.LEAVING, within_s=0)

    def expect_ended(self, within_s: float) -> None:
        """The first gateway's process ended by itself, with exit code 0 or by the signal's own default (143)."""
        node = self._world.fleet.named("gateway-1")
        poll(lambda: not node.state().get("Running"), within_s)
        state = node.state()
        must(not state["Running"], f"{node.name} still runs {within_s:g} s after it was asked to end")
        must(state["ExitCode"] in (0, 143), f"expected {node.name} to end well, got exit code {state['ExitCode']}")

    def put_back(self) -> None:
        """The first gateway is started again, and takes a subscriber and the next update. AssertionError if not."""
        try:
            self._world.faults.mend("gateway-1")
        except FaultError as error:
            raise AssertionError(f"expected gateway-1 to serve again, but {error}") from error
        self._world.join(1, self._world.gateways[0])
        self._world.expect_next_update(self._world.present())

    def _publish_one(self, number: int) -> None:
        """Through the gateways in turn; what the ending one does not acknowledge may or may not arrive."""
        try:
            _, serial = self._world.send(self._world.gateways[number % 2], self._world.channel)
        except AssertionError:
            if number % 2:
                raise
        else:
            self._acknowledged.append(serial)

    def _move(self, subscriber: Subscriber, _closed: Connection) -> None:
        self._moves.append(self._movers.submit(subscriber.connect, self._world.gateways[1]))
