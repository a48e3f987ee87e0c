"""Answers under way: whoever asks the same meanwhile shares one, and the last who leaves ends it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from typing import NamedTuple

from .answer import Object


class Landed(NamedTuple):
    """How an answer came ("miss", "hit" or "similar"), all of it where it came whole, and what it cost when it did."""

    how: str
    whole: Object | None
    usage: Object | None


class Flight:
    """One answer; its pieces as they come, then its end."""

    def __init__(self, work: Callable[["Flight"], Awaitable[Landed]]) -> None:
        self.pieces: list[Object] = []
        self._aboard = 0
        self._news = asyncio.Event()
        self.task = asyncio.ensure_future(work(self))
        self.task.add_done_callback(self._tell)

    def board(self) -> bool:
        """Waits for it, too; False when it has just been given up."""
        self._aboard += 1
        return not self.task.cancelling()

    def add(self, piece: Object) -> None:
        """One more piece has come."""
        self.pieces.append(piece)
        self._tell()

    async def landed(self) -> Landed:
        """How it ended. Raises what it ended by."""
        return await asyncio.shield(self.task)

    async def begun(self) -> None:
        """Returns when there is a piece or an end. Raises what it ended by, if nothing came before."""
        while not self.pieces and not self.task.done():
            await self._news.wait()
        if not self.pieces:
            self.task.result()

    async def listen(self) -> AsyncIterator[Object]:
        """All pieces from the first one on, as they come. Raises at the end what it ended by."""
        heard = 0
        while True:
            while heard < len(self.pieces):
                yield self.pieces[heard]
                heard += 1
            if self.task.done():
                self.task.result()
                return
            await self._news.wait()

    def leave(self) -> None:
        """Somebody does not wait for it any more; when nobody does, it is given up."""
        self._aboard -= 1
        if not self._aboard:
            self.task.cancel()

    def _tell(self, _: object = None) -> None:
        self._news.set()
        self._news = asyncio.Event()


class Flights:
    """The answers that are under way on this node."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, Flight] = {}

    def join(self, key: Hashable, work: Callable[[Flight], Awaitable[Landed]]) -> tuple[Flight, bool]:
        """The flight of `key`, and whether it begins with this call."""
        under_way = self._under_way.get(key)
        if under_way and under_way.board():
            return under_way, False
        flight = self._under_way[key] = Flight(work)
        flight.board()
        flight.task.add_done_callback(lambda _: self._landed(key, flight))
        return flight, True

    def _landed(self, key: Hashable, flight: Flight) -> None:
        if self._under_way.get(key) is flight:
            del self._under_way[key]
