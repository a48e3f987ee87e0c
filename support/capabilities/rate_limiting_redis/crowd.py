"""Callers of every kind: customers whose names look alike, and callers without an account, known by their addresses."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from random import Random

from support.capabilities.rate_limiting_redis.calls import LIMITS, STRANGERS_PLAN

# Each makes another name of the same beginning; a name is compared as it is, without a change (RFC 7519, section 2).
# Some are the same letters to a reader: as one sign and as two, as a ligature, in full width, with a sign of no width.
_ENDINGS = (
    "", " ", "\n", "1", "10", ":1", "%3A1", "%", "*", "?", "[b]", "{b}", "b/b", "/", ".b", "_b", "-b", "+b", "#b", "@b",
    "a", "A", "\u00e4", "a\u0308", "\u00c4", "\u00df", "ss", "\ufb01", "fi", "\uff41", "\u200b", "\u0131", "i",
    "\u0130", "x" * 300, "x" * 300 + "y", "y" * 300,
)  # fmt: skip
_DOCUMENTATION = 0x20010DB8 << 96  # no address of that network is anybody's (RFC 3849)
_PRIVATE = 10 << 24
_NO_ADDRESSES = ("unknown", "", "127.0.0.1", "::1", "for=10.0.0.1")


class Habit(Enum):
    """How somebody calls."""

    BRIEF = auto()  # a few calls
    STEADY = auto()  # many single ones
    THOROUGH = auto()  # tries everything


@dataclass(frozen=True)
class Caller:
    """Somebody who has a limit of their own: a customer by `name`, or one without an account (None).

    The calls of the latter come by `ways`, in turn: each is a list as the adapter's `call_without_account` takes it.
    """

    name: str | None
    plan: str
    ways: Sequence[Sequence[str]] = ()
    habit: Habit = Habit.BRIEF


def crowd(draw: Random, own: str) -> list[Caller]:
    """Callers whom nobody has seen before, if that is true of `own`; each kind is there, its details are drawn."""
    strangers = _strangers(draw)
    busy = [Caller(f"{own} {plan}", plan, habit=Habit.THOROUGH) for plan in LIMITS]
    busy += [Caller(f"{own} steady", max(LIMITS, key=lambda plan: LIMITS[plan]), habit=Habit.STEADY)]
    names = [own + ending for ending in _ENDINGS] + [f" {own}", own.upper(), own.title(), f"customer/{own}"]
    # A customer may be called like an address from which somebody else calls without an account.
    names += [way[-1] for stranger in strangers for way in stranger.ways[:1]]
    names += [f"address/{strangers[0].ways[0][-1]}"]
    return [*strangers, *busy, *(Caller(name, draw.choice([*LIMITS])) for name in dict.fromkeys(names))]


def _strangers(draw: Random) -> list[Caller]:
    """Those without an account: of neighbouring IPv4 addresses and IPv6 networks, honest ones and a forger."""
    first, forger = (IPv4Address(_PRIVATE | number) for number in draw.sample(range(1 << 24), 2))
    neighbours = [IPv4Address(int(first) ^ bit) for bit in (1, 1 << 8, 1 << 16)]
    ways = [[[way] for way in _spelt_v4(address)] for address in (first, *neighbours)]
    ways += [[[way] for way in _spelt_v6(draw, network)] for network in _networks(draw)]
    before = [*_NO_ADDRESSES, str(first), str(ways[-1][0][0]), f"{forger}, {first}", str(draw.getrandbits(24))]
    ways += [[[one, str(forger)] for one in before]]
    thorough = {0, len(neighbours) + 1, len(ways) - 1}  # one of each kind
    habits = [Habit.THOROUGH if number in thorough else Habit.BRIEF for number in range(len(ways))]
    return [Caller(None, STRANGERS_PLAN, one, habit) for one, habit in zip(ways, habits, strict=True)]


def _spelt_v4(address: IPv4Address) -> list[str]:
    """One address in all ways: as IPv4, and as IPv6 with dots and with digits only (RFC 4291, section 2.5.5.2)."""
    mapped = IPv6Address(0xFFFF << 32 | int(address))
    short = f"::ffff:{int(address) >> 16:x}:{int(address) & 0xFFFF:x}"
    return [str(address), f"::ffff:{address}", short, short.upper(), mapped.exploded, f"0:0:0:0:0:FFFF:{address}"]


def _networks(draw: Random) -> list[IPv6Network]:
    """Networks such as a household has: two neighbours, and three whose addresses may be written with :: in them."""
    a, b, c, d = draw.sample(range(2, 1 << 16), 4)
    parts = (a, b), (a, b ^ 1), (c, 0), (c ^ 1, 0), (0, d)
    return [IPv6Network((_DOCUMENTATION | high << 80 | low << 64, 64)) for high, low in parts]


def _spelt_v6(draw: Random, network: IPv6Network) -> list[str]:
    """Addresses in one network, each spelt in another way (RFC 4291, section 2.2)."""
    near, far, third, fourth, fifth = (network[number] for number in (1, *(draw.getrandbits(64) for _ in range(4))))
    dotted = f"{far.exploded[:30]}{IPv4Address(int(far) & 0xFFFFFFFF)}"
    return [str(near), dotted, near.exploded, third.exploded.upper(), str(fourth), str(fifth).upper()]
