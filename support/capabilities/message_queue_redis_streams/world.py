"""One scenario of the queue: messages that nobody has published before, and what the provider saw of them."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hamcrest import assert_that, empty, equal_to

from support.capabilities.message_queue_redis_streams.client import Adapter, Answer, Kind
from support.capabilities.message_queue_redis_streams.dead_letters import DeadLetters
from support.capabilities.message_queue_redis_streams.lines import Lines
from support.capabilities.message_queue_redis_streams.load import Load
from support.capabilities.message_queue_redis_streams.losses import Losses
from support.capabilities.message_queue_redis_streams.mistakes import Mistakes
from support.capabilities.message_queue_redis_streams.redrives import Redrives
from support.capabilities.message_queue_redis_streams.retries import Retries
from support.capabilities.message_queue_redis_streams.rollout import Rollout
from support.capabilities.message_queue_redis_streams.strength import Strength
from support.capabilities.message_queue_redis_streams.under_way import UnderWay
from support.clients.provider_control import Arrival
from support.clients.upstream_control import UpstreamControl
from support.faults.faults import Faults
from support.polling import poll
from support.probes.redis import RedisProbe
from support.promise import must
from support.worlds import world
from support.worlds.crowds import for_each
from support.worlds.world import part

_INSISTS_FOR_S = 15.0
_PAUSE_S = 0.1
_EARLIER_DONE_WITHIN_S = 3.0  # what an earlier scenario has left
# Ends of ids that look alike: in capitals, in what has a meaning in an address or a pattern, in the last letter alone.
_LONG = "a" * 80
_ENDS = ["a", "A", "aa", "a.", "a-", "a_", "a:", "a a", "a+a", "a/a", "a%2Fa", "a?a", "a#a", "a&a", _LONG, _LONG + "A"]
# Of what is done so much may stay: entries that are trimmed in blocks, keys that are there once.
_MAY_STAY = {"given to a worker": 0, "entries of the stream": 100, "kept for ever": 20, "unfinished, as told": 0}


@dataclass(frozen=True)
class Message:
    """A message of the customer `key`; its `id` is the label of its effect, too, and `text` stands in it."""

    id: str
    key: str
    text: str = ""


class World(world.World[Adapter]):
    """What the steps of one scenario share. `messages` are those that were accepted, each customer's in their order."""

    dead_letters = part(DeadLetters)
    lines = part(Lines)
    load = part(Load)
    losses = part(Losses)
    mistakes = part(Mistakes)
    redrives = part(Redrives)
    retries = part(Retries)
    rollout = part(Rollout)
    strength = part(Strength)
    under_way = part(UnderWay)

    def __init__(self, stage: world.Stage, faults: Faults) -> None:
        super().__init__(stage, faults)
        self.provider = self.opened(UpstreamControl.of(self.fleet, "upstream"))
        self.redis = self.opened(RedisProbe(self.fleet.stores["redis-durable"]))
        self.producers = [
            adapter for adapter, node in zip(self.nodes, self.fleet.nodes, strict=True) if node.role == "producer"
        ]
        self.names = self.producers[0].names()
        self.batch = self.fresh("batch")
        self.before = dict.fromkeys(_MAY_STAY, 0)
        self.messages: list[Message] = []
        self._numbers, self._adding = itertools.count(1), threading.Lock()
        self._ids: set[str] = set()  # of all that were made, whatever has become of them

    def expect_ready(self) -> None:
        """All nodes are well. What the queue holds by now is nothing of this scenario's."""
        self.expect_nodes_well()
        poll(lambda: self.redis.has_group(self.names.stream, self.names.group), _EARLIER_DONE_WITHIN_S)
        poll(lambda: not self.producers[0].unfinished(), _EARLIER_DONE_WITHIN_S)
        self.before = self._held()

    # What producers do

    def new(self, key: str = "", text: str = "") -> Message:
        """A message that nobody has published yet, of a customer that nobody has seen unless `key` is one.

        Those that follow each other have ids that look alike: each differs from the others in one thing.
        """
        number = next(self._numbers)
        message_id = f"{self.batch}-{number // len(_ENDS):05}{_ENDS[number % len(_ENDS)]}"
        self._ids.add(message_id)
        return Message(message_id, key or self.customer(), text)

    def customer(self) -> str:
        """A customer that nobody has seen, of a name such as people give."""
        return f"{self.fresh('customer')}: Zoë & Söhne"

    def publish(self, message: Message, place: int = 0, kind: Kind = Kind.GOOD) -> Answer:
        """Publishes it through the producer of that `place`."""
        return self.producers[place % len(self.producers)].publish(message.key, message.id, self.payload(message, kind))

    def payload(self, message: Message, kind: Kind = Kind.GOOD) -> bytes:
        """What is published for it."""
        return self.producers[0].payload(kind, message.id, message.text)

    def accept(self, message: Message, first: int = 0) -> Message:
        """The same, and it is accepted: asked again through the other producer while the answer is not known."""
        end = time.monotonic() + _INSISTS_FOR_S
        for place in itertools.count(first):
            answer = self.publish(message, place)
            if answer is not Answer.UNAVAILABLE or time.monotonic() > end:
                break
            time.sleep(_PAUSE_S)
        must(answer is Answer.ACCEPTED, f"message {message.id} was not accepted, but {answer.name}")
        with self._adding:
            self.messages.append(message)
        return message

    def repeat(self, message: Message, place: int) -> None:
        """Publishes it again, through the producer of that `place`; it is accepted, whatever has become of it."""
        must(self.publish(message, place) is Answer.ACCEPTED, f"message {message.id} was not accepted again")

    def publish_lines(self, customers: int, each: int) -> list[Message]:
        """`each` messages of so many new customers, each customer's one after the other. Returns them all."""
        keys = [self.customer() for _ in range(customers)]
        for_each(keys, lambda key: self.publish_line(key, each))
        return [message for message in self.messages if message.key in keys]

    def publish_line(self, key: str, count: int) -> list[Message]:
        """`count` messages of the customer `key`, one after the other."""
        return [self.accept(self.new(key), first) for first in range(count)]

    def finish(self) -> None:
        """Nobody publishes any more, and nothing is held."""
        self.load.end()
        self.rollout.let_go()

    def let_pass(self, seconds: float) -> None:
        """Waits, for a fault to last."""
        world.wait_until(time.monotonic() + seconds)

    # What the provider saw

    def arrivals(self, message: Message) -> list[Arrival]:
        """How the message arrived at the provider, each time."""
        return self.provider.arrivals(key=message.id)

    def all_arrivals(self) -> list[Arrival]:
        """How all messages of the scenario arrived at the provider, in that order."""
        return self.provider.arrivals(path=f"/effects/{self.batch}-*")

    def deliveries(self) -> Counter[str]:
        """How often each message of the scenario arrived at the provider, by its id."""
        return Counter(str(arrival.fields["key"]) for arrival in self.all_arrivals())

    def done(self) -> list[str]:
        """The ids of all messages of the scenario that took effect, in that order; doubled ones twice."""
        return [effect.key for effect in self.provider.effects(f"{self.batch}-*")]

    # What must hold

    def expect_done(self, within_s: float, messages: Sequence[Message] | None = None) -> None:
        """Within `within_s` each of the messages, by default all, has taken effect exactly once."""
        wanted = {message.id for message in (self.messages if messages is None else messages)}
        poll(lambda: wanted <= set(self.done()), within_s)
        counts = Counter(self.done())
        assert_that(sorted(wanted - counts.keys()), empty(), f"messages without an effect after {within_s:g} s")
        doubled = {label: count for label, count in counts.items() if count > 1}
        assert_that(doubled, empty(), "messages that took effect more than once")

    def expect_in_order(self) -> None:
        """Each customer's messages took effect in the order in which they were published."""
        place = {label: number for number, label in enumerate(self.done())}
        for key in {message.key for message in self.messages}:
            line = [message.id for message in self.messages if message.key == key]
            happened = sorted((label for label in line if label in place), key=lambda label: place[label])
            assert_that(happened, equal_to([label for label in line if label in place]), f"effects of {key}")

    def expect_nothing_left(self, within_s: float) -> None:
        """Within `within_s` nothing is given to a worker and not acknowledged, by Redis, or unfinished, by the target.

        Of what is done Redis keeps nothing that does not end by itself, but for at most 100 entries of the stream: no
        key for each, and nothing in a key of all, not even what came of a delivery in vain.
        """
        poll(lambda: not self._left(), within_s)
        assert_that(self._left(), empty(), "what is left when everything is done")

    def _left(self) -> dict[str, int]:
        """What is there and was not before."""
        left = {what: count - max(self.before[what], _MAY_STAY[what]) for what, count in self._held().items()}
        left |= dict.fromkeys((f"what is done, in {key}" for key in self._keeping()), 1)
        return {what: count for what, count in left.items() if count > 0}

    def _keeping(self) -> list[str]:
        """The keys that are kept for ever, other than the stream, and hold the id of a message that is done."""
        done = set(self.done())
        others = self._ids - done
        whole = [label for label in done if not any(other.startswith(label) for other in others)]
        lasting = {key for key, left_s in self.redis.lifetimes().items() if left_s < 0}
        return self.redis.holding(whole, lasting - {self.names.stream, *self.names.remembered})

    def _held(self) -> dict[str, int]:
        """How much the queue holds, by Redis and by the target."""
        names = self.names
        return {
            "given to a worker": self.redis.pending(names.stream, names.group),
            "entries of the stream": self.redis.stream_length(names.stream),
            "kept for ever": sum(1 for left in self.redis.lifetimes().values() if left < 0),
            "unfinished, as told": self.producers[-1].unfinished(),
        }
