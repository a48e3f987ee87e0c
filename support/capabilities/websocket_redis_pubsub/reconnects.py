"""Subscribers who lose their gateway: away for a while, changing it in mid-stream, or handed over when it ends."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from hamcrest import assert_that

from support.capabilities.websocket_redis_pubsub.client import Subscriber, serial_in, update_of
from support.capabilities.websocket_redis_pubsub.matchers import exactly_once_in_order
from support.capabilities.websocket_redis_pubsub.workspace import Workspace
from support.clients.websocket_receiver import Connection, Message
from support.errors import FaultError
from support.polling import poll
from support.worlds.crowds import threads

LEAVING_CODES = (
    1001,
    1012,
)  # going away (RFC 6455 section 7.4.1), service restart (IANA close code registry)

_PUBLISHERS = 4


class Absence:
    """One subscriber who was away: what was missed is replayed, or its loss is said."""

    def __init__(self, world: Workspace) -> None:
        self._world = world

    def begin(self, missed: int, padding: int = 0) -> None:
        """The subscriber loses the connection, and `missed` updates (with `padding` bytes) come before it is back."""
        self._subscriber.drop()
        # The gateway must have let go before the updates are published; otherwise they were not missed.
        self._world.expect_subscriptions(self._world.channel, 0, within_s=5)
        self._world.publish(missed, padding=padding)

    def end(self, after_s: float = 0) -> None:
        """The subscriber reconnects to the second gateway, from where it left off, `after_s` after the last update."""
        time.sleep(after_s)
        self._subscriber.connect(self._world.gateways[1])

    def leave_and_come_back(self, times: int) -> None:
        """The subscriber leaves by word and asks again, `times` times, over the same connection."""
        for _ in range(times):
            self._subscriber.unsubscribe(self._world.channel)
            self._subscriber.subscribe(self._world.channel)

    def expect_replay(self, missed: int) -> None:
        """The answer to the reconnect: recovered, with precisely the last `missed` updates, in order."""
        answer = self._answer()
        given = [serial_in(update["data"]) for update in answer["updates"]]
        assert answer["recovered"] is True, f"expected recovered=true, got {answer['recovered']}"
        lost = self._world.published[len(self._world.published) - missed :]
        assert_that(given, exactly_once_in_order(lost), self._subscriber.name)

    def expect_told_of_loss(self) -> None:
        """The answer to the reconnect: not recovered, and not one update."""
        answer = self._answer()
        told = (answer["recovered"], len(answer["updates"]))
        assert told == (False, 0), f"expected recovered=false and 0 updates, got {told[0]} and {told[1]}"

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

    def _answer(self) -> Message:
        return self._subscriber.told("subscribed", self._world.channel)[-1]


class Outage:
    """The first gateway and Redis do not hear each other: what subscribers missed, and what writers are told."""

    def __init__(self, world: Workspace) -> None:
        self._world = world

    def publish(self) -> None:
        """Publishes an update through the first gateway."""
        began = time.monotonic()
        token = self._world.identity.token("writer", [self._world.channel])
        self._status = self._world.gateways[0].offer(token, self._world.channel, update_of(0)).status_code
        self._took_s = time.monotonic() - began

    def lose_subscriptions(self) -> None:
        """Redis drops both gateways; the second one's connection ends, and the first one's looks whole."""
        self._world.faults.strand("redis", "gateway-1")
        self._world.redis.drop_subscribers()
        self._world.expect_subscriptions(self._world.channel, 1, within_s=5)

    def move_there(self) -> None:
        """The last subscriber of the second gateway moves to the first."""
        mover = self._world.subscribers[-1]
        mover.drop()
        mover.connect(self._world.gateways[0])

    def lose_an_answer(self) -> None:
        """A subscriber of the first gateway publishes an update; it is done, and what Redis answered is lost.

        The connections break as soon as the update has reached the second gateway: a gateway that tries again at once
        succeeds. Over a connection that is open already, because a new request would need more answers of Redis.
        """
        world, serial = self._world, next(self._world.serials)
        author, witness = world.subscribers[0], world.subscribers[-1]
        request = {"type": "publish", "channel": world.channel, "data": update_of(serial), "ref": serial}
        with threads(1) as pool:
            self._answer = pool.submit(author.ask, request, "published", "error")
            arrived = poll(lambda: serial in world.serials_of(witness), within_s=5, every_s=0.01)
            world.faults.mend("redis:gateway-1")
        assert arrived, f"{witness.name} received nothing of what {author.name} published"
        world.published.append(serial)

    def expect_author_told(self) -> None:
        """The author was told that the update may not have been taken. AssertionError with the answer."""
        answer = self._answer.result()
        assert answer["type"] == "error", f"expected an error, since nobody could know, got {answer}"

    def expect_gap_at_first_gateway(self, missed: int, within_s: float) -> None:
        """The first gateway's subscribers are told of the gap once, and given none of the last `missed` updates.

        AssertionError if not.
        """
        there = [s for s in self._world.subscribers if s.gateway is self._world.gateways[0]]
        self._world.expect_told_of_gap(there, within_s)
        self._world.expect(there, self._world.published[:-missed], within_s=0)

    def expect_what_follows_the_gap(self, count: int, within_s: float) -> None:
        """Of the last `count` updates, with which a history began, all have those behind the gap that they were told.

        AssertionError if not.
        """
        before, anew = self._world.published[:-count], self._world.published[-count:]
        for subscriber in self._world.subscribers:
            (gap,) = subscriber.told("gap", self._world.channel)
            self._world.expect([subscriber], before + anew[gap["offset"] :], within_s)

    def expect_nothing_missed_at_second_gateway(self, within_s: float) -> None:
        """The second gateway's subscribers have received everything. AssertionError if not."""
        there = [s for s in self._world.subscribers if s.gateway is self._world.gateways[1]]
        self._world.expect(there, self._world.published, within_s)

    def expect_told(self, within_s: float) -> None:
        """The answer was 503 (RFC 9110 section 15.6.4), within `within_s`. AssertionError if not."""
        told = f"expected 503 within {within_s:g} s, got {self._status} after {self._took_s:.1f} s"
        assert self._status == 503 and self._took_s <= within_s, told

    def await_end(self, within_s: float) -> None:
        """The first gateway says within `within_s` that it is well again. AssertionError if not."""
        node = self._world.fleet.nodes[0]
        assert poll(lambda: node.answers(*node.address()), within_s), node.plight()


class Handover:
    """Subscribers who move to the other gateway when theirs says that it ends, as a browser's client would."""

    def __init__(self, world: Workspace, count: int) -> None:
        self._world = world
        self._movers = ThreadPoolExecutor(8)
        self._moves: list[Future[None]] = []
        self.acknowledged: list[int] = []
        self.subscribers = world.join(count, world.gateways[0]) + world.join(count, world.gateways[1])
        self.leaving = [subscriber.connection for subscriber in self.subscribers[:count]]
        for subscriber in self.subscribers[:count]:
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
        for subscriber in self.subscribers:
            self._world.expect_at_least(subscriber, self.acknowledged, within_s)

    def expect_told(self) -> None:
        """The first gateway said that it ends (close code 1001 or 1012) to each of its subscribers."""
        self._world.expect_closed(self.leaving, LEAVING_CODES, within_s=0)

    def expect_ended(self, within_s: float) -> None:
        """The first gateway's process ended by itself, with exit code 0 or by the signal's own default (143)."""
        node = self._world.fleet.named("gateway-1")
        poll(lambda: not node.state().get("Running"), within_s)
        state = node.state()
        assert not state["Running"], f"node-1 still runs {within_s:g} s after it was asked to end"
        assert state["ExitCode"] in (0, 143), f"expected node-1 to end well, got exit code {state['ExitCode']}"

    def put_back(self) -> None:
        """The first gateway is started again, and takes a subscriber and the next update. AssertionError if not."""
        try:
            self._world.faults.mend("gateway-1")
        except FaultError as error:
            raise AssertionError(f"expected node-1 to serve again, but {error}") from error
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
            self.acknowledged.append(serial)

    def _move(self, subscriber: Subscriber, _closed: Connection) -> None:
        self._moves.append(self._movers.submit(subscriber.connect, self._world.gateways[1]))
