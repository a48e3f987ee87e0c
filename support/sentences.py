"""The words that sentences are made of: durations, counts, sizes, nodes and stores, understood alike everywhere."""

import re

from behave.matchers import register_type
from parse import with_pattern

from support.containers.layout import all_layouts
from support.nouns import What, Who, pattern_of_who, who

_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0}
_BYTES = {"KB": 1000, "MB": 1000**2, "GB": 1000**3}


@with_pattern(r"\d+(?:\.\d+)? (?:ms|s|min)")
def duration(text: str) -> float:
    """Seconds, from "250 ms", "2 s", "0.5 s" or "2 min"."""
    number, unit = text.split()
    return float(number) * _SECONDS[unit]


@with_pattern(r"\d[\d,]*|no")
def count(text: str) -> int:
    """A whole number, from "200", "1,000" or "no"."""
    return 0 if text == "no" else int(text.replace(",", ""))


@with_pattern(r"\d+ (?:KB|MB|GB)")
def size(text: str) -> int:
    """Bytes, from "40 MB" (decimal, as the trade counts)."""
    number, unit = text.split()
    return int(number) * _BYTES[unit]


@with_pattern(r"\S+(?:, \S+)* and \S+")
def names(text: str) -> list[str]:
    """The names in a list such as "1, 10, a*b and a[b]"; none of them has a blank or a comma in it."""
    rest, _, last = text.rpartition(" and ")
    return [*rest.split(", "), last]


def register() -> None:
    """Makes {x:Duration}, {x:Count}, {x:Size}, {x:Names}, {x:Node}, {x:Whose} and {x:Store} known to step patterns.

    Nodes and stores go by the nouns of all nodes.toml that there are: "the first gateway", "both gateways'", "Redis".
    """
    layouts = list(all_layouts())
    roles = [role for layout in layouts for role in (*layout.roles, *layout.commands)]
    nodes = pattern_of_who(sorted({role.noun for role in roles}), sorted({role.plural for role in roles}))
    stores = sorted({noun for layout in layouts for noun in layout.stores}, key=lambda noun: -len(noun))

    @with_pattern(nodes)
    def node(text: str) -> Who:
        return who(text)

    @with_pattern(rf"{nodes}(?:'s|')")
    def whose(text: str) -> Who:
        return who(text.removesuffix("'s").removesuffix("'"))

    @with_pattern("|".join(map(re.escape, stores)))
    def store(text: str) -> What:
        return What(text)

    register_type(Duration=duration, Count=count, Size=size, Names=names, Node=node, Whose=whose, Store=store)
