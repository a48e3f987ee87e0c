"""What the suite may tell and ask the payment sandbox besides what it may of every provider."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from support.clients.provider_control import ProviderControl
from support.errors import ProbeError

Object = dict[str, Any]  # as the provider's API renders it


def saying(type_: str | None = None, **thing: Any) -> Object:
    """A patch by which an event is of that type, and says this of the thing that it is about."""
    return {**({"type": type_} if type_ else {}), **({"data": {"object": thing}} if thing else {})}


@dataclass(frozen=True)
class Endpoint:
    """Where webhooks go: the name of a node, the address as the sandbox sees it, the secrets that are live."""

    name: str
    url: str
    secrets: Sequence[str]


@dataclass(frozen=True)
class Attempt:
    """One attempt to deliver an event. `at` in seconds since the epoch; `status` is None when there was no answer.

    `number` counts the attempts that the sandbox made of itself; `body` is the SHA-256 of the bytes that went out.
    """

    event: str
    type: str
    order: str | None
    customer: str | None
    node: str
    number: int
    at: float
    took_s: float
    sign: str
    status: int | None
    answer: str
    error: str | None
    body: str

    @property
    def taken(self) -> bool:
        """Whether it was answered with 2xx."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        """Whether it was answered with 4xx: as something that is wrong, and will not be better another time."""
        return self.status is not None and 400 <= self.status < 500

    @property
    def failed(self) -> bool:
        """Whether there was no answer, or one that tells of an error of the node's own (5xx)."""
        return self.status is None or self.status >= 500


@dataclass(frozen=True)
class Sums:
    """What really moved, by the provider's own books: money by currency in its smallest unit."""

    charges: int
    money_in: Mapping[str, int]
    refunds: int
    money_back: Mapping[str, int]
    live_subscriptions: int


class PaymentSandboxControl(ProviderControl):
    """The control port of the payment sandbox. Whoever is asked about gets narrowed down by `order` or `customer`."""

    def settings(self, **changed: Any) -> None:
        """Changes how the sandbox behaves as a whole.

        max_page, over_refunds (refuse, accept), refunds (now, pending), retry_s, deliver_to (one, all), dunning_days,
        dunning_end (canceled, unpaid, past_due).
        """
        self.ask("POST", "/settings", changed)

    def send_webhooks_to(self, *endpoints: Endpoint) -> None:
        """Where webhooks go from now on, instead of wherever they went."""
        self.ask("PUT", "/endpoints", [vars(endpoint) for endpoint in endpoints])

    def hold_events(self, **match: Any) -> None:
        """Holds events that match (type or a list of them, order, customer) instead of delivering them."""
        self.ask("POST", "/outbox", {"hold": True, "match": match})

    def held_events(self) -> list[Object]:
        """The events that are held, in the order in which they were emitted."""
        return list(self.ask("GET", "/outbox")["events"])

    def release_events(self, groups: Sequence[Sequence[str]], to: Sequence[str] = (), gap_ms: int = 0) -> list[Attempt]:
        """Delivers held events by their ids: group after group, each `gap_ms` later, those of a group at once.

        `to` are nodes, taken in turn. Returns the first attempt of each; what is not taken is delivered again as ever.
        """
        said = {"groups": groups, "to": to, "gap_ms": gap_ms}
        return _attempts(self.ask("POST", "/outbox/release", said))

    def let_events_go(self) -> None:
        """Delivers what is held, and holds no more."""
        self.ask("POST", "/outbox", {"hold": False})

    def deliver(self, event: str, to: Sequence[str] = (), times: int = 1, **how: Any) -> list[Attempt]:
        """Delivers an event now, `times` at once, to these nodes in turn, and never again by itself.

        sign: ok, other (a stranger's secret), both (that and the right one), none (no header), v0, empty (the empty
        secret), nonascii, or {"offset_s": SECONDS}; patch: members to change before it is signed; raw: text in the
        place of the event; flip_byte: the place of a byte that is changed after it was signed.
        """
        return _attempts(self.ask("POST", "/deliveries", {"event": event, "to": to, "times": times, **how}))

    def deliveries(self, **match: str) -> list[Attempt]:
        """Every attempt to deliver, in the order in which they ended; by event, type, order, customer, node."""
        return _attempts(self.ask("GET", "/deliveries", query=match))

    def plant(self, **what: Any) -> Object:
        """Changes the books unasked, and without an event unless `event` names one; returns what was changed.

        add={amount, currency, metadata, ...}: a payment that succeeded; change=ID, set={...}; remove=ID.
        """
        return self._object("POST", "/plant", what)

    def act(self, **what: Any) -> Object:
        """What a customer or a bank does; returns what was changed.

        payment_intent=ID with authenticate= or finish= ok or fail, or with dispute= open, won or lost, or with
        refund=AMOUNT, which is given back on the provider's own page;
        refund=ID with finish= succeeded, failed, canceled or requires_action;
        customer=ID with card= a test card, by which subscriptions are paid from now on;
        subscription=ID with cancel= now or at_period_end, on the provider's own page.
        """
        return self._object("POST", "/act", what)

    def give_new_customers_a_clock(self, stands_at: int | None) -> None:
        """Whoever becomes a customer from now on has a test clock of their own, which stands at these seconds.

        With None, a new customer lives by the wall clock.
        """
        self.ask("POST", "/clock", {"new_customers": stands_at})

    def wind_clock(self, customer: str, to: int) -> None:
        """Winds the clock of a customer forward to these seconds; all that is due by then is done, in its order."""
        self.ask("POST", "/clock", {"customer": customer, "to": to})

    def now(self, customer: str) -> int:
        """The time by the customer's clock, in seconds since the epoch."""
        return int(self.ask("GET", "/clock", query={"customer": customer})["now"])

    def object(self, id_: str) -> Object:
        """An object as it is in the books now. Raises ProbeError when there is none."""
        return self._object("GET", f"/objects/{id_}")

    def sums(self, **match: str) -> Sums:
        """What really moved, for an `order` or a `customer`."""
        return Sums(**self.ask("GET", "/sums", query=match))

    def forget_keys(self, key: str = "") -> None:
        """Lets an idempotency key, or all of them, run out, as they do after 24 hours."""
        self.ask("DELETE", "/keys", query={"key": key} if key else {})

    def see_that_the_books_add_up(self) -> None:
        """Raises ProbeError when the sandbox contradicts itself: nothing may be judged by it then."""
        if problems := self.ask("GET", "/audit")["problems"]:
            raise ProbeError(f"the books of {self.name} do not add up: {problems}")

    def _object(self, method: str, path: str, body: Any = None) -> Object:
        return dict(self.ask(method, path, body))


def _attempts(answer: Any) -> list[Attempt]:
    return [Attempt(**row) for row in answer["attempts"]]
