"""Callers without an account, who are told apart by the addresses that they call from."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Network
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to, greater_than_or_equal_to

from support.capabilities.rate_limiting_redis.calls import see_in_one_window
from support.capabilities.rate_limiting_redis.client import Adapter, Resource, Verdict
from support.worlds.crowds import threads
from support.worlds.world import turns

if TYPE_CHECKING:
    from support.capabilities.rate_limiting_redis.world import World

_DOCUMENTATION = IPv6Network("2001:db8::/32")  # no address of it is anybody's (RFC 3849)
_PRIVATE = IPv4Address("10.0.0.0")


class Strangers:
    """Calls that come from addresses from which nobody has called before."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._label = world.fresh("call")
        self._came_by: list[list[str]] = []
        self._verdicts: Counter[Verdict] = Counter()
        self._kinds: dict[str, Callable[[], list[list[str]]]] = {
            "one caller who writes other addresses in front of its own": _forger,
            "one caller whose address is spelt as IPv4 and as IPv6": lambda: _spelt(_ipv4()),
            "neighbours in one IPv6 network": lambda: _addresses_in(_ipv6_network()),
            "two neighbours whose IPv4 addresses are spelt as IPv6": _neighbours,
            "callers of two neighbouring IPv6 networks": _neighbouring_networks,
        }

    def come(self, kind: str) -> None:
        """From now on calls come from what a sentence calls `kind`, each way of theirs in turn."""
        self._came_by = self._kinds[kind]()

    def call_at_once(self, count: int) -> None:
        """`count` calls at the same time, through the gateways in turn, each way in turn at each gateway.

        ProbeError when they took longer than the window in which they count together.
        """
        gateways = [gateway for _, gateway in zip(range(count), turns(self._world.nodes), strict=False)]
        ways = turns([way for way in self._came_by for _ in self._world.nodes])
        began = time.monotonic()
        with threads(count) as pool:
            calls = [pool.submit(self._call, gateway, next(ways)) for gateway in gateways]
        self._verdicts = Counter(call.result() for call in calls)
        self._took_s = time.monotonic() - began

    def expect_admitted(self, count: int) -> None:
        """So many of the calls got through, by the answers and by the API's own count. AssertionError if not."""
        admitted = self._verdicts[Verdict.ADMITTED]
        assert_that(admitted, greater_than_or_equal_to(count), "calls that were let in")
        arrived = len(self._world.api.arrivals(path=f"/*/{self._label}"))
        assert_that(arrived, equal_to(admitted), "calls that reached the API, of those that were let in")
        see_in_one_window(self._took_s)  # or more may rightly have been let in
        expected = {Verdict.ADMITTED: count, Verdict.LIMITED: self._verdicts.total() - count}
        assert_that(dict(self._verdicts), equal_to(expected), "what became of the calls")

    def _call(self, gateway: Adapter, came_by: Sequence[str]) -> Verdict:
        return gateway.call_without_account(came_by, Resource.ORDERS, self._label).verdict


def _forger() -> list[list[str]]:
    own = str(_ipv4())
    return [[str(_ipv4()), str(_ipv4()), own] for _ in range(10)]


def _spelt(address: IPv4Address) -> list[list[str]]:
    """One address in three ways: as IPv4, and as IPv6 with dots and with digits only (RFC 4291, section 2.5.5.2)."""
    number = int(address)
    return [[str(address)], [f"::ffff:{address}"], [f"::ffff:{number >> 16:x}:{number & 0xFFFF:x}"]]


def _neighbours() -> list[list[str]]:
    number = int(_ipv4())
    return [_spelt(IPv4Address(one))[1] for one in (number, number ^ 1)]


def _neighbouring_networks() -> list[list[str]]:
    network = _ipv6_network()
    other = IPv6Network((int(network.network_address) ^ (1 << 64), 64))
    return [_addresses_in(network)[0], _addresses_in(other)[0]]


def _addresses_in(network: IPv6Network) -> list[list[str]]:
    return [[str(network[random.getrandbits(64)])] for _ in range(10)]


def _ipv6_network() -> IPv6Network:
    """A network such as one household has."""
    return IPv6Network((int(_DOCUMENTATION.network_address) | random.getrandbits(32) << 64, 64))


def _ipv4() -> IPv4Address:
    return _PRIVATE + random.getrandbits(24)
