"""What Redis loses, or does not tell: answers, the consumer group, the stream itself."""

from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, greater_than_or_equal_to, less_than, less_than_or_equal_to

from support.capabilities.message_queue_redis_streams.client import Answer
from support.errors import FaultError, ProbeError
from support.polling import poll
from support.probes.redis import client_of
from support.worlds.crowds import for_each, threads
from support.worlds.world import WELL_WITHIN_S

if TYPE_CHECKING:
    from support.capabilities.message_queue_redis_streams.world import Message, World

_ALL_LINES = 100_000
_BACK_WITHIN_S = 10.0
_FOR_EVERYBODY = 32  # messages of so many customers give each worker something to do


class Losses:
    """Messages that were published before, during and after a loss."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._before: list[Message] = []
        self._once: list[Message] = []
        self._twice: list[Message] = []
        self._lines = self._refusals = self._names = 0

    def publish_once(self, count: int) -> None:
        """So many messages at once through the first producer, which knows Redis by then; they are published once."""
        messages = [self._world.new() for _ in range(count)]
        with threads(count) as pool:
            self._once = list(pool.map(self._world.accept, messages))

    def publish_twice(self, count: int) -> None:
        """Messages whose first answer, of the first producer, is lost: each is published again through the second.

        Raises FaultError when a first answer came through.
        """
        world = self._world
        messages = [world.new() for _ in range(count)]
        with threads(count) as pool:
            heard = list(pool.map(world.publish, messages))
        if set(heard) != {Answer.UNAVAILABLE}:
            raise FaultError(f"no producer was to hear that its message is kept: {set(heard)}")
        kept = {message.id for message in messages} & set(world.done())
        if not kept:
            raise FaultError("none of the messages whose answers were lost had reached Redis")
        self._twice = [world.accept(message, first=1) for message in messages]

    def expect_not_doubled(self) -> None:
        """No message that was published twice was delivered twice.

        One that is done and cannot be acknowledged in time is rightly delivered again: where that has happened to one
        that was published once, the machine is too busy, which is a ProbeError.
        """
        again = {label for label, count in self._world.deliveries().items() if count > 1}
        once, twice = ([one.id for one in some if one.id in again] for some in (self._once, self._twice))
        if once:
            raise ProbeError(f"messages that were published once were delivered more than once, too: {once}")
        assert_that(twice, empty(), "messages that were delivered more than once")

    def expect_done_when_back(self, within_s: float) -> None:
        """The frozen workers go on; within `within_s` each message has taken effect once, each customer's in order."""
        self._bring_back()
        self._world.expect_done(within_s)
        self._world.expect_in_order()

    def pile_up(self, count: int) -> None:
        """So many messages wait, while the workers stand still."""
        self._before = self._world.publish_lines(count, 1)
        self._lines, self._refusals = self._said(), self._world.redis.refusals()

    def lose_meanwhile(self, what: str, count: int) -> None:
        """Redis loses `what`; `count` of the customers who wait publish another message; the frozen workers go on."""
        self._lose(what)
        for message in self._before[:count]:
            self._world.publish_line(message.key, 1)
        self._bring_back()

    def remember_names(self) -> None:
        """How many names there are in the group, each being at work; then one comes that is gone before it has been."""
        world = self._world
        self._work_all(WELL_WITHIN_S)
        self._names = self._named()
        with client_of(world.fleet.stores["redis-durable"]) as client:
            client.xgroup_createconsumer(world.names.stream, world.names.group, world.fresh("worker"))

    def _lose(self, what: str) -> None:
        """Redis loses the consumer group, as after a restart without its data, the whole stream, or all its entries."""
        names = self._world.names
        with client_of(self._world.fleet.stores["redis-durable"]) as client:
            match what:
                case "the consumer group":
                    lost = client.xgroup_destroy(names.stream, names.group)
                case "the whole stream":
                    lost = client.delete(names.stream)
                case _:
                    lost = client.xtrim(names.stream, maxlen=0, approximate=False)
        if not lost:
            raise FaultError(f"Redis was to lose {what}, and had none")

    def expect_later_done(self, within_s: float) -> None:
        """What was published since has taken effect once each, whatever became of what was there before."""
        world = self._world
        world.expect_done(within_s, [message for message in world.messages if message not in self._before])

    def expect_no_more_names(self, within_s: float) -> None:
        """When new workers are there and have done something, there are within `within_s` no more names than before."""
        nodes = self._world.fleet.nodes
        if not poll(lambda: all(node.answers(*node.address()) for node in nodes), _BACK_WITHIN_S):
            raise ProbeError(f"workers that were started again are not well after {_BACK_WITHIN_S:g} s")
        self._work_all(within_s)
        poll(lambda: self._named() <= self._names, within_s)
        assert_that(self._named(), less_than_or_equal_to(self._names), "names in the consumer group")

    def expect_few_words(self, lines: int, questions: int) -> None:
        """The nodes have written fewer than `lines` since, and Redis has refused them fewer `questions`: not thousands.

        16 workers, each of which asks every 200 ms, have asked 240 times within 3 s.
        """
        assert_that(self._said() - self._lines, less_than(lines), "lines that the nodes have written")
        refused = self._world.redis.refusals() - self._refusals
        assert_that(refused, less_than(questions), "commands that Redis has refused")

    def expect_told(self, count: int) -> None:
        """Both producers tell that so many messages are unfinished, but for what was done before the workers froze."""
        before = self._world.before["unfinished, as told"]
        told = [producer.unfinished() - before for producer in self._world.producers]
        least = count - len(self._world.done())
        assert_that(min(told), greater_than_or_equal_to(least), "unfinished messages, as the producers tell")
        assert_that(max(told), less_than_or_equal_to(count), "unfinished messages, as the producers tell")

    def _bring_back(self) -> None:
        for_each(("worker-1", "worker-2"), self._world.faults.mend)

    def _work_all(self, within_s: float) -> None:
        """So many messages are done within `within_s` that each worker has had something to do."""
        self._world.expect_done(within_s, self._world.publish_lines(_FOR_EVERYBODY, 1))

    def _named(self) -> int:
        names = self._world.names
        with client_of(self._world.fleet.stores["redis-durable"]) as client:
            return len(client.xinfo_consumers(names.stream, names.group))

    def _said(self) -> int:
        return sum(len(node.last_lines(_ALL_LINES).splitlines()) for node in self._world.fleet.nodes)
