"""Channels: a history that Redis keeps, and a hub on each node that has subscribers.

Every update has a position, an epoch and an offset in it. Offsets of an epoch have no holes, so a hub sees
at once that it missed something; a lost history begins a new epoch, so an old position can not be mistaken.
"""

import asyncio
import logging
import uuid
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError

from ..feed import Feed
from ..json_text import to_json

ANSWER_WITHIN_S = 2.0  # twice as long as Redis needs for both of its answers where it is slow and stalls for a moment
RETRY_EVERY_S = 0.1

# KEYS: head, history. ARGV: an epoch in case there is none, seconds to live, [data, size, topic].
OPEN = """
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then
  epoch = ARGV[1]
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'offset', 0)
  redis.call('EXPIRE', KEYS[1], ARGV[2])
end
"""
PUBLISH = (
    OPEN
    + """
local offset = redis.call('HINCRBY', KEYS[1], 'offset', 1)
redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[4], offset .. '-0', 'data', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[2])
redis.call('PUBLISH', ARGV[5], epoch .. ' ' .. offset .. ' ' .. ARGV[3])
return {epoch, offset}
"""
)
# ARGV[3]: entries after this offset are wanted; empty for none.
READ = (
    OPEN
    + """
local entries = {}
if ARGV[3] ~= '' then entries = redis.call('XRANGE', KEYS[2], '(' .. ARGV[3] .. '-0', '+') end
return {epoch, tonumber(redis.call('HGET', KEYS[1], 'offset')), entries}
"""
)

logger = logging.getLogger(__name__)


class Position(NamedTuple):
    """The last update that somebody has seen."""

    epoch: str
    offset: int


class Update(NamedTuple):
    """An update of a known epoch; `data` is JSON text."""

    offset: int
    data: str


NOT_YET_READ = Position("", 0)  # no position of Redis ever covers it, see Hub._is_covered


class Member(Protocol):
    """Whoever is sent what a hub has to say."""

    def send(self, text: str) -> None:
        """Takes a message for delivery, without waiting."""


class Reader(Member, Protocol):
    """A member that is given first what it asked for."""

    def begin(self, texts: Iterable[str]) -> None:
        """Takes the answer and what came while it was composed, which may be large."""


class Joining:
    """Stands in a hub for a subscriber whose replay is still being read, and holds what comes meanwhile."""

    def __init__(self) -> None:
        self.held: list[str] = []

    def send(self, text: str) -> None:
        """Keeps the message until the replay has been sent."""
        self.held.append(text)


def topic_of(channel: str) -> str:
    """The Pub/Sub topic of a channel."""
    return f"updates:{channel}"


def message(kind: str, channel: str, position: Position, **rest: Any) -> str:
    """A protocol message about a position in a channel, as JSON text."""
    return to_json({"type": kind, "channel": channel, **position._asdict(), **rest})


class History:
    """The last updates of every channel, in Redis. Each method raises RedisError if Redis does not answer."""

    def __init__(self, redis: Redis, size: int, ttl_s: int) -> None:
        self._size, self._ttl_s = size, ttl_s
        self._publish, self._read = redis.register_script(PUBLISH), redis.register_script(READ)

    async def publish(self, channel: str, data: str) -> Position:
        """Appends an update (JSON text) and announces it in one step; an error leaves open whether it did."""
        args: list[str | int] = [uuid.uuid4().hex, self._ttl_s, data, self._size, topic_of(channel)]
        epoch, offset = await self._publish(keys=self._keys(channel), args=args)
        return Position(epoch, offset)

    async def read(self, channel: str, after: int | None) -> tuple[Position, list[Update]]:
        """The channel's position, and of its kept updates those after an offset (none for None), in order."""
        args: list[str | int] = [uuid.uuid4().hex, self._ttl_s, "" if after is None else after]
        epoch, offset, entries = await self._read(keys=self._keys(channel), args=args)
        updates = [Update(int(entry.partition("-")[0]), fields[1]) for entry, fields in entries]
        return Position(epoch, offset), updates

    @staticmethod
    def _keys(channel: str) -> list[str]:
        return [f"head:{channel}", f"history:{channel}"]


def _whole(updates: list[Update], after: int, upto: int) -> bool:
    return after <= upto and [update.offset for update in updates] == list(range(after + 1, upto + 1))


class Hub:
    """One channel on this node: its position, its members, and the one path by which updates reach them."""

    def __init__(self, channel: str, history: History, feed: Feed) -> None:
        self.channel = channel
        self.members: set[Member] = set()
        self._history, self._feed = history, feed
        self._position: Position | None = None
        self._subscribed = False
        self._owed: Position | None = None  # what was heard out of turn, so that it waits
        self._catching_up: asyncio.Task[None] | None = None
        self._prefix = '{"type":"update","channel":' + to_json(channel)

    def hear(self, payload: str) -> None:
        """Takes an update from Redis: delivers the next one, drops a known one, fetches what is missing."""
        try:
            epoch, offset, data = payload.split(" ", 2)
            heard, position = Position(epoch, int(offset)), self._position
        except ValueError:
            logger.warning("ignored a message on %r that is no update of ours", topic_of(self.channel))
            return
        if position is None or (self._catching_up and not self._catching_up.done()):
            if self._owed is not NOT_YET_READ:
                self._owed = heard
        elif heard == (position.epoch, position.offset + 1):
            self._deliver(heard, data)
        elif heard.epoch != position.epoch or heard.offset > position.offset:
            self.catch_up(heard)

    def catch_up(self, owed: Position = NOT_YET_READ) -> "asyncio.Task[None]":
        """Reads the history once more and delivers what is new; the task ends when that is done."""
        self._owed = owed
        if self._catching_up is None or self._catching_up.done():
            self._catching_up = asyncio.create_task(self._catch_up())
        return self._catching_up

    async def admit(self, joining: Joining, after: Position | None) -> str:
        """Answers a subscriber: what it missed up to a position. `joining` then holds what came after it.

        `after` is the last update that the subscriber saw, None if it asks for no replay. Raises RedisError.
        """
        if after is not None or self._position is None:
            await asyncio.shield(self.catch_up())
        joining.held.clear()
        position = self._position
        assert position is not None, "a hub that has caught up has a position"
        missed = await self._between(after, position) if after else None
        recovered = None if after is None else missed is not None
        answer = message("subscribed", self.channel, position, recovered=recovered)
        updates = ",".join(f'{{"offset":{update.offset},"data":{update.data}}}' for update in missed or [])
        return f'{answer[:-1]},"updates":[{updates}]}}'

    def close(self) -> None:
        """Ends the hub's work; it must not be used again."""
        if self._catching_up:
            self._catching_up.cancel()
        self._feed.unsubscribe(topic_of(self.channel))

    async def _between(self, after: Position, position: Position) -> list[Update] | None:
        """Precisely the updates after one position up to another, or None if a single one is missing."""
        if after.epoch != position.epoch:
            return None
        now, updates = await self._history.read(self.channel, after.offset)
        updates = [update for update in updates if update.offset <= position.offset]
        whole = now.epoch == after.epoch and _whole(updates, after.offset, position.offset)
        return updates if whole else None

    async def _catch_up(self) -> None:
        while not self._is_covered():
            self._owed = None
            try:
                if not self._subscribed:
                    await self._feed.subscribe(topic_of(self.channel), self.hear)
                    self._subscribed = True
                # Read only after Redis confirmed the subscription: then nothing falls between the two.
                known = self._position.offset if self._position else None
                position, updates = await self._history.read(self.channel, known)
            except RedisError:
                self._owed = NOT_YET_READ
                await asyncio.sleep(RETRY_EVERY_S)
            else:
                self._advance(position, updates)

    def _is_covered(self) -> bool:
        if self._owed is None:
            return True
        known = self._position
        return known is not None and known.epoch == self._owed.epoch and known.offset >= self._owed.offset

    def _advance(self, position: Position, updates: list[Update]) -> None:
        known, self._position = self._position, position
        if known is None:
            return
        if known.epoch == position.epoch and _whole(updates, known.offset, position.offset):
            for update in updates:
                self._deliver(Position(position.epoch, update.offset), update.data)
        else:
            self._send(message("gap", self.channel, position))

    def _deliver(self, position: Position, data: str) -> None:
        self._position = position
        # Composed once for all members, around data that is JSON already.
        self._send(f'{self._prefix},"epoch":"{position.epoch}","offset":{position.offset},"data":{data}}}')

    def _send(self, text: str) -> None:
        for member in tuple(self.members):  # a member that is too slow leaves while it is sent to
            member.send(text)


class Channels:
    """The hubs of this node: one for each channel that somebody here is subscribed to."""

    def __init__(self, history: History, feed: Feed) -> None:
        self._history, self._feed = history, feed
        self._hubs: dict[str, Hub] = {}

    def __len__(self) -> int:
        return len(self._hubs)

    async def subscribe(self, member: Reader, channel: str, after: Position | None) -> None:
        """Sends the member the answer, then every update after it, once and in order.

        Raises RedisError or TimeoutError (after 2 s) if Redis can not be asked; nobody is subscribed then.
        """
        if channel not in self._hubs:
            self._hubs[channel] = Hub(channel, self._history, self._feed)
        hub = self._hubs[channel]
        joining = Joining()
        hub.members.add(joining)
        hub.members.discard(member)
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                answer = await hub.admit(joining, after)
            # No await from here on, so that no update comes between the replay and the first live one.
            hub.members.add(member)
            member.begin((answer, *joining.held))
        finally:
            self._remove(hub, joining)

    def leave(self, member: Member, channel: str) -> None:
        """Ends a subscription; the last to leave ends that of the node as well."""
        if hub := self._hubs.get(channel):
            self._remove(hub, member)

    def catch_up(self) -> None:
        """Lets every hub fetch what it may have missed."""
        for hub in self._hubs.values():
            hub.catch_up()

    def close(self) -> None:
        """Ends every hub."""
        while self._hubs:
            self._hubs.popitem()[1].close()

    def _remove(self, hub: Hub, member: Member) -> None:
        hub.members.discard(member)
        if not hub.members and self._hubs.get(hub.channel) is hub:
            del self._hubs[hub.channel]
            hub.close()
