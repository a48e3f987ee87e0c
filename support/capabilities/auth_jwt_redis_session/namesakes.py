"""Customers whose names look alike: what happens to one of them happens to no other."""

import secrets
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to

from support.capabilities.auth_jwt_redis_session.client import Answer, Event, Verdict
from support.capabilities.auth_jwt_redis_session.deeds import FEW, carried_out, do_all, patient
from support.worlds.crowds import for_each

if TYPE_CHECKING:
    from support.capabilities.auth_jwt_redis_session.world import World

_OTHER_ENDINGS = 4  # of sessions that are ended by their customers, before support ends those of all


def _alike(draw: Random) -> list[str]:
    """A name that nobody has, and one of each kind that differs from it in one thing; where it does is drawn."""
    name = f"ada{secrets.token_hex(5)}eve"
    place = draw.randrange(1, len(name))
    letter = draw.choice([number for number, one in enumerate(name) if one.isalpha()])
    between = [f"{name[:place]}{one}{name[place:]}" for one in (":", "%3A", "/", "%2F", " ", "+", "*", ".")]
    other = [name[:-1], name + "0", name[:letter] + "?" + name[letter + 1 :], name[:-1] + "\u00e9"]
    return [name, name.upper(), name[:letter] + name[letter].upper() + name[letter + 1 :], *other, *between]


class Namesakes:
    """Who should be signed in, what each one's history should tell, and where a node said otherwise."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._draw = world.draw()
        self._signed_in: dict[str, bool] = {}
        self._histories: dict[str, list[Event]] = {}
        self._wrong: list[str] = []

    def sign_in(self) -> None:
        """Each has an account, and is signed in."""
        names = _alike(self._draw)
        for_each(names, lambda name: self._world.register_as(name, name))
        for_each(names, self._sign_in)

    def end_one_after_the_other(self) -> None:
        """Some sign out or change the password, and sign in again; then support ends the sessions of all.

        In an order that is drawn, and at nodes that are; after each, whoever may still be signed in asks who it is.
        """
        names = self._draw.sample(sorted(self._signed_in), len(self._signed_in))
        for number, name in enumerate(names[:_OTHER_ENDINGS]):
            self._end(name, "sign-out" if number % 2 else "new password")
            self._sign_in(name)
        self._compare_histories()
        for name in self._draw.sample(names, len(names)):
            self._end(name, "support")
        self._compare("in the end", names)

    def expect_nobody_mistaken(self) -> None:
        """Each was always who it was, and signed in until it was its own turn. AssertionError with who was not."""
        assert_that(self._wrong, empty(), f"what was wrong ({self._draw})")

    def _sign_in(self, name: str) -> None:
        self._world.sign_in(name, "phone", self._draw.choice(self._world.gateways))
        self._signed_in[name] = True
        self._histories.setdefault(name, []).append(Event.SIGNED_IN)

    def _end(self, name: str, event: str) -> None:
        world, node = self._world, self._draw.choice(self._world.gateways)
        ends: Mapping[str, Callable[[], Answer]] = {
            "sign-out": partial(node.sign_out, world.devices[f"{name}'s phone"].access),
            "new password": partial(world.change_password, name, "phone", node),
            "support": partial(node.expel, name),
        }
        assert_that(carried_out(ends[event]).verdict, equal_to(Verdict.ACCEPTED), f"{event} of {name!r} ({self._draw})")
        asking = [one for one, there in self._signed_in.items() if there]
        self._signed_in[name] = False
        if event == "new password":
            self._histories[name].append(Event.PASSWORD_CHANGED)
        self._compare(f"after the {event} of {name!r}", asking)

    def _compare(self, when: str, names: Iterable[str]) -> None:
        """Asks for each of `names` who it is, at a node that is drawn."""
        node = self._draw.choice(self._world.gateways)
        asked = {one: partial(node.call, self._world.devices[f"{one}'s phone"].access) for one in names}
        for one, answer in do_all(self._world, patient(asked), FEW).items():
            expected = (Verdict.ACCEPTED, one) if self._signed_in[one] else (Verdict.UNAUTHENTICATED, "")
            if (answer.verdict, answer.user) != expected:
                self._wrong.append(f"{when}, {node.name} said to {one!r}: {answer.verdict.name} {answer.user}".rstrip())

    def _compare_histories(self) -> None:
        node = self._draw.choice(self._world.gateways)
        asked = {one: partial(node.events, self._world.devices[f"{one}'s phone"].access) for one in self._signed_in}
        for one, answer in do_all(self._world, patient(asked), FEW).items():
            if list(answer.events) != self._histories[one]:
                told = [event.name for event in answer.events]
                self._wrong.append(f"the history of {one!r} told {told}, not {self._histories[one]}")
