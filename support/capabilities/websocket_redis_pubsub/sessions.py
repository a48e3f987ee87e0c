"""Who may watch what, and for how long: private channels, doubtful credentials, sessions that end."""

import itertools
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from hamcrest import assert_that, equal_to

from support.capabilities.websocket_redis_pubsub.client import Gateway, Subscriber, update_of
from support.capabilities.websocket_redis_pubsub.workspace import Workspace
from support.clients.identity import IdentityProvider
from support.polling import poll
from support.worlds.crowds import for_each

OWN_SITE = "https://app.example.com"  # the nodes are configured with it, see nodes.toml
NOT_ALLOWED = 1008  # policy violation (RFC 6455 section 7.4.1)
FOREIGN_SITES = (  # each part of an origin counts: scheme, host and port (RFC 6454 section 5)
    "https://app.example.com.evil.example",
    "https://evil-app.example.com",
    "https://example.com",
    "http://app.example.com",
    "https://app.example.com:8443",
    "null",  # a page without an origin of its own, such as a sandboxed frame
)
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
    "a ",
    "a\u0308",  # looks like ä, which is in this list as one letter
    "a/b",
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

    def expect_seen_by_owner_only(self, within_s: float) -> None:
        """Whoever asks who is in their own channel sees their own two connections, and nobody else."""
        for watcher in self._watchers[::2]:
            look = partial(self._world.gateways[1].presence, watcher.token, watcher.name)
            poll(lambda look=look, own={watcher.name: 2}: look() == own, within_s)  # type: ignore[misc]
            assert_that(look(), equal_to({watcher.name: 2}), f"who is in {watcher.name}")

    def _intrude_over_socket(self, intruder: Subscriber, channel: str) -> None:
        writing = {"type": "publish", "channel": channel, "data": update_of(0), "ref": "intrusion"}
        for request in ({"type": "subscribe", "channel": channel}, writing):
            answer = intruder.ask(request, "error", "subscribed", "published")
            self._answers[f"{intruder.name}: {request['type']} {channel}"] = answer.get("error", answer["type"])

    def _intrude_over_http(self, intruder: Subscriber, channel: str) -> None:
        gateway, who = self._world.gateways[1], intruder.name
        self._answers[f"{who}: write to {channel}"] = gateway.offer(intruder.token, channel, update_of(0)).status_code
        self._answers[f"{who}: see who is in {channel}"] = gateway.ask_presence(intruder.token, channel).status_code

    def _enter(self, gateway: Gateway, watcher: Subscriber) -> None:
        self._world.enter(watcher, gateway, watcher.name)


class Sessions:
    """Handshakes with doubtful credentials, and sessions that end while they are in use."""

    def __init__(self, world: Workspace) -> None:
        self._world = world
        self._answers: dict[str, int] = {}
        self._ends_at = 0.0
        self._ended = ""
        self._tokens: dict[str, Callable[[], str]] = {
            "no session": lambda: "",
            "a session that somebody else signed": lambda: self._token(IdentityProvider("x" * 64)),
            "a session that nobody signed": lambda: world.identity.unsigned("eve", [world.channel]),
            "a session that has expired": lambda: self._token(world.identity, lifetime_s=-1),
            "a session that never expires": lambda: self._token(world.identity, exp=None),
            "a session that was logged out": self._logged_out,
        }

    def knock(self, kind: str) -> None:
        """Tries to open a WebSocket at each gateway, with the credentials that the feature calls `kind`.

        With a session that is not valid in both ways: as a program shows it, and as a browser does.
        """
        if kind in self._tokens:
            ways = {way: partial(shown, self._tokens[kind]) for way, shown in _WAYS.items()}
        else:
            sites = FOREIGN_SITES if kind == "a valid session from the page of a foreign site" else (OWN_SITE,)
            valid = partial(self._token, self._world.identity)
            ways = {f"from a page of {site}": partial(_by_cookie, valid, site) for site in sites}
        self._answers = {
            f"{gateway.name}, {way}": gateway.knock(**shown())
            for gateway in self._world.gateways
            for way, shown in ways.items()
        }

    def expect_answer(self, status: int) -> None:
        """Every answer of the gateways had the HTTP `status`. AssertionError with what they answered."""
        assert_that(self._answers, equal_to(dict.fromkeys(self._answers, status)))

    def write(self) -> None:
        """Somebody writes to the workspace and asks who is there, with no session and with those that are not valid."""
        self._answers = {}
        for kind, token in ((kind, make()) for kind, make in self._tokens.items()):
            for gateway in self._world.gateways:
                wrote = gateway.offer(token, self._world.channel, update_of(0))
                looked = gateway.ask_presence(token, self._world.channel)
                self._answers |= {f"{kind}, {gateway.name}: write": wrote.status_code}
                self._answers |= {f"{kind}, {gateway.name}: look": looked.status_code}

    def expect_cannot_write(self, subscriber: Subscriber) -> None:
        """The session of `subscriber` is refused when it writes to the workspace. AssertionError if not."""
        channel, token = self._world.channel, subscriber.token
        statuses = [gateway.offer(token, channel, update_of(0)).status_code for gateway in self._world.gateways]
        assert_that(statuses, equal_to([401, 401]), "writing with a session that was logged out")

    def open(self, name: str, lifetime_s: float = 600) -> None:
        """One session of `name` with two connections to each gateway, all watching the workspace."""
        self._ends_at = int(time.time() + lifetime_s)
        token = self._token(self._world.identity, exp=self._ends_at)
        for gateway in (*self._world.gateways, *self._world.gateways):
            subscriber = self._world.newcomer(name, self._world.channel)
            subscriber.token = token
            self._world.enter(subscriber, gateway, self._world.channel)

    def log_out(self, lifetime_s: float) -> None:
        """Ends a session that would have lasted for `lifetime_s`."""
        self._ends_at = int(time.time() + lifetime_s)
        self._ended = self._token(self._world.identity, exp=self._ends_at)
        self._world.gateways[0].log_out(self._ended)

    def expect_refused_until(self, before_s: float) -> None:
        """Up to `before_s` before its end the session that was logged out is refused. AssertionError when it is not."""

        def admitted() -> list[str]:
            return [
                gateway.name
                for gateway in self._world.gateways
                if gateway.knock(**_by_header(lambda: self._ended)) != 401
            ]

        let_in = poll(admitted, self._ends_at - before_s - time.time(), every_s=0.2)
        assert not let_in, f"{let_in} let in a session that was logged out before its end"

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


def _by_header(session: Callable[[], str]) -> dict[str, Any]:
    """What a program shows; without a session, nothing."""
    token = session()
    return {"suppress_origin": True} | ({"header": {"Authorization": f"Bearer {token}"}} if token else {})


def _by_cookie(session: Callable[[], str], site: str = OWN_SITE) -> dict[str, Any]:
    """What a browser shows: the cookie goes along whatever page asks; only the origin says which page it was."""
    token = session()
    return {"origin": site} | ({"cookie": f"session={token}"} if token else {})


_WAYS = {"by header": _by_header, "by cookie": _by_cookie}
