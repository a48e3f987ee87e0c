"""Who and what a sentence about a fault speaks of: "the second gateway", "both storefronts", "the Redis Cluster"."""

import re
from dataclasses import dataclass

ORDINALS = ("first", "second", "third", "fourth", "fifth")


@dataclass(frozen=True)
class Who:
    """Nodes: the one with `number` (from 1) of those that a sentence calls `noun`, or all of them (0)."""

    noun: str
    number: int = 0


@dataclass(frozen=True)
class What:
    """A store, by what a sentence calls it."""

    noun: str


def pattern_of_who(singulars: list[str], plurals: list[str]) -> str:
    """A regular expression for "the first gateway", "the worker", "both gateways", "all workers", "the gateways"."""
    one, many = "|".join(map(re.escape, singulars)), "|".join(map(re.escape, plurals))
    return rf"(?:the (?:{'|'.join(ORDINALS)}) (?:{one})|the (?:{one})|(?:both|all|the) (?:{many}))"


def who(text: str) -> Who:
    """What a text that fits the pattern says. The noun of a plural stays one: the fleet knows both."""
    words = text.split()
    if words[1] in ORDINALS:
        return Who(" ".join(words[2:]), ORDINALS.index(words[1]) + 1)
    return Who(" ".join(words[1:]))
