"""Who may watch what, and for how long: private channels, doubtful credentials, sessions that end."""

import itertools
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from hamcrest import assert_that, equal_to

from support.clients.identity import IdentityProvider
from support.clients.websocket_redis_pubsub import Gateway, Subscriber
from support.polling import poll
from support.worlds.crowds import for_each
from support.worlds.websocket_workspace import Workspace

OWN_SITE = "https://app.example.com"  # the nodes are configured with it, see support/containers/settings
NOT_ALLOWED = 1008  # policy violation (RFC 6455 section 7.4.1)
FOREIGN_SITE = "https://app.example.com.evil.example"
_LOOK_ALIKES = (
    "a*b",
    "a?b",
    "a[b]",
    "ab",
    "axb",
    "a",
    "b",
    "*",
    "?",
    "[ab]",
    "A",
    "a b",
    "ä",
    "a:b",
    "a%2Ab",
    "1*",
    "[1]",
    "1?",
)


class PrivateChannels:
    """Users who each watch a channel of their own at both gateways; the names are easily mistaken for each other."""

    def __init__(self, world: Workspace, count: int) -> None:
        self._world = world
        names = itertools.chain(_LOOK_ALIKES, map(str, itertools.count(1)))
        own = world.fresh_channel("user")
        self._channels = [f"{own}:{name}" for name in itertools.islice(names, count)]
        self._watchers = [world.newcomer(channel, channel) for channel in self._channels for _ in world.gateways]
        self._serials: dict[str, list[int]] = {channel: [] for channel in self._channels}
        self._answers: dict[str, object] = {}
        for gateway, watchers in zip(world.gateways, (self._watchers[::2], self._watchers[1::2]), strict=True):
            for_each(watchers, partial(self._enter, gateway))

    def send_to_each(self) -> None:
        """One update to each private channel, through the gateways in turn."""
        for number, channel in enumerate(self._channels):
            self._serials[channel].append(self._world.send(self._world.gateways[number % 2], channel)[1])

    def expect_own_only(self, within_s: float) -> None:
        """Each user has their own updates, once at each gateway, and no message about any other channel."""
        for watcher in self._watchers:
            self._world.expect([watcher], self._serials[watcher.name], within_s, watcher.name)
            shown = [a.message for a in watcher.arrivals() if a.message["type"] != "error"]
            strange = [message for message in shown if message.get("channel") != watcher.name]
            assert not strange, f"{watcher.name} was shown {strange[:3]}"

    def intrude(self) -> None:
        """Each user asks for the channel of each other over the socket, and over HTTP for that of a neighbour."""
        intruders = self._watchers[::2]
        for number, intruder in enumerate(intruders):
            for victim in intruders:
                if victim is not intruder:
                    self._intrude_over_socket(intruder, victim.name)
            self._intrude_over_http(intruder, intruders[number - 1].name)

    def expect_refused(self) -> None:
        """Everything that was tried was answered as forbidden. AssertionError with what was not."""
        granted = {what: answer for what, answer in self._answers.items() if answer not in ("forbidden", 403)}
        assert_that(granted, equal_to({}))

    def _intrude_over_socket(self, intruder: Subscriber, channel: str) -> None:
        writing = {"type": "publish", "channel": channel, "data": {"serial": 0}, "ref": "intrusion"}
        for request in ({"type": "subscribe", "channel": channel}, writing):
            answer = intruder.ask(request, "error", "subscribed", "published")
            self._answers[f"{intruder.name}: {request['type']} {channel}"] = answer.get("error", answer["type"])

    def _intrude_over_http(self, intruder: Subscriber, channel: str) -> None:
        gateway, who = self._world.gateways[1], intruder.name
        self._answers[f"{who}: write to {channel}"] = gateway.offer(intruder.token, channel, {"serial": 0}).status_code
        self._answers[f"{who}: see who is in {channel}"] = gateway.ask_presence(intruder.token, channel).status_code

    def _enter(self, gateway: Gateway, watcher: Subscriber) -> None:
        self._world.enter(watcher, gateway, watcher.name)


class Sessions:
    """Handshakes with doubtful credentials, and sessions that end while they are in use."""

    def __init__(self, world: Workspace) -> None:
        self._world = world
        self._answers: dict[str, int] = {}
        self._ends_at = 0.0
        self._credentials: dict[str, Callable[[], dict[str, Any]]] = {
            "no session": lambda: {"suppress_origin": True},
            "a session that somebody else signed": lambda: _bearer(self._token(IdentityProvider("x" * 64))),
            "a session that nobody signed": lambda: _bearer(world.identity.unsigned("eve", [world.channel])),
            "a session that has expired": lambda: _bearer(self._token(world.identity, lifetime_s=-1)),
            "a session that was logged out": lambda: _bearer(self._logged_out()),
            "a valid session from the page of a foreign site": lambda: self._cookie(FOREIGN_SITE),
            "a valid session from the page of our own site": lambda: self._cookie(OWN_SITE),
        }

    def knock(self, kind: str) -> None:
        """Tries to open a WebSocket at each gateway, with the credentials that the feature calls `kind`."""
        credentials = self._credentials[kind]
        self._answers = {gateway.name: gateway.knock(**credentials()) for gateway in self._world.gateways}

    def expect_answer(self, status: int) -> None:
        """Every answer of the gateways had the HTTP `status`. AssertionError with what they answered."""
        assert_that(self._answers, equal_to(dict.fromkeys(self._answers, status)))

    def write(self) -> None:
        """Somebody writes to the workspace without a session, and with four that are not valid."""
        tokens = {"no session": ""} | {
            kind: self._credentials[kind]()["header"]["Authorization"].removeprefix("Bearer ")
            for kind in self._credentials
            if kind.startswith("a session")
        }
        self._answers = {
            f"{kind} at {gateway.name}": gateway.offer(token, self._world.channel, {"serial": 0}).status_code
            for kind, token in tokens.items()
            for gateway in self._world.gateways
        }

    def expect_cannot_write(self, subscriber: Subscriber) -> None:
        """The session of `subscriber` is refused when it writes to the workspace. AssertionError if not."""
        channel, token = self._world.channel, subscriber.token
        statuses = [gateway.offer(token, channel, {"serial": 0}).status_code for gateway in self._world.gateways]
        assert_that(statuses, equal_to([401, 401]), "writing with a session that was logged out")

    def open(self, name: str, lifetime_s: float = 600) -> None:
        """One session of `name` with a connection to each gateway, both watching the workspace."""
        both = [self._world.newcomer(name, self._world.channel) for _ in self._world.gateways]
        self._ends_at = int(time.time() + lifetime_s)
        token = self._token(self._world.identity, exp=self._ends_at)
        for subscriber, gateway in zip(both, self._world.gateways, strict=True):
            subscriber.token = token
            self._world.enter(subscriber, gateway, self._world.channel)

    def expect_open_until(self, before_s: float) -> None:
        """Up to `before_s` before the session's end no connection is closed. AssertionError when one is."""
        left_s = self._ends_at - before_s - time.time()
        closed = poll(lambda: [s.name for s in self._world.subscribers if s.connection.close_code], left_s)
        assert not closed, f"{closed} were closed more than {before_s:g} s before the session's end"

    def expect_closed_at_end(self, within_s: float) -> None:
        """Within `within_s` after the session's end all its connections are closed. AssertionError when one is not."""
        left_s = self._ends_at + within_s - time.time()
        self._world.expect_closed([s.connection for s in self._world.subscribers], [NOT_ALLOWED], left_s)

    def expect_closed(self, subscribers: Iterable[Subscriber], within_s: float) -> None:
        """Within `within_s` the connections of `subscribers` are closed as no longer allowed. AssertionError if not."""
        self._world.expect_closed([s.connection for s in subscribers], [NOT_ALLOWED], within_s)

    def _token(self, issuer: IdentityProvider, **claims: Any) -> str:
        return issuer.token("ada", [self._world.channel], **claims)

    def _logged_out(self) -> str:
        token = self._token(self._world.identity)
        self._world.gateways[0].log_out(token)
        return token

    def _cookie(self, origin: str) -> dict[str, Any]:
        """What a browser sends: the cookie goes along whatever page asks; only the origin says which page it was."""
        return {"cookie": f"session={self._token(self._world.identity)}", "origin": origin}


def _bearer(token: str) -> dict[str, Any]:
    return {"header": {"Authorization": f"Bearer {token}"}, "suppress_origin": True}
