"""Every fault of a scenario, and its healing: what is broken here is mended before the next scenario begins."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from support.containers.fleet import Fleet
from support.containers.platform import Command
from support.containers.redis_cluster import RedisClusterService
from support.containers.service import Service
from support.errors import FaultError, SuiteError
from support.faults import clock, network, process, refusal
from support.nouns import What, Who

if TYPE_CHECKING:
    from support.faults.resharding import Resharding

_AT_ONCE = 4  # nodes, or links, each of which is tried from inside its container


class Faults:
    """The faults of one scenario. Each method returns when the fault has been seen to hold; `heal` undoes them all."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._healers: dict[str, Callable[[], None]] = {}

    @property
    def held(self) -> set[str]:
        """The names of the containers that are down or paused because a fault holds them so."""
        return {name for name in self._healers if ":" not in name}

    # Who and what a sentence speaks of

    def on_links(self, who: Who, what: What, fault: Callable[..., None], *how: Any, **more: Any) -> None:
        """Does `fault` (a method of this class) to each link between `who` and `what`, side by side.

        Raises FaultError.
        """
        nodes = self._fleet.nodes_called(who)
        links = [(store.name, node.name) for store in self._fleet.stores_called(what) for node in nodes]
        _side_by_side(partial(fault, *link, *how, **more) for link in links)

    def on_nodes(self, who: Who, fault: Callable[[str], None]) -> None:
        """Does `fault` to each of the nodes that are meant, side by side. Raises FaultError."""
        _side_by_side(partial(fault, node.name) for node in self._fleet.nodes_called(who))

    def on_store(self, what: What, fault: Callable[[str], None]) -> None:
        """Does `fault` to each container of the store that is meant. Raises FaultError."""
        for store in self._fleet.stores_called(what):
            fault(store.name)

    def hang(self, what: What) -> None:
        """Freezes the store; members of a cluster agree again when that is healed. Raises FaultError."""
        stores = self._fleet.stores_called(what)
        for store in stores:
            self.pause(store.name)
        members = [store for store in stores if isinstance(store, RedisClusterService)]
        if members:
            # After those of its members, in the order in which faults are healed.
            self._healers[_agreement_of(what)] = partial(process.reunite, members)

    def bring_back(self, what: What) -> None:
        """Heals each container of the store now; members of a cluster that hung agree again by then.

        Raises FaultError.
        """
        self.on_store(what, self.mend)
        if _agreement_of(what) in self._healers:
            self.mend(_agreement_of(what))

    # Containers by name

    def kill(self, name: str) -> None:
        """Kills the container's process by SIGKILL; it is down until healed. Raises FaultError."""
        service = self._down(name)
        process.kill(service)

    def terminate(self, name: str) -> None:
        """Asks the container to end by SIGTERM, and does not wait for that; it is started again by healing."""
        service = self._down(name)
        process.signal(service, "SIGTERM")

    def pause(self, name: str) -> None:
        """Freezes the container: it is there and does not answer. Raises FaultError."""
        service = self._fleet.named(name)
        self._healers[name] = lambda: process.resume(service)
        process.pause(service)

    def move_clock(self, name: str, ahead_s: float) -> None:
        """Sets the clock of a node `ahead_s` seconds ahead, or behind if that is below 0. Raises FaultError."""
        node = next(node for node in self._fleet.nodes if node.name == name)
        self._healers[f"{name}:clock"] = partial(clock.move, node, 0)
        clock.move(node, ahead_s)

    def restart(self, name: str) -> None:
        """Kills the container and starts it again, empty if it keeps nothing; returns when it is ready."""
        self.kill(name)
        self.mend(name)

    def relaunch(self, name: str) -> None:
        """Kills the container and starts it, and returns before it is ready, for whom judges whether it gets so.

        Healing brings it back if it has not got ready by then. Raises FaultError.
        """
        self.kill(name)
        self.launch(name)

    def launch(self, name: str) -> None:
        """Starts a container that has ended, as `relaunch` does. Raises FaultError."""
        service = self._fleet.named(name)
        process.start(service)
        self._healers[name] = lambda: process.see_ready(service)

    def fill(self, store: str) -> None:
        """Leaves a Redis server no room: it answers whoever reads, and refuses whoever writes. Raises FaultError."""
        self._refuse(store, refusal.FULL, f"{store}:full")

    def cut(self, store: str, user: str) -> None:
        """Cuts the link of `user` (a node's name) to `store`: its connections break and new ones are refused."""
        self._link(store, user).cut()

    def drop(self, store: str, user: str) -> None:
        """Breaks the connections of `user` to `store` once, with all that is under way on them; new ones work."""
        self._link(store, user).drop()

    def silence(self, store: str, user: str) -> None:
        """Drops all that passes the link, whose connections stand; healing closes them."""
        self._link(store, user).silence("upstream", "downstream")

    def mute(self, store: str, user: str, during: Callable[[], bool] | None = None) -> None:
        """Lets `user` be heard by `store` and drops every answer: what was asked is done, and nobody is told.

        Raises FaultError unless `during`, something that the fault has to come into, still goes on once it holds.
        """
        self._link(store, user).silence("downstream", during=during)

    def slow(self, store: str, user: str, delay_s: float, stream: str = "downstream", jitter_s: float = 0) -> None:
        """Delays every answer of `store` to `user` by `delay_s` seconds; all that `user` says, if `upstream`.

        Each by up to `jitter_s` more or less, so that what is on two connections arrives in any order.
        """
        self._link(store, user).slow(delay_s, stream, jitter_s)

    def narrow(self, store: str, user: str, bytes_per_s: int) -> None:
        """Lets what `store` answers to `user` through at `bytes_per_s` on each connection."""
        self._link(store, user).narrow(bytes_per_s)

    def refuse_writes(self, store: str) -> None:
        """Lets Redis refuse every change, as one does that has lost its replicas, or PostgreSQL. Raises FaultError."""
        self._refuse(store, refusal.ALONE, f"{store}:writes")

    def allow_writes(self, store: str) -> None:
        """Takes that back now. Raises FaultError."""
        self.mend(f"{store}:writes")

    def join(self, store: str, user: str) -> None:
        """Heals the link of `user` to `store` now. Raises FaultError."""
        self.mend(f"{store}:{user}")

    def hold(self, store: str, user: str, during: Callable[[], bool] | None = None) -> None:
        """Holds back every answer of `store` to `user`, until mended: what was asked is done, and is told then.

        `during` is as in `mute`.
        """
        self._link(store, user).hold(during)

    def strand(self, store: str, user: str) -> None:
        """Lets connections of `user` that `store` closes from now on look open; new ones work."""
        self._link(store, user).strand()

    def break_after(self, store: str, user: str, count: int) -> None:
        """Breaks each connection of `user` once `count` bytes of it have passed to `store`; again from here each time.

        Whether one broke is to be seen by whoever uses it.
        """
        self._link(store, user).break_after(count)

    def reshard(self, store: str) -> "Resharding":
        """Makes ready to move slots between the members of a cluster; healing moves each back to where it was."""
        from support.faults.resharding import Resharding  # its library takes 40 ms to load, and one feature needs it

        resharding = Resharding([s for s in self._fleet.stores.values() if s.kind == store])
        self._healers[f"{store}:slots"] = resharding.undo
        return resharding

    def mend(self, name: str) -> None:
        """Heals the fault of one container (its name) or link (store:user) now. Raises FaultError when it stays."""
        if name not in self._healers:
            raise FaultError(f"{name} has no fault to be mended; there are {sorted(self._healers) or 'none'}")
        self._healers[name]()
        del self._healers[name]

    def heal(self) -> None:
        """Heals what is still broken, and sees that it is healed. Raises FaultError, after it has tried all."""
        failures = []
        for name in list(self._healers):
            try:
                self.mend(name)
            except SuiteError as error:
                failures.append(f"{name}: {error}")
                del self._healers[name]
        if failures:
            raise FaultError("not healed: " + "; ".join(failures))

    def _refuse(self, store: str, because: str, name: str) -> None:
        server = self._fleet.stores[store]
        self._healers[name] = partial(refusal.allow, server, because)
        refusal.refuse(server, because)

    def _link(self, store: str, user: str) -> network.Link:
        """The link, whose healing is registered before anything is done to it."""
        link = network.Link(self._fleet, store, user)
        self._healers[link.name] = link.join
        return link

    def _down(self, name: str) -> Service:
        service = self._fleet.named(name)
        # A command that was ended is not to be run again.
        self._healers[name] = service.close if isinstance(service, Command) else partial(process.bring_back, service)
        return service


def _agreement_of(store: What) -> str:
    return f"{store.noun}:agreement"


def _side_by_side(deeds: Iterable[Callable[[], None]]) -> None:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for done in [pool.submit(deed) for deed in deeds]:
            done.result()
