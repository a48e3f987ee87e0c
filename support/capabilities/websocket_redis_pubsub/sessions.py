"""Who may watch what, and for how long: private channels, doubtful credentials, sessions that end."""

import itertools
import time
from collections.abc import Callable, Iterable
from functools import partial

from hamcrest import assert_that, equal_to

from support.capabilities.websocket_redis_pubsub.client import (
    Adapter,
    Answer,
    Ending,
    Grant,
    Refusal,
    Refused,
    Session,
    Signature,
)
from support.capabilities.websocket_redis_pubsub.subscriber import Subscriber, update_of
from support.capabilities.websocket_redis_pubsub.workspace import LIFETIME_S, Workspace
from support.polling import poll
from support.promise import must
from support.worlds.crowds import for_each

OWN_SITE = "https://app.example.com"  # the nodes are configured with it, see nodes.toml
FOREIGN_SITES = (  # each part of an origin counts: scheme, host and port (RFC 6454 section 5)
    "https://app.example.com.evil.example",
    "https://evil-app.example.com",
    "https://example.com",
    "http://app.example.com",
    "https://app.example.com:8443",
    "null",  # a page without an origin of its own, such as a sandboxed frame
)
REFUSALS = {"it has no valid session": Refusal.UNAUTHENTICATED, "it is of a foreign site": Refusal.FOREIGN_SITE}
_SITES = {
    "a valid token from a page of a foreign site": FOREIGN_SITES,
    "a valid token from a page of our own site": (OWN_SITE,),
}
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

    def __init__(self, world: Workspace) -> None:
        self._world = world
        self._watchers: list[Subscriber] = []
        self._serials: dict[str, list[int]] = {}
        self._answers: dict[str, Refusal | str] = {}

    def open(self, count: int) -> None:
        """`count` users, each with a channel that bears their name."""
        names = itertools.chain(_LOOK_ALIKES, map(str, itertools.count(1)))
        own = self._world.fresh("user")
        self._serials = {f"{own}:{name}": [] for name in itertools.islice(names, count)}
        for gateway in self._world.gateways:
            at_gateway = [self._world.newcomer(channel, channel) for channel in self._serials]
            for_each(at_gateway, partial(self._enter, gateway))
            self._watchers += at_gateway

    def send_to_each(self) -> None:
        """One update to each private channel, through the gateways in turn."""
        for number, (channel, serials) in enumerate(self._serials.items()):
            serials.append(self._world.send(self._world.gateways[number % 2], channel)[1])

    def expect_own_only(self, within_s: float) -> None:
        """Each user has their own updates, once at each gateway, and was told nothing about any other channel."""
        for watcher in self._watchers:
            self._world.expect([watcher], self._serials[watcher.name], within_s, watcher.name)
            shown = [a.event for a in watcher.arrivals() if not isinstance(a.event, Refused)]
            strange = [event for event in shown if getattr(event, "channel", None) != watcher.name]
            must(not strange, f"{watcher.name} was shown {strange[:3]}")

    def intrude(self) -> None:
        """Each user asks for the channel of each other over the connection, and without one for a neighbour's."""
        users = self._watchers[: len(self._serials)]
        for_each(list(zip(users, users[-1:] + users[:-1], strict=True)), self._intrude)

    def expect_refused(self) -> None:
        """Everything that was tried was answered as forbidden. AssertionError with what was not."""
        granted = {what: answer for what, answer in self._answers.items() if answer is not Refusal.FORBIDDEN}
        assert_that(granted, equal_to({}))

    def expect_seen_by_owner_only(self, within_s: float) -> None:
        """In the channel of each user are their own two connections, and nobody else."""
        for channel in self._serials:
            self._world.expect_present(channel, {channel: 2}, within_s)

    def _intrude(self, intruder_and_neighbour: tuple[Subscriber, Subscriber]) -> None:
        intruder, neighbour = intruder_and_neighbour
        for channel in self._serials.keys() - {intruder.name}:
            for verb, ask in (("watch", intruder.ask_to_watch), ("write to", partial(_write, intruder))):
                answer = ask(channel)
                refusal = answer.why if isinstance(answer, Refused) else str(answer)
                self._answers[f"{intruder.name}: {verb} {channel}"] = refusal
        gateway, session, channel = self._world.gateways[1], intruder.session, neighbour.name
        wrote, looked = gateway.write(session, channel, update_of(0)), gateway.look(session, channel)
        self._answers[f"{intruder.name}: write to {channel} without a connection"] = wrote or "done"
        self._answers[f"{intruder.name}: see who is in {channel}"] = looked or "done"

    def _enter(self, gateway: Adapter, watcher: Subscriber) -> None:
        self._world.enter(watcher, gateway, watcher.name)


class Sessions:
    """Connections with doubtful sessions, and sessions that end while they are in use."""

    def __init__(self, world: Workspace) -> None:
        self._world = world
        self._answers: dict[str, Refusal | None] = {}
        self._ends_at = 0
        self._ended = ""
        self._doubtful: dict[str, Callable[[], Session | None]] = {
            "no token": lambda: None,
            "a token that somebody else signed": partial(self._session, signature=Signature.FOREIGN),
            "an unsigned token": partial(self._session, signature=Signature.NONE),
            "an expired token": partial(self._session, lifetime_s=-1),
            "a token that never expires": partial(self._session, lifetime_s=None),
            "the token of a session that was logged out": self._logged_out,
        }

    def connect(self, kind: str) -> None:
        """Tries to connect to each gateway with what the feature calls `kind`.

        With a session that is not valid in both ways: with a program, and with a browser on a page of our own site.
        """
        make = self._doubtful.get(kind, self._session)
        sites: tuple[str | None, ...] = (None, OWN_SITE) if kind in self._doubtful else _SITES[kind]
        self._answers = {
            f"{gateway.name}, {f'from a page of {site}' if site else 'by a program'}": _try(gateway, make(), site)
            for gateway in self._world.gateways
            for site in sites
        }

    def expect_refused(self, reason: str) -> None:
        """Both gateways refused all of that for what the feature calls `reason`. AssertionError with the answers."""
        assert_that(self._answers, equal_to(dict.fromkeys(self._answers, REFUSALS[reason])))

    def expect_let_in(self) -> None:
        """Both gateways let them in. AssertionError with the answers."""
        assert_that(self._answers, equal_to(dict.fromkeys(self._answers)))

    def write_and_look(self) -> None:
        """Somebody writes to the workspace and asks who is there, with no session and with those that are not valid."""
        self._answers = {}
        for kind, session in ((kind, make()) for kind, make in self._doubtful.items()):
            for gateway in self._world.gateways:
                wrote = gateway.write(session, self._world.channel, update_of(0))
                looked = gateway.look(session, self._world.channel)
                self._answers |= {f"{kind}, {gateway.name}: write": wrote, f"{kind}, {gateway.name}: look": looked}

    def expect_cannot_write(self, subscriber: Subscriber) -> None:
        """The session of `subscriber` is refused when it writes to the workspace. AssertionError if not."""
        gateways, channel = self._world.gateways, self._world.channel
        answers = [gateway.write(subscriber.session, channel, update_of(0)) for gateway in gateways]
        assert_that(answers, equal_to([Refusal.UNAUTHENTICATED] * 2), "writing with a session that was logged out")

    def open(self, name: str, lifetime_s: float = LIFETIME_S) -> None:
        """One session of `name` with two connections to each gateway, all watching the workspace."""
        self._ends_at = int(time.time() + lifetime_s)
        session = self._world.session(name, self._world.channel, expires=self._ends_at)
        for gateway in (*self._world.gateways, *self._world.gateways):
            page = self._world.newcomer(name, self._world.channel)
            page.session = session
            self._world.enter(page, gateway, self._world.channel)

    def log_out(self, lifetime_s: float) -> None:
        """Ends a session that would have lasted for `lifetime_s`."""
        self._ends_at = int(time.time() + lifetime_s)
        self._ended = self._world.session("ada", self._world.channel, expires=self._ends_at)
        self._world.gateways[0].end_session(self._ended)

    def expect_refused_until(self, before_s: float) -> None:
        """Up to `before_s` before its end the session that was logged out is refused. AssertionError when it is not."""

        def other_answers() -> list[Refusal | None]:
            answers = [_try(gateway, self._ended) for gateway in self._world.gateways]
            return [answer for answer in answers if answer is not Refusal.UNAUTHENTICATED]

        others = poll(other_answers, self._ends_at - before_s - time.time(), every_s=0.2)
        must(not others, f"a session that was logged out was answered {others} before its end, None being let in")

    def expect_open_until(self, before_s: float) -> None:
        """Up to `before_s` before the session's end no connection is closed. AssertionError when one is."""
        left_s = self._ends_at - before_s - time.time()
        closed = poll(lambda: [s.name for s in self._world.subscribers if s.connection.ending], left_s)
        must(not closed, f"{closed} were closed more than {before_s:g} s before the session's end")

    def expect_closed_at_end(self, within_s: float) -> None:
        """Within `within_s` after the session's end all its connections are closed. AssertionError when one is not."""
        self.expect_closed(self._world.subscribers, self._ends_at + within_s - time.time())

    def expect_closed(self, subscribers: Iterable[Subscriber], within_s: float) -> None:
        """Within `within_s` the connections of `subscribers` are closed as no longer allowed. AssertionError if not."""
        self._world.expect_closed([s.connection for s in subscribers], Ending.NOT_ALLOWED, within_s)

    def _session(self, lifetime_s: float | None = LIFETIME_S, signature: Signature = Signature.OURS) -> Session:
        expires = None if lifetime_s is None else int(time.time() + lifetime_s)
        return self._world.gateways[0].session(Grant("ada", (self._world.channel,), expires, signature))

    def _logged_out(self) -> Session:
        session = self._session()
        self._world.gateways[0].end_session(session)
        return session


def _try(gateway: Adapter, session: Session | None, site: str | None = None) -> Refusal | None:
    """Connects, and leaves at once where that was let in."""
    entered = gateway.enter(session, site)
    if isinstance(entered, Refusal):
        return entered
    entered.socket.shutdown()
    return None


def _write(user: Subscriber, channel: str) -> Answer:
    return user.ask_to_publish(channel, update_of(0))
