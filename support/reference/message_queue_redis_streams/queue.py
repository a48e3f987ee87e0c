"""The queue, as producers and workers know it."""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from ..json_text import parse_json, to_json
from . import scripts
from .scripts import DEAD, GROUP, MESSAGES, READY, TURNS
from .settings import QueueSettings

JITTER = 0.2  # of a wait, at the most: those that failed together do not come back together
LISTEN_MS = 200, 400  # less than a client waits for an answer; at random, so that idle workers take turns
FIRST = "0-0"
_KEYS_AT_ONCE = 500


@dataclass(frozen=True)
class Turn:
    """The right to work on the first message of a key's line, for as long as `consumer` is heard."""

    entry: str
    key: str
    consumer: str

    @property
    def words(self) -> tuple[str, str, str]:
        """As scripts are told it."""
        return self.entry, self.key, self.consumer


@dataclass(frozen=True)
class Job:
    """A message that is to be worked on: its payload, byte by byte, and which of its deliveries this is."""

    id: str
    payload: bytes
    delivery: int


@dataclass(frozen=True)
class DeadLetter:
    """A message that was given up."""

    entry: str
    id: str
    key: str
    payload: bytes
    deliveries: int
    error: str


class Queue:
    """Every method raises RedisError when Redis does not do it; where that is not certain it may be done again."""

    def __init__(self, redis: Redis, settings: QueueSettings) -> None:
        self._redis, self._settings = redis, settings
        self._claim_after_ms = round(settings.queue_claim_after_s * 1000)
        names = ("PUBLISH", "BEGIN", "FINISH", "RETRY", "BURY", "HAND_OVER", "RENEW", "WAKE", "RESTORE", "REDRIVE")
        self._scripts = {name: redis.register_script(getattr(scripts, name)) for name in (*names, "FORGET")}

    # Producers

    async def publish(self, key: str, message_id: str, payload: bytes) -> bool:
        """Adds a message to the end of its key's line; False when it was there before, or is done."""
        message = to_json({"payload": payload.decode(errors="surrogateescape")})
        remember_ms = round(self._settings.queue_remember_s * 1000)
        return bool(await self._run("PUBLISH", key, message_id, message, remember_ms))

    async def unfinished(self) -> int:
        """How many messages are not done: they wait, are worked on, or are to be tried again."""
        return int(await self._redis.hlen(MESSAGES))

    # Workers

    async def next_turn(self, consumer: str) -> Turn | None:
        """A turn that nobody has had; None when there has been none for a while."""
        found: Any = await self._redis.xreadgroup(
            GROUP, consumer, {READY: ">"}, count=1, block=random.randint(*LISTEN_MS)
        )
        return next(_turns(found[0][1], consumer), None) if found else None

    async def abandoned_turn(self, consumer: str) -> Turn | None:
        """One whose consumer was not heard for too long, if there is any; it is `consumer`'s now."""
        start, found = FIRST, list[Any]()
        while not found:
            start, found, _ = await self._redis.xautoclaim(
                READY, GROUP, consumer, self._claim_after_ms, start_id=start, count=1
            )
            if start == FIRST:
                break
        return next(_turns(found, consumer), None)

    async def begin(self, turn: Turn) -> Job | None:
        """The message that it is the turn of; None when there is none to be delivered."""
        found = await self._run("BEGIN", *turn.words, self._settings.queue_deliveries)
        return Job(found[0], _payload(found[1]), found[2]) if found else None

    async def renew(self, turn: Turn) -> bool:
        """A sign that it is being worked on; False when it was given to another."""
        return bool(await self._run("RENEW", *turn.words))

    async def finish(self, turn: Turn) -> None:
        """The message took effect."""
        await self._run("FINISH", *turn.words)

    async def retry(self, turn: Turn, delivery: int, error: str) -> None:
        """That `delivery` was in vain: there is another one later, or the message is a dead letter."""
        if delivery >= self._settings.queue_deliveries:
            await self.bury(turn, error)
            return
        wait_s = self._settings.queue_backoff_s * 2 ** (delivery - 1) * (1 + random.uniform(0, JITTER))
        await self._run("RETRY", *turn.words, error, round(wait_s * 1000))

    async def bury(self, turn: Turn, error: str) -> None:
        """The message is a dead letter."""
        await self._run("BURY", *turn.words, error)

    async def hand_over(self, turn: Turn) -> None:
        """Another worker is to do it."""
        await self._run("HAND_OVER", *turn.words)

    # Dead letters

    async def dead_letters(self) -> list[DeadLetter]:
        """All of them, in the order in which they were given up."""
        found: Any = await self._redis.xrange(DEAD)
        return [
            DeadLetter(
                entry, said["id"], said["key"], _payload(said["message"]), int(said["deliveries"]), said["error"]
            )
            for entry, said in found
        ]

    async def redrive(self, entry: str) -> bool:
        """Publishes it once more; False when there is no such dead letter (any more)."""
        return bool(await self._run("REDRIVE", entry))

    # Upkeep

    async def wake(self) -> None:
        """Gives their turn to those that have waited for long enough."""
        await self._run("WAKE")

    async def forget_workers(self) -> None:
        """Drops the names that workers have left which are gone for good."""
        await self._run("FORGET", round(self._settings.queue_forget_workers_s * 1000))

    async def restore(self) -> None:
        """Makes the group, and the turns that there should be, where either of them is lost.

        The group begins at the start of the stream: what is done is not in there any more, all else is to be done.
        """
        try:
            await self._redis.xgroup_create(READY, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        await self.see_turns()

    async def see_turns(self) -> None:
        """Makes those turns anew that the stream has lost; no message was lost with them."""
        keys = [key async for key, _ in self._redis.hscan_iter(TURNS, count=_KEYS_AT_ONCE)]
        for first in range(0, len(keys), _KEYS_AT_ONCE):
            await self._run("RESTORE", *keys[first : first + _KEYS_AT_ONCE])
            await asyncio.sleep(0)

    async def _run(self, script: str, *words: Any) -> Any:
        return await self._scripts[script](args=words)


def is_lost(error: ResponseError) -> bool:
    """Whether `error` says that the consumer group, or its stream, is gone."""
    return any(word in str(error) for word in ("NOGROUP", "UNBLOCKED", "no such key"))


def _turns(found: list[tuple[str, dict[str, str]]], consumer: str) -> Iterator[Turn]:
    yield from (Turn(entry, said["key"], consumer) for entry, said in found)


def _payload(message: str) -> bytes:
    payload: str = parse_json(message)["payload"]
    return payload.encode(errors="surrogateescape")
