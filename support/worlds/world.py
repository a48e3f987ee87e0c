"""What every scenario needs, whatever its capability: a world is built on this, and adds its own."""

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from typing import Generic, Protocol, TypeVar, overload

from support.clients.exchanges import Exchanges
from support.containers.fleet import Fleet
from support.containers.platform import Node
from support.errors import ProbeError
from support.faults.faults import Faults
from support.platforms.platform import Platform, door_to
from support.polling import poll
from support.promise import broken
from support.worlds.draw import Draw

WELL_WITHIN_S = 5.0

Adapter = TypeVar("Adapter")
One = TypeVar("One")
Owner = TypeVar("Owner", contravariant=True)
Part = TypeVar("Part", covariant=True)


@dataclass(frozen=True)
class Stage:
    """What the scenarios of a feature have in common; `seed` is what they draw by."""

    capability: str
    platform: Platform
    fleet: Fleet
    seed: int


class Closable(Protocol):
    """What gives back what it holds."""

    def close(self) -> None:
        """Gives it back."""


Open = TypeVar("Open", bound=Closable)


class World(Generic[Adapter]):
    """The state of one scenario. `nodes` are the adapters of the fleet's nodes, in their order."""

    def __init__(self, stage: Stage, faults: Faults) -> None:
        self.stage, self.fleet, self.faults = stage, stage.fleet, faults
        self.exchanges = Exchanges()
        self.closing = ExitStack()
        self.nodes: list[Adapter] = [self.meet(node) for node in self.fleet.nodes]

    def meet(self, node: Node) -> Adapter:
        """An adapter of the platform for `node`; it is closed with the scenario."""
        adapter: Adapter = self.opened(self.stage.platform.meet(self.stage.capability, door_to(node, self.exchanges)))
        return adapter

    def opened(self, thing: Open) -> Open:
        """`thing`, which is closed when the scenario ends, what was opened last being closed first."""
        self.closing.callback(thing.close)
        return thing

    def close(self) -> None:
        """Closes everything that the scenario opened, the last first, also where one of them fails to."""
        self.closing.close()

    @staticmethod
    def fresh(kind: str) -> str:
        """A name that nobody has used before, such as shop-3f2a9c01d4e7."""
        return f"{kind}-{uuid.uuid4().hex[:12]}"

    def draw(self) -> Draw:
        """What this scenario draws by; anew in each run, unless the run is given a seed."""
        return Draw(self.stage.seed)

    def expect_nodes_well(self, within_s: float = WELL_WITHIN_S) -> None:
        """Every node says within `within_s` that it is well. AssertionError with the plight of one that does not."""
        for node in self.fleet.nodes:
            if not poll(lambda node=node: node.answers(*node.address()), within_s):  # type: ignore[misc]
                broken(node.plight())  # for which the engine is asked, so not where nobody needs it

    def see_back(self, adapters: Sequence[Adapter], serves: Callable[[Adapter], bool]) -> None:
        """Raises ProbeError unless every node has come back from what an earlier scenario did to its stores.

        A node may say that it is well and still serve as in an outage, until it looks for the store anew. `adapters`
        are all nodes', in their order; `serves` asks one whether it does.
        """
        for node, adapter in zip(self.fleet.nodes, adapters, strict=True):
            if not poll(lambda adapter=adapter: serves(adapter), WELL_WITHIN_S):  # type: ignore[misc]
                raise ProbeError(f"{node.name} does not serve, {WELL_WITHIN_S:g} s after it was given its stores back")


class part(Generic[Owner, Part]):
    """A part of a world that only some rules need: `outage = part(Outage)` is born when it is first asked for.

    It is built with the world as its only argument, and lives as long as that.
    """

    def __init__(self, build: Callable[[Owner], Part]) -> None:
        self._build = build

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, world: None, owner: type) -> "part[Owner, Part]": ...
    @overload
    def __get__(self, world: Owner, owner: type) -> Part: ...
    def __get__(self, world: Owner | None, owner: type) -> "part[Owner, Part] | Part":
        if world is None:
            return self
        born = self._build(world)
        vars(world)[self._name] = born  # it is found there from now on, and not asked for here again
        return born


def turns(over: Sequence[One]) -> Iterator[One]:
    """Each of `over` in its turn, for ever: the nodes through which one thing after the other is done."""
    return cycle(over)


def wait_until(moment: float) -> None:
    """Returns at `moment` (monotonic seconds), or at once when that is over: a promise begins or ends then."""
    time.sleep(max(0.0, moment - time.monotonic()))
