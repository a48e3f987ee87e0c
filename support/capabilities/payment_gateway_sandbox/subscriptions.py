"""Subscribers, each of whom lives by a clock of their own at the provider: months go by in a moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to

from support.capabilities.payment_gateway_sandbox.client import Adapter, Card, Money, Outcome, Quote
from support.capabilities.payment_gateway_sandbox.moments import SUBSCRIBING
from support.capabilities.payment_gateway_sandbox.probe import Flow
from support.clients.payment_sandbox_control import Object
from support.errors import ProbeError
from support.polling import poll
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.payment_gateway_sandbox.world import World

_WITHIN_S = 5.0
_SAID_WITHIN_S = 5.0  # what is on its way is in no list yet, and may come when all looks quiet
_HOUR_S = 3600
_MONTH_S = 32 * 24 * _HOUR_S  # the longest, and a day
_QUIET_LOOKS = 4


@dataclass
class Subscriber:
    """A customer with a subscription: `id` is what the provider knows them by, `live_before` all there were before."""

    name: str
    plan: str
    id: str = ""


class Subscriptions:
    """The scenario's subscribers, the newest last."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.all: list[Subscriber] = []
        self._live_before = world.provider.sums().live_subscriptions
        self.quote: Quote | None = None
        self.outcome: Outcome | None = None
        self.before: dict[tuple[str, str], str | None] = {}
        self.end = 0

    @property
    def one(self) -> Subscriber:
        """The subscriber that sentences mean."""
        return self.all[-1]

    def begin(self, day: str, plan: str, trial_days: int = 0) -> None:
        """Somebody subscribes on `day`, or "today", through the first node. AssertionError when they cannot."""
        self._world.provider.give_new_customers_a_clock(None if day == "today" else _at(day))
        subscriber = Subscriber(self._world.fresh("subscriber"), plan)
        answer = self._world.nodes[0].subscribe(subscriber.name, plan, Card.GOOD.value, trial_days)
        assert_that(answer.outcome, equal_to(Outcome.DONE), f"of a subscription: {answer}")
        subscriber.id = self._world.books.provider_id(subscriber.name)
        self.all.append(subscriber)
        self._quiet()

    def subscribed(self, plan: str) -> Subscriber:
        """Somebody who subscribes now, and is none of `all`. AssertionError when they cannot."""
        name = self._world.fresh("subscriber")
        answer = self._world.nodes[0].subscribe(name, plan, Card.GOOD.value)
        assert_that(answer.outcome, equal_to(Outcome.DONE), f"of a subscription: {answer}")
        return Subscriber(name, plan, self._world.books.provider_id(name))

    def leave_waiting(self, plan: str, do: str = "hold_before") -> None:
        """Somebody subscribes through the first node, which is held before the provider has done it, or after.

        Raises FaultError.
        """
        name, node = self._world.fresh("subscriber"), self._world.nodes[0]
        self.all.append(Subscriber(name, plan))
        self._world.bank.hold(do, dict(SUBSCRIBING), lambda: node.subscribe(name, plan, Card.GOOD.value))

    def subscribe_twice(self, plan: str) -> None:
        """Two clicks: the second one comes through the other node while the first is on its way to the provider."""
        self.leave_waiting(plan)
        self.subscribe_again(Card.GOOD)
        self._world.bank.go_on()
        self.subscribe_until_told()

    def subscribe_again(self, card: Card) -> Outcome:
        """They subscribe again, through the other node; what they are told."""
        return self._world.nodes[1].subscribe(self.one.name, self.one.plan, card.value).outcome

    def subscribe_until_told(self) -> None:
        """They subscribe again and again until they are told that they have."""
        poll(lambda: self.subscribe_again(Card.GOOD) is Outcome.DONE, _WITHIN_S, 0.2)
        self.one.id = self._world.books.provider_id(self.one.name)

    def begin_declined(self, plan: str) -> None:
        """Somebody subscribes by a card that fails. AssertionError when they are not told that it was declined."""
        self.all.append(Subscriber(self._world.fresh("subscriber"), plan))
        outcome = self._world.nodes[0].subscribe(self.one.name, plan, Card.FAILS_FROM_NOW_ON.value).outcome
        assert_that(outcome, equal_to(Outcome.DECLINED), "what the subscriber was told")

    def begin_by_another_card(self) -> None:
        """They subscribe again, through the other node, by a card that is good."""
        self.outcome = self.subscribe_again(Card.ANOTHER)
        self._quiet()

    def wind(self, moment: str | int) -> None:
        """Time goes by for all of them until that day; the platform has heard all that the provider tells of it."""
        for subscriber in self.all:
            to = _at(moment) if isinstance(moment, str) else self._world.provider.now(subscriber.id) + moment
            self._world.provider.wind_clock(subscriber.id, to)
        self._quiet()

    def wind_to_the_eve_of(self, day: str) -> None:
        """Time goes by until the last second before that day."""
        self.wind(_at(day) - 1 - self._world.provider.now(self.one.id))

    def watch_until(self, day: str) -> None:
        """Time goes by until the last second of what is paid for, where access is looked at, and then until `day`.

        Only then comes what is held.
        """
        first = dict(self._world.provider.object(self._subscription()["id"]))
        end = int(first["items"]["data"][0]["current_period_end"])
        self.wind(end - 1 - self._world.provider.now(self.one.id))
        self.before, self.end = self._seen(self.one.plan), end
        self.wind(day)
        self._world.provider.let_events_go()
        self._quiet()

    def expect_access_until(self, plan: str, day: str) -> None:
        """All could use `plan` until that day, and nothing now. AssertionError if not."""
        assert_that(self.end, equal_to(_at(day)), "the end of what is paid for, by the provider")
        assert_that(self.before, equal_to(dict.fromkeys(self.before, plan)), "what they could use a second before that")
        self.expect_access(None)

    def fail_from_now_on(self) -> None:
        """Every charge of the subscriber's card is declined from now on."""
        self._world.provider.act(customer=self.one.id, card=Card.FAILS_FROM_NOW_ON.value)

    def expect_access_by_day(self, rows: Sequence[Mapping[str, str]]) -> None:
        """On each day, by both nodes, the subscriber can use the plan that the row says. AssertionError if not."""
        found = {}
        for row in rows:
            self.wind(row["day"])
            found[row["day"]] = set(self._seen(_plan(row["access"])).values())
        wanted = {row["day"]: {_plan(row["access"])} for row in rows}
        assert_that(found, equal_to(wanted), "what the subscriber could use on each day")

    def expect_access(self, plan: str | None, within_s: float = _SAID_WITHIN_S) -> None:
        """All of them can use `plan`, or nothing, by each node that is up, within that. AssertionError if not."""
        seen = self._seen(plan, within_s)
        assert_that(seen, equal_to(dict.fromkeys(seen, plan)), "what the subscribers can use")

    def ask_quote(self, plan: str, day: str) -> None:
        """The subscriber asks what a change would cost, at noon: within a day from then there is a midnight."""
        self.wind(day)
        self.wind(12 * _HOUR_S)
        self.quote = self._world.nodes[0].quote(self.one.name, plan)

    def change(self, plan: str, hours: int = 1) -> None:
        """The subscriber changes so much later, for what was quoted last, through the other node."""
        if self.quote is None:
            raise ProbeError("nothing was quoted")
        self.wind(hours * _HOUR_S)
        self.outcome = self._world.nodes[1].change(self.one.name, plan, self.quote).outcome
        self._quiet()

    def expect_invoiced_as_quoted(self) -> None:
        """The provider's invoice for the change is what was quoted, to the cent. AssertionError if not."""
        subscription = self._world.provider.object(self._subscription()["id"])
        invoice = self._world.provider.object(subscription["latest_invoice"])
        told = self.quote.due if self.quote else None
        assert_that(Money.of(invoice["total"], invoice["currency"].upper()), equal_to(told), "invoiced, and quoted")
        assert_that(invoice["status"], equal_to("paid"), "the invoice")

    def expect_told(self, *outcomes: Outcome) -> None:
        """The subscriber was told one of these. AssertionError if not."""
        must(self.outcome in outcomes, f"the subscriber was told {self.outcome}, and not one of {outcomes}")

    def cancel_each_way(self) -> None:
        """One cancels with the platform, the other on the provider's own page: both with what is paid for.

        What the provider tells of that is held.
        """
        self._world.provider.hold_events(type="customer.subscription.updated")
        answer = self._world.nodes[1].cancel(self.all[0].name)
        assert_that(answer.outcome, equal_to(Outcome.DONE), "canceled with the platform")
        self._world.provider.act(subscription=self._subscription(self.all[1])["id"], cancel="at_period_end")
        self._quiet()

    def expect_one_live(self) -> None:
        """There is one live subscription more than before. AssertionError if not."""
        live = self._world.provider.sums().live_subscriptions - self._live_before
        assert_that(live, equal_to(1), "live subscriptions, by the provider")

    def expect_charged(self, *amounts: Decimal) -> None:
        """Each was charged so much in all, by the provider and by the platform's books. AssertionError if not."""
        for subscriber, amount in zip(self.all, amounts, strict=True):
            self._expect_charged(subscriber, amount)

    def expect_bill(self, of: Subscriber, amount: Decimal, plan: str = "basic") -> None:
        """They have one subscription, can use `plan`, and were charged so much for it. AssertionError if not."""
        for node in self._world.up:
            assert_that(self._settled(node, of.name, plan), equal_to(plan), f"what {of} can use, by {node.name}")
        self._expect_charged(of, amount)
        live = self._world.provider.sums(customer=of.id).live_subscriptions
        assert_that(live, equal_to(1), f"live subscriptions of {of}, by the provider")

    def end_on_the_page(self) -> Subscriber:
        """Somebody subscribes, and ends that at once on the provider's own page."""
        one = self.subscribed("basic")
        self._world.provider.act(subscription=self._subscription(one)["id"], cancel="now")
        return one

    def fail_to_renew(self, since: int) -> None:
        """Somebody subscribes at that moment, to the second, and their card fails from the second month on."""
        self._world.provider.give_new_customers_a_clock(since)
        one = self.subscribed("basic")
        self._world.provider.give_new_customers_a_clock(None)
        self._world.provider.act(customer=one.id, card=Card.FAILS_FROM_NOW_ON.value)
        self._world.provider.wind_clock(one.id, since + _MONTH_S)

    def expect_ended(self, of: Subscriber, within_s: float) -> None:
        """Within `within_s` they can use nothing any more, by each node. AssertionError if not."""
        for node in self._world.up:
            plan = self._settled(node, of.name, None, within_s)
            assert_that(plan, equal_to(None), f"what {of} can use, by {node.name}")

    def end_of(self, of: Subscriber) -> int | None:
        """When the subscription is to end, by the provider, in seconds since the epoch."""
        end = self._world.provider.object(self._subscription(of)["id"])["cancel_at"]
        return None if end is None else int(end)

    def _expect_charged(self, subscriber: Subscriber, amount: Decimal) -> None:
        subscriber.id = subscriber.id or self._world.books.provider_id(subscriber.name)
        minor = Money(amount, "USD").minor
        theirs = self._world.provider.sums(customer=subscriber.id).money_in
        assert_that(dict(theirs), equal_to({"usd": minor}), f"charged to {subscriber}, by the provider")
        wanted = {("charge", "USD"): minor}
        poll(partial(self._is_booked, subscriber, wanted), _WITHIN_S)
        assert_that(dict(self._world.books.moved(subscriber.name)), equal_to(wanted), "by the platform's books")

    def _is_booked(self, subscriber: Subscriber, wanted: Mapping[Flow, int]) -> bool:
        return dict(self._world.books.moved(subscriber.name)) == wanted

    def _seen(self, plan: str | None, within_s: float = _SAID_WITHIN_S) -> dict[tuple[str, str], str | None]:
        each = product(self.all, self._world.up)
        return {(one.name, node.name): self._settled(node, one.name, plan, within_s) for one, node in each}

    def _settled(self, node: Adapter, name: str, plan: str | None, within_s: float = _SAID_WITHIN_S) -> str | None:
        """What a node says that a subscriber can use; it has a moment to say `plan`."""
        poll(lambda: node.access(name) == plan, within_s)
        return node.access(name)

    def _subscription(self, of: Subscriber | None = None) -> Object:
        """The subscription as the provider told of it first."""
        customer, told = (of or self.one).id, "customer.subscription.created"
        sent = self._world.provider.deliveries(customer=customer, type=told)
        events = [self._world.provider.object(sent[0].event)] if sent else self._world.provider.held_events()
        first = [one["data"]["object"] for one in events if one["type"] == told]
        found = [one for one in first if one["customer"] == customer]
        if not found:
            raise ProbeError(f"the provider has told of no subscription of {customer}")
        return dict(found[0])

    def _quiet(self) -> None:
        """Returns when all that the provider had to tell has been taken, and it has no more to tell for a moment."""
        looks: list[list[tuple[str, bool]]] = []

        def still() -> bool:
            seen = [self._world.provider.deliveries(customer=one.id) for one in self.all]
            looks.append([(attempt.event, attempt.taken) for some in seen for attempt in some])
            last = looks[-_QUIET_LOOKS:]
            return len(last) == _QUIET_LOOKS and all(look == last[0] for look in last) and _all_taken(last[0])

        poll(still, _WITHIN_S, 0.05)


def _all_taken(look: list[tuple[str, bool]]) -> bool:
    return {event for event, _ in look} == {event for event, taken in look if taken}


def _plan(said: str) -> str | None:
    return None if said == "none" else said


def _at(day: str) -> int:
    """Midnight of a day (UTC), in seconds since the epoch."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())
