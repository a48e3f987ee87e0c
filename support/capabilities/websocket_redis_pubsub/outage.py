"""All that users ask of a gateway that cannot reach Redis: what they are told, and what is left of it afterwards."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from support.capabilities.websocket_redis_pubsub.client import (
    Answer,
    Line,
    Position,
    Refusal,
    Refused,
    Session,
)
from support.capabilities.websocket_redis_pubsub.subscriber import update_of
from support.capabilities.websocket_redis_pubsub.workspace import Workspace
from support.promise import must
from support.worlds.crowds import threads

Outcome = Answer | Line | Position | Refusal | None


@dataclass(frozen=True)
class Told:
    """Who asked for what, what came of it (None: it was done), and after how long."""

    what: str
    came: Outcome
    took_s: float

    @property
    def refused(self) -> bool:
        """Whether it was told that it cannot be done now."""
        why = self.came.why if isinstance(self.came, Refused) else self.came
        return why is Refusal.UNAVAILABLE


class Outage:
    """Everything that users can do, tried at the first gateway, and tried again when the outage is over."""

    def __init__(self, world: Workspace) -> None:
        self._world = world
        self._gateway = world.gateways[0]
        # Of those at the first gateway: one will write, one will ask for more, one will ask anew, and one will be lost.
        self._author, self._reader, self._resumer, self._lost = world.subscribers[:4]
        self._session: Session = world.session("cleo", world.channel)
        self._told: list[Told] = []

    def try_everything(self, publishers: int) -> None:
        """All of it at the same time, and an update by each of as many `publishers`; one subscriber is lost as well."""
        self._lost.drop()
        asked = [*self._requests().items(), *[(f"publisher {number}", self._publish) for number in range(publishers)]]
        with threads(len(asked)) as pool:
            self._told = list(pool.map(_ask, asked))

    def expect_refused(self, within_s: float) -> None:
        """Everybody was told within `within_s` that it cannot be done now. AssertionError with what was not."""
        others = [told for told in self._told if not told.refused or told.took_s > within_s]
        must(not others, f"expected a refusal within {within_s:g} s, since Redis cannot be reached, got {others}")

    def try_again(self) -> None:
        """All but the watching of another channel is asked for once more, and done. AssertionError if it is not."""
        world = self._world
        self._resumer.watch(world.channel, self._resumer.position(world.channel))
        world.publish_as(self._author, 1)
        world.publish(1, through=[self._gateway])
        refusals = {"look": self._gateway.look(self._session, world.channel)}
        refusals |= {"log out": self._gateway.end_session(self._session)}
        must(not any(refusals.values()), f"the outage is over, and these are still refused: {refusals}")

    def expect_nothing_left(self, within_s: float) -> None:
        """Everyone has all updates over the connection that they had, nobody listens to what was asked for in vain.

        And whoever is there, a newcomer too, is present, and nobody else. AssertionError if not.
        """
        world = self._world
        world.expect_first_connections()
        world.expect([s for s in world.subscribers if s is not self._lost], world.published, within_s)
        world.expect_subscriptions(world.aside, 0, within_s)
        world.expect_subscriptions(world.channel, 2, within_s)
        world.join(1, self._gateway)
        world.expect_presence(within_s)

    def _requests(self) -> dict[str, Callable[[], Outcome]]:
        gateway, session, channel = self._gateway, self._session, self._world.channel
        position = self._resumer.position(channel)
        return {
            "connect": partial(gateway.enter, session),
            "watch another channel": partial(self._reader.ask_to_watch, self._world.aside),
            "watch once more": partial(self._resumer.ask_to_watch, channel, position),
            "write over a connection": partial(self._author.ask_to_publish, channel, update_of(0)),
            "write": partial(gateway.write, session, channel, update_of(0)),
            "see who is there": partial(gateway.look, session, channel),
            "log out": partial(gateway.end_session, session),
        }

    def _publish(self) -> Position | Refusal:
        return self._gateway.publish(self._world.channel, update_of(0))


def _ask(asked: tuple[str, Callable[[], Outcome]]) -> Told:
    what, request = asked
    began = time.monotonic()
    came = request()
    return Told(what, came, time.monotonic() - began)
