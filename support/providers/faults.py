"""Faults: how a provider is told to misbehave, on which requests, and whether it did."""

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from .meter import Arrival


class Point(StrEnum):
    """Where a request is met: before it is carried out, or once it has been and the answer is to go out."""

    BEFORE = "before"
    AFTER = "after"


class Part(StrEnum):
    """How much of the answer goes out before it stops: nothing, its head, or half of its body too."""

    NOTHING = "nothing"
    HEAD = "head"
    BODY = "body"


class Do(StrEnum):
    """What is done to a request."""

    HOLD_BEFORE = "hold_before"  # it waits before it is carried out, until released
    HOLD_AFTER = "hold_after"  # it is carried out, and its answer waits until released
    DROP_AFTER = "drop_after"  # it is carried out, and the connection is reset in the place of the answer
    STATUS = "status"  # it is refused with `status`, `when` before or after it was carried out
    SLOW = "slow"  # it waits for `ms` before it is carried out
    DRIP = "drip"  # it is carried out, and its answer's head goes out at once, its body bit by bit, for `ms` in all
    HANG = "hang"  # it is never answered: the connection stays open until the fault is healed
    RESET = "reset"  # the connection is reset


class WrongFault(Exception):
    """A fault that cannot be; the message says what can."""


@dataclass
class Fault:
    """One fault. It hits the `nth` request that it matches and those after it, `times` in all, or until healed."""

    id: int
    do: Do
    match: Mapping[str, Any]
    times: int | None = 1
    nth: int = 1
    status: int = 500
    when: Point = Point.BEFORE
    headers: Mapping[str, str] = field(default_factory=dict)
    ms: int = 0
    part: Part = Part.NOTHING
    pieces: int = 0  # of a body that comes in pieces, so many go out before it stops
    healed: bool = False
    seen: int = 0
    hits: list[int] = field(default_factory=list)
    waiting: dict[int, tuple[Arrival, asyncio.Future[bool]]] = field(default_factory=dict)

    @classmethod
    def told(cls, number: int, said: Mapping[str, Any]) -> Self:
        """The fault that the JSON object `said` asks for. Raises WrongFault."""
        known = {"do", "match", "times", "nth", "status", "when", "headers", "ms", "part", "pieces"}
        if unknown := set(said) - known:
            raise WrongFault(f"a fault has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(known))}")
        try:
            enums = {
                "do": Do(said["do"]),
                "when": Point(said.get("when", "before")),
                "part": Part(said.get("part", "nothing")),
            }
        except (KeyError, ValueError) as error:
            raise WrongFault(f"{error}; a fault does {', '.join(Do)}") from error
        return cls(number, **{"match": {}, **said, **enums})

    @property
    def armed(self) -> bool:
        """Whether it may still hit."""
        return not self.healed and (self.times is None or len(self.hits) < self.times)

    @property
    def point(self) -> Point:
        """Where it meets requests."""
        if self.do in (Do.HOLD_AFTER, Do.DROP_AFTER, Do.DRIP) or self.part is not Part.NOTHING:
            return Point.AFTER
        return self.when if self.do is Do.STATUS else Point.BEFORE

    def meets(self, point: Point, arrival: Arrival) -> bool:
        """Whether it hits this request here and now, which is counted."""
        if not self.armed or self.point is not point or not arrival.matches(self.match):
            return False
        if self.do in (Do.HOLD_AFTER, Do.DROP_AFTER) and not arrival.executed:
            return False
        self.seen += 1
        if self.seen < self.nth:
            return False
        self.hits.append(arrival.seq)
        return True

    async def detain(self, arrival: Arrival) -> bool:
        """Waits until the request is released. False when it is not to go on."""
        released: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.waiting[arrival.seq] = (arrival, released)
        try:
            return await released
        finally:
            del self.waiting[arrival.seq]

    def release(self, seqs: list[int] | None = None, go_on: bool = True) -> None:
        """Lets those that wait go on, or cuts them: all, or the requests `seqs`. One that hangs is always cut."""
        for seq, (_, released) in self.waiting.items():
            if (seqs is None or seq in seqs) and not released.done():
                released.set_result(go_on and self.do is not Do.HANG)

    def heal(self) -> None:
        """It hits nobody any more, and lets go whom it holds."""
        self.healed = True
        self.release()

    def drop(self) -> None:
        """It hits nobody any more, and whom it holds is cut."""
        self.healed = True
        self.release(go_on=False)

    def row(self) -> dict[str, Any]:
        """Its state as JSON: whether it is armed, the numbers of the requests that it hit, and those that wait."""
        waiting = [arrival.row() for arrival, _ in self.waiting.values()]
        return {"id": self.id, "do": self.do, "armed": self.armed, "hits": self.hits, "waiting": waiting}


class Faults:
    """The faults that were asked for, in that order; a request is met by one at each point at the most."""

    def __init__(self) -> None:
        self._counter = itertools.count(1)
        self.all: dict[int, Fault] = {}

    def add(self, said: Mapping[str, Any]) -> Fault:
        """Arms what `said` asks for. Raises WrongFault."""
        fault = Fault.told(next(self._counter), said)
        self.all[fault.id] = fault
        return fault

    def meet(self, point: Point, arrival: Arrival) -> Fault | None:
        """The fault that hits `arrival` at `point`, if one does."""
        return next((fault for fault in self.all.values() if fault.meets(point, arrival)), None)

    def heal(self) -> None:
        """Heals them all; what they hit can still be asked."""
        for fault in self.all.values():
            fault.heal()

    def forget(self) -> None:
        """Drops them all, with whom they hold."""
        for fault in self.all.values():
            fault.drop()
        self.all.clear()
