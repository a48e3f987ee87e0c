"""Who may watch what, and for how long: private channels, doubtful credentials, sessions that end."""

import itertools
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from hamcrest import assert_that, equal_to

from support.clients.identity import IdentityProvider
from support.polling import poll
from support.worlds.websocket_redis_pubsub import OWN_SITE, World, for_each

NOT_ALLOWED = 1008  # policy violation (RFC 6455 section 7.4.1)
FOREIGN_SITE = "https://app.example.com.evil.example"
_LOOK_ALIKES = ("a*b", "a?b", "a[b]", "ab", "axb", "a", "b", "*", "?", "[ab]", "A", "a b", "ä", "a:b", "a%2Ab", "1*", "[1]", "1?")


class PrivateChannels:
    """Users who each watch a channel of their own; the names of the channels are chosen to be mistaken for each other."""

    def __init__(self, world: World, count: int) -> None:
        self._world = world
        names = itertools.chain(_LOOK_ALIKES, map(str, itertools.count(1)))
        own = world.fresh_channel("user")
        self.channels = [f"{own}:{name}" for name in itertools.islice(names, count)]
        self.owners = [world.newcomer(channel, channel) for channel in self.channels]
        self.serials: dict[str, list[int]] = {channel: [] for channel in self.channels}
        self.answers: dict[str, object] = {}
        homes = {owner.name: world.gateways[number // 2 % 2] for number, owner in enumerate(self.owners)}
        for_each(self.owners, lambda owner: world.enter(owner, homes[owner.name], owner.name))

    def send_to_each(self) -> None:
        """One update to each private channel, through the gateways in turn."""
        for number, channel in enumerate(self.channels):
            self.serials[channel].append(self._world.send(self._world.gateways[number % 2], channel)[1])

    def expect_own_only(self, within_s: float) -> None:
        """Each owner has their own update once and no message about any other channel. AssertionError if not."""
        for owner in self.owners:
            self._world.expect([owner], self.serials[owner.name], within_s, owner.name)
            shown = [a.message for a in owner.arrivals() if a.message["type"] != "error"]
            strange = [message for message in shown if message.get("channel") != owner.name]
            assert not strange, f"{owner.name} was shown {strange[:3]}"

    def intrude(self) -> None:
        """The first owner tries to watch the second's channel, to write to it in both ways, and to see who is there."""
        intruder, channel, gateway = self.owners[0], self.channels[1], self._world.gateways[0]
        path = f"/channels/{quote(channel, safe='')}"
        self.answers = {
            "watch": intruder.ask({"type": "subscribe", "channel": channel}, "error")["error"],
            "write over the socket": intruder.ask(_writing(channel), "error")["error"],
            "write": gateway.ask("POST", f"{path}/updates", intruder.token, {"data": {}}).status_code,
            "see who is there": gateway.ask("GET", f"{path}/presence", intruder.token).status_code,
        }

    def expect_refused(self) -> None:
        """Everything that was tried was answered as forbidden. AssertionError with the answers."""
        refusals = {"watch": "forbidden", "write over the socket": "forbidden", "write": 403, "see who is there": 403}
        assert_that(self.answers, equal_to(refusals))


def credentials(world: World, kind: str) -> dict[str, Any]:
    """The handshake's credentials that the feature calls `kind`."""
    made: dict[str, Callable[[], dict[str, Any]]] = {
        "no session": lambda: {"suppress_origin": True},
        "a session that somebody else signed": lambda: _bearer(IdentityProvider("x" * 64).token("eve", [world.channel])),
        "a session that nobody signed": lambda: _bearer(world.identity.unsigned("eve", [world.channel])),
        "a session that has expired": lambda: _bearer(world.identity.token("ada", [world.channel], lifetime_s=-1)),
        "a session that was logged out": lambda: _bearer(_logged_out(world)),
        "a valid session from the page of a foreign site": lambda: _cookie(world, FOREIGN_SITE),
        "a valid session from the page of our own site": lambda: _cookie(world, OWN_SITE),
    }
    return made[kind]()


def knock(world: World, kind: str) -> dict[str, int]:
    """The HTTP status with which each gateway answers a handshake with the credentials that are called `kind`."""
    return {gateway.name: gateway.knock(**credentials(world, kind)) for gateway in world.gateways}


def open_session(world: World, name: str, lifetime_s: float = 600) -> None:
    """One session of `name` with a connection to each gateway, both watching the workspace."""
    both = [world.newcomer(name, world.channel) for _ in world.gateways]
    world.session_ends_at = int(time.time() + lifetime_s)
    token = world.identity.token(name, [world.channel], exp=world.session_ends_at)
    for subscriber, gateway in zip(both, world.gateways, strict=True):
        subscriber.token = token
        world.enter(subscriber, gateway, world.channel)


def expect_open_until(world: World, before_s: float) -> None:
    """Up to `before_s` before the session's end no connection is closed. AssertionError when one is."""
    left_s = world.session_ends_at - before_s - time.time()
    closed = poll(lambda: [s.name for s in world.subscribers if s.connection.close_code], left_s)
    assert left_s > 0 and not closed, f"{closed} were closed more than {before_s:g} s before the session's end"


def expect_closed_at_end(world: World, within_s: float) -> None:
    """Within `within_s` after the session's end all its connections are closed. AssertionError when one is not."""
    left_s = world.session_ends_at + within_s - time.time()
    world.expect_closed([s.connection for s in world.subscribers], [NOT_ALLOWED], left_s)


def _writing(channel: str) -> dict[str, Any]:
    return {"type": "publish", "channel": channel, "data": {"serial": 0}, "ref": "intrusion"}


def _bearer(token: str) -> dict[str, Any]:
    return {"header": {"Authorization": f"Bearer {token}"}, "suppress_origin": True}


def _cookie(world: World, origin: str) -> dict[str, Any]:
    """What a browser sends: the cookie goes along whatever page asks, and only the origin says which page it was."""
    return {"cookie": f"session={world.identity.token('ada', [world.channel])}", "origin": origin}


def _logged_out(world: World) -> str:
    token = world.identity.token("ada", [world.channel])
    world.gateways[0].log_out(token)
    return token
