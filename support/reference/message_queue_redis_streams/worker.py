"""Workers: each takes one turn after the other, and is heard as long as it works on one."""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable

from redis.exceptions import RedisError, ResponseError

from .queue import Job, Queue, Turn, is_lost
from .settings import QueueSettings

PAUSE_S = 0.2  # while Redis is away
UPKEEP_EVERY_S = 0.05
FORGET_EVERY_S = 1.0
TELL_EVERY_S = 1.0

logger = logging.getLogger(__name__)

Handler = Callable[[Job], Awaitable[None]]


class TransientError(Exception):
    """It did not work this time."""


class HopelessError(Exception):
    """It will never work: the message itself is wrong."""


class Workers:
    """The workers of one node, under a name that no other process has had."""

    def __init__(self, queue: Queue, handle: Handler, node: str, settings: QueueSettings) -> None:
        self._queue, self._handle, self._settings = queue, handle, settings
        self._name = f"{node}:{secrets.token_hex(4)}"
        self._ending = asyncio.Event()
        self._restoring = asyncio.Lock()
        self._told = -TELL_EVERY_S

    async def run(self) -> None:
        """Works until `end`; then what is under way is finished, or handed over when its time is up."""
        await self._surely(self._restore)
        count = self._settings.queue_consumers
        working = [asyncio.create_task(self._work(f"{self._name}:{number}")) for number in range(count)]
        upkeep = [asyncio.create_task(self._regularly(self._queue.wake, UPKEEP_EVERY_S))]
        upkeep += [asyncio.create_task(self._regularly(self._queue.forget_workers, FORGET_EVERY_S))]
        upkeep += [asyncio.create_task(self._regularly(self._queue.see_turns, self._settings.queue_see_turns_every_s))]
        await self._ending.wait()
        _, late = await asyncio.wait(working, timeout=self._settings.queue_drain_s)
        for task in (*late, *upkeep):
            task.cancel()
        await asyncio.gather(*working, *upkeep, return_exceptions=True)

    def end(self) -> None:
        """Begins nothing more."""
        self._ending.set()

    async def _work(self, consumer: str) -> None:
        """One worker. Whatever Redis says or does not say, it goes on."""
        while not self._ending.is_set():
            await self._surely(lambda: self._take_turn(consumer))

    async def _regularly(self, upkeep: Callable[[], Awaitable[None]], every_s: float) -> None:
        while True:
            await self._surely(upkeep)
            await asyncio.sleep(every_s)

    async def _surely(self, work: Callable[[], Awaitable[None]]) -> None:
        """Does `work`. A group that is lost is restored; a Redis that is away is asked again after a pause."""
        try:
            await work()
        except RedisError as error:
            self._tell(error)
            if isinstance(error, ResponseError) and is_lost(error) and not self._restoring.locked():
                await self._surely(self._restore)
            else:
                await asyncio.sleep(PAUSE_S)

    async def _restore(self) -> None:
        async with self._restoring:
            await self._queue.restore()

    async def _take_turn(self, consumer: str) -> None:
        turn = await self._queue.abandoned_turn(consumer) or await self._queue.next_turn(consumer)
        job = await self._queue.begin(turn) if turn else None
        if turn and job:
            renewing = asyncio.create_task(self._renew(turn))
            try:
                await self._deliver(turn, job)
            finally:
                renewing.cancel()

    async def _deliver(self, turn: Turn, job: Job) -> None:
        try:
            await self._handle(job)
        except HopelessError as error:
            await self._queue.bury(turn, str(error))
        except TransientError as error:
            await self._queue.retry(turn, job.delivery, str(error))
        except asyncio.CancelledError:
            await self._queue.hand_over(turn)
            raise
        else:
            await self._queue.finish(turn)

    async def _renew(self, turn: Turn) -> None:
        """Says that the turn is being worked on, several times before anybody may take it over."""
        while True:
            await asyncio.sleep(self._settings.queue_claim_after_s / 4)
            try:
                if not await self._queue.renew(turn):
                    return
            except RedisError:  # it is said again; until then nobody else can take the turn over either
                continue

    def _tell(self, error: RedisError) -> None:
        """Writes a line about it, and not thousands: all workers hear the same, again and again."""
        if (now := time.monotonic()) - self._told >= TELL_EVERY_S:
            logger.warning("the queue is away: %s", error)
            self._told = now
