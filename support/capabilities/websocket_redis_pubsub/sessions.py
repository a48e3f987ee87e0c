"""Who may watch what, and for how long: private channels, doubtful credentials, sessions that end."""

import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from functools import partial
from itertools import chain, count, islice, permutations
from urllib.parse import unquote

from hamcrest import assert_that, equal_to

from support.capabilities.websocket_redis_pubsub.client import (
    Adapter,
    Answer,
    Ending,
    Grant,
    Position,
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
from support.worlds.world import turns

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
    "1",
    "10",
)
# What a platform may do to names before it compares them, so that it takes one for another.
_MAKES_ALIKE: tuple[Callable[[str], str], ...] = (
    str.casefold,
    str.strip,
    unquote,
    lambda name: name.replace(" ", ""),
    partial(unicodedata.normalize, "NFKC"),
    lambda name: unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode(),
)


class PrivateChannels:
    """Users who each watch a channel of their own at both gateways; the names are easily mistaken for each other."""

    def __init__(self, world: Workspace) -> None:
        self._world = world
        self._watchers: list[Subscriber] = []
        self._serials: dict[str, list[int]] = {}
        self._names: dict[str, str] = {}  # channel -> the part of its name that is easily mistaken
        self._answers: dict[str, Refusal | str] = {}

    def open(self, users: int) -> None:
        """`users`, each with a channel that bears their name."""
        own = self._world.fresh("user")
        names = islice(chain(_LOOK_ALIKES, map(str, count(11))), users)
        self._names = {f"{own}:{name}": name for name in names}
        self._serials = {channel: [] for channel in self._names}
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
        """Each user asks for the channel of each other, and does all else that one can with those that look alike."""
        for_each(self._watchers[: len(self._serials)], self._intrude)

    def expect_refused(self) -> None:
        """Everything that was tried was answered as forbidden. AssertionError with what was not."""
        granted = {what: answer for what, answer in self._answers.items() if answer is not Refusal.FORBIDDEN}
        assert_that(granted, equal_to({}))

    def expect_seen_by_owner_only(self, within_s: float) -> None:
        """In the channel of each user are their own two connections, and nobody else."""
        for channel in self._serials:
            self._world.expect_present(channel, {channel: 2}, within_s)

    def _intrude(self, intruder: Subscriber) -> None:
        for owner in self._watchers[: len(self._serials)]:
            if owner is not intruder:
                tried = self._everything(intruder, owner) if self._alike(intruder, owner) else {}
                tried["watch"] = partial(_watch, intruder, owner.name)
                self._answers |= {f"{intruder.name}: {verb} {owner.name}": ask() for verb, ask in tried.items()}

    def _everything(self, intruder: Subscriber, owner: Subscriber) -> dict[str, Callable[[], Refusal | str]]:
        """What else one can do with a channel; `owner` knows a position in it."""
        gateway, session, channel = self._world.gateways[1], intruder.session, owner.name
        return {
            "watch from a position": lambda: _watch(intruder, channel, owner.position(channel)),
            "write over a connection to": lambda: _told(intruder.ask_to_publish(channel, update_of(0))),
            "write to": lambda: gateway.write(session, channel, update_of(0)) or "done",
            "see who is in": lambda: gateway.look(session, channel) or "done",
        }

    def _alike(self, one: Subscriber, other: Subscriber) -> bool:
        """Whether one name might be taken for the other: as a pattern, as its beginning, or as another spelling."""
        pair = self._names[one.name], self._names[other.name]
        spelt = any(make(pair[0]) == make(pair[1]) for make in _MAKES_ALIKE)
        return spelt or any(fnmatchcase(name, of) or name.startswith(of) for name, of in permutations(pair))

    def _enter(self, gateway: Adapter, watcher: Subscriber) -> None:
        self._world.enter(watcher, gateway, watcher.name)


class Sessions:
    """Connections with doubtful sessions, and sessions that end while they are in use."""

    def __init__(self, world: Workspace) -> None:
        self._world = world
        self._answers: dict[str, Refusal | None] = {}
        self._ends_at = 0
        self._ended = ""
        self._pages: dict[str, list[Subscriber]] = {}  # device -> its pages that are open
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

    def open(self, name: str, device: str, lifetime_s: float = LIFETIME_S) -> None:
        """One session of `name` with three pages at each gateway that watch the workspace; one of each is closed again.

        The session has been good for all that one can do, at both gateways.
        """
        world, self._ends_at = self._world, int(time.time() + lifetime_s)
        session = world.session(name, world.channel, expires=self._ends_at)
        pages = [world.newcomer(name, world.channel) for _ in (*world.gateways, *world.gateways, *world.gateways)]
        for page, gateway in zip(pages, turns(world.gateways), strict=False):
            page.session = session
            world.enter(page, gateway, world.channel)
        for page in pages[: len(world.gateways)]:
            page.leave()
        self._pages[f"{name}'s {device}"] = pages[len(world.gateways) :]
        answers = self._everything(session)
        assert_that(answers, equal_to(dict.fromkeys(answers)), f"what {name} can do with a valid session")

    def open_devices(self, *names: str) -> None:
        """Each of `names` has a session on a laptop and one on a phone, with two pages open at each gateway."""
        for name in names:
            for device in ("laptop", "phone"):
                self.open(name, device)

    def log_out_on(self, device: str, gateway: Adapter) -> None:
        """Whoever has such a device logs out on it, at `gateway`."""
        for page in self._first_pages(device):
            self._world.log_out(page.session, gateway)

    def log_out_another(self) -> None:
        """Ada logs out of another session, which would have ended at the same time."""
        self._ended = self._world.session("ada", self._world.channel, expires=self._ends_at)
        self._world.log_out(self._ended, self._world.gateways[0])

    def expect_pages_closed(self, device: str, within_s: float) -> None:
        """Within `within_s` every page of such a device is closed as no longer allowed. AssertionError if not."""
        self.expect_closed([page for pages in self._of(device) for page in pages], within_s)

    def expect_good_for_nothing(self, device: str) -> None:
        """The sessions of such a device cannot connect, write or see who is there. AssertionError if one can."""
        for page in self._first_pages(device):
            answers = self._everything(page.session)
            told = f"what {page.name} can do with a session that is over"
            assert_that(answers, equal_to(dict.fromkeys(answers, Refusal.UNAUTHENTICATED)), told)

    def expect_next_update_at(self, device: str) -> None:
        """The next update reaches every page of such a device once, and nobody else is present any more."""
        pages = [page for pages in self._of(device) for page in pages]
        self._world.expect_next_update(pages)
        self._world.expect_present(self._world.channel, dict(Counter(page.name for page in pages)), within_s=2)

    def expect_as_told_until(self, before_s: float) -> None:
        """Up to `before_s` before their end one session's pages are open, and the one that was logged out is refused.

        AssertionError when it is otherwise.
        """

        def wrong() -> list[object]:
            answers = [_try(gateway, self._ended) for gateway in self._world.gateways]
            let_in: list[object] = [answer for answer in answers if answer is not Refusal.UNAUTHENTICATED]
            seen = let_in + [page.name for pages in self._of("") for page in pages if page.connection.ending]
            return seen if time.time() < self._ends_at else []  # who looked later cannot tell

        others = poll(wrong, self._ends_at - before_s - time.time(), every_s=0.2)
        must(not others, f"{before_s:g} s before the end of both sessions: {others} were closed, or let in (None)")

    def expect_closed_at_end(self, within_s: float) -> None:
        """Within `within_s` after the session's end its pages are closed and nobody is there. AssertionError if not."""
        self.expect_pages_closed("", self._ends_at + within_s - time.time())
        self._world.expect_present(self._world.channel, {}, within_s)

    def expect_closed(self, subscribers: Iterable[Subscriber], within_s: float) -> None:
        """Within `within_s` the connections of `subscribers` are closed as no longer allowed. AssertionError if not."""
        self._world.expect_closed([s.connection for s in subscribers], Ending.NOT_ALLOWED, within_s)

    def _session(self, lifetime_s: float | None = LIFETIME_S, signature: Signature = Signature.OURS) -> Session:
        expires = None if lifetime_s is None else int(time.time() + lifetime_s)
        return self._world.gateways[0].session(Grant("ada", (self._world.channel,), expires, signature))

    def _logged_out(self) -> Session:
        session = self._session()
        self._world.log_out(session, self._world.gateways[0])
        return session

    def _of(self, device: str) -> list[list[Subscriber]]:
        """The pages of each device whose name ends so."""
        return [pages for name, pages in self._pages.items() if name.endswith(device)]

    def _first_pages(self, device: str) -> list[Subscriber]:
        """A page of each session."""
        return [pages[0] for pages in self._of(device)]

    def _everything(self, session: Session) -> dict[str, Refusal | None]:
        """What each gateway answers to all that one can do with a session; None where it is done."""
        channel = self._world.channel
        answers: dict[str, Refusal | None] = {}
        for gateway in self._world.gateways:
            answers[f"{gateway.name}: connect"] = _try(gateway, session)
            answers[f"{gateway.name}: connect from a page of our own site"] = _try(gateway, session, OWN_SITE)
            answers[f"{gateway.name}: write"] = gateway.write(session, channel, update_of(0))
            answers[f"{gateway.name}: see who is there"] = gateway.look(session, channel)
        return answers


def _try(gateway: Adapter, session: Session | None, site: str | None = None) -> Refusal | None:
    """Connects, and leaves at once where that was let in."""
    entered = gateway.enter(session, site)
    if isinstance(entered, Refusal):
        return entered
    entered.socket.shutdown()
    return None


def _watch(user: Subscriber, channel: str, after: Position | None = None) -> Refusal | str:
    return _told(user.ask_to_watch(channel, after))


def _told(answer: Answer) -> Refusal | str:
    return answer.why if isinstance(answer, Refused) else str(answer)
