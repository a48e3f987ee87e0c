"""Faults of a link between a node and a service, by Toxiproxy; seen to hold from where a node sees it."""

import time
from collections.abc import Callable

from support.containers.fleet import Fleet
from support.containers.toxiproxy import ToxiproxyService
from support.errors import FaultError
from support.polling import poll

_ANSWERS_WITHIN_S = 5.0
_FOR_EVER_S = 3600.0
_SILENT_FOR_S = 0.5  # long enough for an answer on a busy machine; a fault that is tried for longer comes late


class Link:
    """The link of one user to one store. Raises FaultError where the fleet has no such link."""

    def __init__(self, fleet: Fleet, store: str, user: str) -> None:
        self.name = f"{store}:{user}"
        if fleet.toxiproxy is None or self.name not in fleet.links:
            raise FaultError(f"there is no link {self.name}; the fleet has {', '.join(fleet.links) or 'none'}")
        self._toxiproxy: ToxiproxyService = fleet.toxiproxy
        self._store = fleet.stores[store]
        self._address = fleet.toxiproxy.name, fleet.links[self.name]

    def cut(self) -> None:
        """Breaks the link's connections and lets no new one through; returns when nothing answers through it."""
        self._toxiproxy.call("POST", f"/proxies/{self.name}", {"enabled": False})
        if self._store.answers_inside(*self._address):
            raise FaultError(f"{self.name} was cut, and {self._store.name} answers through it all the same")

    def drop(self) -> None:
        """Breaks the link's connections, with all that is under way on them; new ones are let through.

        Toxiproxy does so where a link's goal changes, and listens again within moments: a link that is switched off and
        on again would be closed to others for a whole answer. The goal is the same, its port gets or loses a zero.
        """
        host, _, port = self._toxiproxy.call("GET", f"/proxies/{self.name}")["upstream"].partition(":")
        goal = f"{host}:{port.lstrip('0') if port.startswith('0') else '0' + port}"
        self._toxiproxy.call("POST", f"/proxies/{self.name}", {"upstream": goal, "enabled": True})

    def silence(self, *streams: str, during: Callable[[], bool] | None = None) -> None:
        """Drops all data of `streams`, and lets connections stand; returns when nothing answers through it.

        "upstream" is what goes to the store, "downstream" what comes from it. Raises FaultError when `during` is no
        longer true once the data is dropped: the fault then came too late for what it was meant for.
        """
        for stream in streams:
            # With a time-out of 0 this toxic drops data and closes nothing until it is removed (Toxiproxy's README).
            self._add(f"silent-{stream}", "timeout", stream, {"timeout": 0})
        if during and not during():
            raise FaultError(f"{self.name} was silenced too late")
        if self._store.answers_inside(*self._address, within_s=_SILENT_FOR_S):
            raise FaultError(f"{self.name} was silenced, and {self._store.name} answers through it all the same")

    def slow(self, delay_s: float, stream: str, jitter_s: float = 0) -> None:
        """Delays the data of `stream` by `delay_s`, each piece of it by up to `jitter_s` more or less.

        Returns when no answer has been seen to come sooner. Pieces of one connection stay in their order.
        """
        milliseconds = {"latency": round(delay_s * 1000), "jitter": round(jitter_s * 1000)}
        self._add(f"slow-{stream}", "latency", stream, milliseconds)
        # Not waited for: an answer takes several round trips, for a greeting, a login and the question itself. One that
        # takes no longer comes just when the time is over, so on a busy machine it may be taken for one in time.
        least_s, began = delay_s - jitter_s, time.monotonic()
        quick = least_s and self._store.answers_inside(*self._address, within_s=least_s)
        if quick and time.monotonic() - began < least_s:
            raise FaultError(f"{self.name} was slowed by {delay_s:g} s, and an answer did not take as long")

    def narrow(self, bytes_per_s: int) -> None:
        """Lets what comes from the store through at `bytes_per_s` on each connection: only large answers are late.

        Whether one was is to be seen by whoever waits for it. Returns when the store answers through the link.
        """
        self._add("narrow", "bandwidth", "downstream", {"rate": bytes_per_s // 1000})
        if not self._store.answers_inside(*self._address):
            raise FaultError(f"{self.name} was narrowed, and {self._store.name} does not answer through it at all")

    def hold(self, during: Callable[[], bool] | None = None) -> None:
        """Holds back all that comes from the store until the link is joined; then it arrives, and nothing is lost.

        What was asked meanwhile is done, and the connections stand. Returns when nothing answers through the link;
        `during` is as in `silence`.
        """
        # A toxic that is removed lets through at once what it holds, whatever delay it was told (Toxiproxy's README).
        self._add("held", "latency", "downstream", {"latency": round(_FOR_EVER_S * 1000)})
        if during and not during():
            raise FaultError(f"{self.name} was held too late")
        if self._store.answers_inside(*self._address, within_s=_SILENT_FOR_S):
            raise FaultError(f"{self.name} was held, and {self._store.name} answers through it all the same")

    def strand(self) -> None:
        """Lets a connection that the store closes look open to its user, who hears nothing more on it; new ones work.

        So do connections whose other end has lost its power, or that a firewall has forgotten. Whoever lets the store
        close connections sees from the store that it did.
        """
        self._add("stranded", "slow_close", "downstream", {"delay": round(_FOR_EVER_S * 1000)})
        if not self._store.answers_inside(*self._address, within_s=_ANSWERS_WITHIN_S):
            raise FaultError(f"{self.name} is to let new connections through, and {self._store.name} does not answer")

    def break_after(self, count: int) -> None:
        """Closes each connection when `count` bytes have passed to the store, in the middle of a command if it be so.

        Said again, it counts from the beginning. Whoever uses the link sees whether its connection broke.
        """
        name = f"/proxies/{self.name}/toxics"
        for toxic in self._toxiproxy.call("GET", name):
            self._toxiproxy.call("DELETE", f"{name}/{toxic['name']}")
        self._add("breaks", "limit_data", "upstream", {"bytes": count})

    def join(self) -> None:
        """Takes every fault off the link; returns when the store answers through it again."""
        for toxic in self._toxiproxy.call("GET", f"/proxies/{self.name}/toxics"):
            self._toxiproxy.call("DELETE", f"/proxies/{self.name}/toxics/{toxic['name']}")
        self._toxiproxy.call("POST", f"/proxies/{self.name}", {"enabled": True})
        if not poll(lambda: self._store.answers_inside(*self._address), _ANSWERS_WITHIN_S):
            raise FaultError(f"{self.name} was joined again, and {self._store.name} does not answer through it")

    def _add(self, name: str, kind: str, stream: str, attributes: dict[str, int]) -> None:
        """Lets a toxic work on the data of `stream`, from now until the link is joined. Raises FaultError."""
        toxic = {"name": name, "type": kind, "stream": stream, "attributes": attributes}
        self._toxiproxy.call("POST", f"/proxies/{self.name}/toxics", toxic)
