"""Calls of many kinds at once, in a drawn order, and how the instances share those of each kind among them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from hamcrest import assert_that, empty

from support.capabilities.service_discovery_health_checks.client import SERVICE, Adapter, Outcome, Way
from support.worlds.crowds import for_each

if TYPE_CHECKING:
    from support.capabilities.service_discovery_health_checks.world import World

# For each name of an instance how many calls it answers, and for each refusal how many callers hear it.
Heard = Mapping[str | Outcome, int]


class Kind(NamedTuple):
    """Calls that have their turns in common: through one gateway, by one way, for one tag (if any) of one service."""

    gateway: Adapter
    way: Way
    tag: str = ""
    service: str = SERVICE

    def __str__(self) -> str:
        which = f"{self.service} with the tag {self.tag}" if self.tag else self.service
        return f"{which} through {self.gateway.name} by {self.way.name}"


def kinds(
    gateways: Iterable[Adapter],
    ways: Iterable[Way] = Way,
    tags: Iterable[str] = ("",),
    services: Iterable[str] = (SERVICE,),
) -> list[Kind]:
    """A kind for each of all these with each."""
    return [Kind(*one) for one in product(gateways, ways, tags, services)]


def alike(names: Iterable[str], each: int) -> Heard:
    """What is heard when each of `names` answers `each` calls."""
    return dict.fromkeys(names, each)


class Calls:
    """Each gateway is called by both ways at once, and by each way for one kind and another in a drawn order."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def expect(self, wanted: Mapping[Kind, Heard]) -> None:
        """Makes as many calls of each kind as are `wanted`: callers hear that, and instances record the same."""
        draw = self._world.draw()
        labels = {kind: self._world.fresh("call") for kind in wanted}
        heard: dict[Kind, Counter[str | Outcome]] = {kind: Counter() for kind in wanted}

        def make(calls: list[Kind]) -> None:
            for one in calls:
                reply = one.gateway.call(one.service, labels[one], one.tag, one.way)
                heard[one][reply.by or reply.outcome] += 1

        lanes = list(_in_lanes(wanted))
        for calls in lanes:
            draw.shuffle(calls)
        for_each(lanes, make)
        given = self._given()
        wrong = [self._difference(one, wanted[one], heard[one], given.get(labels[one], Counter())) for one in wanted]
        assert_that(list(filter(None, wrong)), empty(), f"calls of {len(wanted)} kinds, in an order {draw}")

    def expect_refused(self, asked: Iterable[Kind], outcome: Outcome) -> None:
        """A call of each kind that is `asked` is refused by `outcome`, and no instance is given it."""
        self.expect({kind: {outcome: 1} for kind in asked})

    def _difference(self, kind: Kind, wanted: Heard, heard: Heard, given: Counter[str]) -> str:
        """What is not as wanted, in words; nothing where all is."""
        ours = {one.name for one in self._world.instances}
        recorded = {name: count for name, count in wanted.items() if name in ours}
        if dict(heard) == dict(wanted) and dict(given) == recorded:
            return ""
        return f"{kind}: wanted {_in_words(wanted)}; callers heard {_in_words(heard)}; on record {_in_words(given)}"

    def _given(self) -> dict[str, Counter[str]]:
        """For each label how many calls each instance that runs was given, by its own record."""
        given: dict[str, Counter[str]] = {}
        for instance in self._world.running():
            for call in instance.calls():
                given.setdefault(call.label, Counter())[instance.name] += 1
        return given


def _in_lanes(wanted: Mapping[Kind, Heard]) -> Iterator[list[Kind]]:
    """Every call, those of one gateway and way together."""
    for lane in dict.fromkeys((kind.gateway.name, kind.way) for kind in wanted):
        mine = [kind for kind in wanted if (kind.gateway.name, kind.way) == lane]
        yield [kind for kind in mine for _ in range(sum(wanted[kind].values()))]


def _in_words(heard: Mapping[str, int] | Heard) -> str:
    return (
        ", ".join(f"{one if isinstance(one, str) else one.name}: {count}" for one, count in heard.items()) or "nothing"
    )
