"""One scenario of sessions: customers whom nobody has seen before, and what their devices prove themselves by."""

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product

from hamcrest import assert_that, empty, equal_to

from support.capabilities.auth_jwt_redis_session.bursts import Bursts
from support.capabilities.auth_jwt_redis_session.client import Adapter, Answer, Event, Tokens, Verdict
from support.capabilities.auth_jwt_redis_session.deeds import carried_out, do_all, leaving, looking, patient, told
from support.capabilities.auth_jwt_redis_session.endings import Endings
from support.capabilities.auth_jwt_redis_session.forgeries import Forgeries
from support.capabilities.auth_jwt_redis_session.kiosk import Kiosk
from support.capabilities.auth_jwt_redis_session.namesakes import Namesakes
from support.capabilities.auth_jwt_redis_session.outages import Outages
from support.capabilities.auth_jwt_redis_session.probe import SessionProbe
from support.capabilities.auth_jwt_redis_session.published import Published
from support.capabilities.auth_jwt_redis_session.refreshes import Refreshes
from support.capabilities.auth_jwt_redis_session.secrecy import Secrecy
from support.clients.identity_control import IdentityControl
from support.faults.faults import Faults
from support.polling import poll
from support.promise import broken
from support.worlds import world
from support.worlds.crowds import for_each
from support.worlds.world import part

_KIOSK = "kiosk"


def _password() -> str:
    """One that is longer than what some hashes take into account."""
    return secrets.token_urlsafe(90)


@dataclass(frozen=True)
class Customer:
    """By which name and password they sign in."""

    name: str
    password: str = field(repr=False)


class World(world.World[Adapter]):
    """What the steps of one scenario share. `devices` has the newest tokens by what sentences call the device."""

    bursts = part(Bursts)
    endings = part(Endings)
    forgeries = part(Forgeries)
    at_kiosk = part(Kiosk)
    namesakes = part(Namesakes)
    outages = part(Outages)
    published = part(Published)
    refreshes = part(Refreshes)
    secrecy = part(Secrecy)

    def __init__(self, stage: world.Stage, faults: Faults) -> None:
        super().__init__(stage, faults)
        self.identity = self.opened(IdentityControl.of(self.fleet, "identity-provider"))
        self.redis = self.opened(SessionProbe(self.fleet.stores["redis-durable"]))
        self.gateways = [node for node in self.nodes if node.role != _KIOSK]
        (self.kiosk,) = (node for node in self.nodes if node.role == _KIOSK)
        self.sessions_before = set(self.redis.keys(self.nodes[0].session_keys))
        self.customers: dict[str, Customer] = {}
        self.devices: dict[str, Tokens] = {}
        self._mark = self.fresh("")  # a name that differs from another in capitals alone does so with it, too
        self.heard: set[str] = set()  # secrets that were said in this scenario

    # Customers and their devices

    def register(self, name: str) -> Customer:
        """The customer whom sentences call `name`, who has an account from now on at the latest."""
        return self.customers.get(name) or self.register_as(name, name + self._mark)

    def register_as(self, name: str, spelling: str) -> Customer:
        """The same, for a customer whose name is spelt in a way of its own."""
        self.customers[name] = Customer(spelling, _password())
        self.hear_secret(self.customers[name].password)
        answer = carried_out(partial(self.gateways[0].register, *self._credentials(name)))
        assert_that(answer.verdict, equal_to(Verdict.ACCEPTED), f"the account of {name}")
        return self.customers[name]

    def sign_in(self, name: str, device: str, node: Adapter | None = None, shown: str = "") -> Tokens:
        """`name` signs in on `device`, through the first node unless another is named; `shown` is a token it has."""
        self.register(name)
        answer = told(partial((node or self.gateways[0]).sign_in, *self._credentials(name), shown))
        return self.keep(f"{name}'s {device}", answer)

    def sign_in_each(self, names: Sequence[str], device: str) -> None:
        """Each of `names` signs in on a `device`."""
        for_each(names, lambda name: self.sign_in(name, device))

    def sign_in_often(self, name: str, count: int) -> None:
        """`name` signs in on `count` more devices."""
        for_each(range(count), lambda number: self.sign_in(name, f"device {number}"))

    def keep(self, device: str, answer: Answer) -> Tokens:
        """The tokens of an answer, which `device` has from now on. AssertionError where there are none."""
        if answer.tokens is None:
            broken(f"{device} was to get tokens, and was answered {answer.verdict.name}: {answer.said}")
        self.devices[device] = answer.tokens
        self.hear_secret(answer.tokens.access, answer.tokens.refresh)
        return answer.tokens

    def change_password(self, name: str, device: str, node: Adapter | None = None) -> Answer:
        """`name` takes another password, on `device`, through the first node unless another is named."""
        new = _password()
        self.hear_secret(new)
        tokens, old = self.devices[f"{name}'s {device}"], self.customers[name]
        answer = carried_out(partial((node or self.gateways[0]).change_password, tokens.access, old.password, new))
        assert_that(answer.verdict, equal_to(Verdict.ACCEPTED), f"the new password of {name}")
        self.customers[name] = Customer(old.name, new)
        return answer

    def hear_secret(self, *texts: str) -> None:
        """What must be in no log; short texts are no secrets."""
        self.heard |= {text for text in texts if len(text) > 16}

    def _credentials(self, name: str) -> tuple[str, str]:
        return self.customers[name].name, self.customers[name].password

    # What must hold

    def expect_signed_in(self, *devices: str) -> None:
        """Every node takes the access token of each device, and takes it for its owner's."""
        for device, node in product(devices, self.nodes):
            owner = self.customers[device.partition("'")[0]].name
            answer = told(partial(node.call, self.devices[device].access))
            seen = (answer.verdict, answer.user)
            assert_that(seen, equal_to((Verdict.ACCEPTED, owner)), f"{device} at {node.name}")

    def expect_refreshes(self, device: str) -> None:
        """The refresh token of `device` gets the next tokens, which are taken everywhere."""
        self.keep(device, told(partial(self.gateways[-1].refresh, self.devices[device].refresh)))
        self.expect_signed_in(device)

    def expect_signed_out(self, *devices: str, within_s: float) -> None:
        """Within `within_s` no node takes a token of the devices for anything, and live connections have ended."""
        end = time.monotonic() + within_s
        poll(lambda: not any(self._lookers(device) for device in devices), within_s)
        for device in devices:
            assert_that(self._lookers(device), empty(), f"what takes the access token of {device} after {within_s:g} s")
            assert_that(self._users(device), empty(), f"what takes which token of {device} after {within_s:g} s")
            self.endings.expect_lines_ended(device, max(0.0, end - time.monotonic()))

    def expect_event(self, device: str, event: Event, count: int) -> None:
        """The history, as `device` may read it, tells of so many such events."""
        history = told(partial(self.gateways[0].events, self.devices[device].access))
        assert_that(history.events.count(event), equal_to(count), f"times that {event.name} is told")

    def expect_apart(self, device: str) -> None:
        """What `device` has opens its owner's account, or nothing."""
        answer = told(partial(self.gateways[-1].refresh, self.devices[device].refresh))
        if answer.verdict is not Verdict.UNAUTHENTICATED:
            self.keep(device, answer)
            self.expect_signed_in(device)

    def _lookers(self, device: str) -> list[str]:
        """What takes the access token of `device`, of all that may be tried again and again."""
        access = self.devices[device].access
        return self._granted(one for node in self.nodes for one in looking(node, access).items())

    def _users(self, device: str) -> list[str]:
        """What takes a token of `device`, of all that may use it up."""
        tokens, customer = self.devices[device], self.customers[device.partition("'")[0]]
        ends = (leaving(node, tokens.access, customer, customer.password) for node in self.nodes)
        refreshes = {f"{node.name}: refresh": partial(node.refresh, tokens.refresh) for node in self.nodes}
        return self._granted([*(one for deeds in ends for one in deeds.items()), *refreshes.items()])

    def _granted(self, deeds: Iterable[tuple[str, Callable[[], Answer]]]) -> list[str]:
        answers = do_all(self, patient(dict(deeds)))
        return [what for what, answer in answers.items() if answer.verdict is not Verdict.UNAUTHENTICATED]
