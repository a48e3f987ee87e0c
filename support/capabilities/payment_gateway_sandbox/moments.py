"""Moments of a payment that a scenario has to hit: charged and not answered, answered and not heard, decided later."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from support.capabilities.payment_gateway_sandbox.client import Adapter, Answer, Card, Money, Outcome
from support.clients.payment_sandbox_control import Object
from support.clients.provider_control import ArmedFault
from support.errors import ProbeError
from support.polling import poll

if TYPE_CHECKING:
    from support.capabilities.payment_gateway_sandbox.world import Bill, World

_WITHIN_S = 5.0
CHARGING = {"method": "POST", "path": "/v1/payment_intents"}
GIVING_BACK = {"method": "POST", "path": "/v1/refunds"}
_UNDECIDED = {"requires_action": "authenticate", "processing": "finish"}  # by a payment's status, what is to be done
_TOLD_OF_A_PAYMENT = {"payment_intent.created", "charge.succeeded", "payment_intent.succeeded"}
SUBSCRIBING = {"method": "POST", "path": "/v1/subscriptions"}


class Bank:
    """The provider, and the customer's bank behind it, at such moments."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._aside = ThreadPoolExecutor(8)
        self._held: list[tuple[list[ArmedFault], Future[Answer]]] = []
        world.opened(self)

    # Answers that are late or lost

    def charge_without_answering(self, bill: "Bill", node: Adapter) -> None:
        """The customer pays through `node`, is charged, and the provider's answer is held. Raises FaultError."""
        self.hold("hold_after", {**CHARGING, "order": bill.order.id}, lambda: self._world.pay(bill, node))

    def hold(self, do: str, match: dict[str, str], meanwhile: Callable[[], Answer]) -> None:
        """Does something at whose request to the provider that is held there. Raises FaultError if it is not.

        Nobody else is told of it meanwhile: what was done is answered by an error, whoever asks for it.
        """
        faults = [self._world.provider.arm(do, 1 if do == "hold_after" else None, match=match)]
        if do == "hold_after":
            faults.append(self._world.provider.arm("status", None, match=match, status=503, when="after"))
        self._held.append((faults, self._aside.submit(_heard, meanwhile)))
        faults[0].await_waiting()

    def answer_in_vain(self, pause_s: float) -> None:
        """What is held is answered while nothing can be written down, and so it stays for `pause_s`."""
        self.answer_again()
        time.sleep(pause_s)

    def answer_again(self) -> None:
        """Lets what is held go on, and waits for nobody."""
        for fault in [fault for faults, _ in self._held for fault in faults]:
            fault.heal()

    def go_on(self) -> list[Answer]:
        """Lets what is held go on, and returns what its customers were told."""
        self.answer_again()
        held, self._held = self._held, []
        return [answer.result() for _, answer in held]

    def hang(self, bills: "Sequence[Bill]") -> None:
        """Requests to charge these orders are neither carried out nor answered."""
        asked = [{**CHARGING, "order": bill.order.id} for bill in bills]
        self._hanging = [self._world.provider.arm("hang", None, match=match) for match in asked]

    def see_all_hang(self) -> None:
        """Returns when the provider has been asked for all that it does not answer. Raises FaultError."""
        for fault in self._hanging:
            fault.await_hits()

    def recover(self) -> None:
        """From now on the provider does and answers what it is asked. FaultError if there was nothing to recover of."""
        self.see_all_hang()
        for fault in self._hanging:
            fault.heal()

    def fall_silent(self) -> None:
        """From now on the provider tells of nothing; what was told of the payments so far has been heard by then.

        Raises ProbeError when a node has not taken that.
        """
        self._world.provider.hold_events()
        self.hear_out()

    def hear_out(self) -> None:
        """Returns when a node has taken all that the provider tells of the payments so far. Raises ProbeError."""
        paid = [bill for bill in self._world.bills if bill.told]
        if not poll(lambda: all(self._heard_of(bill) for bill in paid), _WITHIN_S):
            raise ProbeError(f"no node has taken what the provider told of the payments so far: {paid}")

    def _heard_of(self, bill: "Bill") -> bool:
        """Whether all that the provider tells of a payment that succeeded was taken, or is held."""
        taken = {one.type for one in self._world.provider.deliveries(order=bill.order.id) if one.taken}
        return taken | self.held_of(bill.order.id).keys() >= _TOLD_OF_A_PAYMENT

    # Payments that are decided later

    def begin(self, bill: "Bill", card: Card = Card.DECIDED_LATER) -> None:
        """The customer pays by a card of which the bank decides later; the platform hears of nothing meanwhile."""
        self._world.provider.hold_events()
        self._world.pay(bill, self._world.nodes[0], card)

    def decide(self, bill: "Bill") -> str:
        """The bank decides, or the customer confirms; returns the provider's id of the payment."""
        intent = self.intent_of(bill)
        self._decide(intent, "ok")
        return intent

    def decide_all(self, bill: "Bill", how: str) -> None:
        """Each payment of an order that is not decided is: "ok", or "fail" when the bank or the customer refuses it."""
        for intent in self._intents_of(bill.order.id):
            if self._world.provider.object(intent)["status"] in _UNDECIDED:
                self._decide(intent, how)

    def decide_for(self, bill: "Bill", money: Money) -> None:
        """The bank decides for another amount than was asked for."""
        changed = {"amount": money.minor, "currency": money.currency.lower()}
        self._world.provider.plant(change=self.intent_of(bill), set=changed)
        self.decide(bill)

    def _decide(self, intent: str, how: str) -> None:
        verb = _UNDECIDED[self._world.provider.object(intent)["status"]]
        self._world.provider.act(payment_intent=intent, **{verb: how})

    def intent_of(self, bill: "Bill") -> str:
        """The provider's id of the payment of an order, by the events of it. Raises ProbeError."""
        return str(self.told_of(bill, "payment_intent.created")["data"]["object"]["id"])

    def told_of(self, bill: "Bill", type_: str) -> Object:
        """The event of this type about an order, held or delivered. Raises ProbeError when there is none."""
        found = poll(lambda: self._events(bill.order.id, type_), _WITHIN_S)
        if not found:
            raise ProbeError(f"the provider has no event {type_} about {bill.order}")
        return found[-1]

    def held_of(self, order: str) -> dict[str, Object]:
        """The events about an order that are held, by their types; the newest of each."""
        held, names = self._world.provider.held_events(), (order, *self._intents_of(order))
        return {one["type"]: one for one in held if any(name in str(one["data"]["object"]) for name in names)}

    def _intents_of(self, order: str) -> list[str]:
        """The payments of an order of which the events are held."""
        told = [one for one in self._world.provider.held_events() if one["type"] == "payment_intent.created"]
        return [str(one["data"]["object"]["id"]) for one in told if order in str(one["data"]["object"])]

    def close(self) -> None:
        """Lets everybody go on."""
        self.go_on()
        self._aside.shutdown()

    def _events(self, order: str, type_: str) -> list[Object]:
        """Of a refund the event names its payment, not the order."""
        held = self.held_of(order)
        if type_ in held:
            return [held[type_]]
        return [
            self._world.provider.object(one.event) for one in self._world.provider.deliveries(order=order, type=type_)
        ]


def _heard(ask: Callable[[], Answer]) -> Answer:
    """The answer; a node that was killed gives none, and nobody knows then."""
    try:
        return ask()
    except AssertionError:
        return Answer(Outcome.NOT_KNOWN)
