"""Payments of which the bank decides later: until then nothing is charged, and nothing is asked for anew."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from hamcrest import assert_that, equal_to, is_in

from support.capabilities.payment_gateway_sandbox.client import Card, Outcome
from support.polling import poll
from support.worlds.crowds import for_each

if TYPE_CHECKING:
    from support.capabilities.payment_gateway_sandbox.world import Bill, World

_CARDS = {"asks the customer": Card.TO_BE_CONFIRMED, "takes its time": Card.DECIDED_LATER}
_TOLD = {"asks the customer": Outcome.TO_BE_CONFIRMED, "takes its time": Outcome.NOT_KNOWN}
_ENDS = {"is paid": "ok", "is refused": "fail"}
_HEARD_WITHIN_S = 5.0


class Undecided:
    """An order for each way of a bank, and what it comes to."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._rows: list[tuple[Mapping[str, str], Bill]] = []

    def begin(self, rows: Sequence[Mapping[str, str]]) -> None:
        """An order for each row, which is paid by such a card; the platform hears of nothing meanwhile."""
        for row in rows:
            bill = self._world.place(Decimal("19.99"), "USD")
            self._rows.append((row, bill))
            self._world.bank.begin(bill, _CARDS[row["the bank"]])

    def expect_waiting(self) -> None:
        """Each customer was told to confirm or to wait, and nothing is charged. AssertionError if not."""
        for row, bill in self._rows:
            self._world.expect_told(bill, _TOLD[row["the bank"]])
            self._world.expect_not_charged(bill)

    def pay_again_and_decide(self) -> None:
        """Each is paid again when the provider has forgotten the keys, and by another card; then all is decided."""
        self._world.provider.forget_keys()
        for_each(self._rows, lambda one: self._pay_again(one[1], _CARDS[one[0]["the bank"]]), at_once=4)
        for row, bill in self._rows:
            self._world.bank.decide_all(bill, _ENDS[row["in the end it"]])
        self._world.provider.let_events_go()

    def expect_paid(self, within_s: float) -> None:
        """Within `within_s` all count as paid of which the bank paid, and were charged once. AssertionError if not."""
        for row, bill in self._rows:
            answers = [answer.outcome for answer in bill.told]
            for outcome in answers:
                assert_that(outcome, is_in([_TOLD[row["the bank"]], Outcome.CONFLICT]), f"while it waited: {answers}")
            if row["in the end it"] == "is paid":
                self._world.expect_settled(bill, within_s)
                self._world.expect_one_charge(bill)

    def expect_payable(self) -> None:
        """All others can be paid by another card once the platform has heard, and are charged for that alone."""
        for bill in [bill for row, bill in self._rows if row["in the end it"] == "is refused"]:
            poll(lambda bill=bill: self._is_paid(bill), _HEARD_WITHIN_S, 0.2)  # type: ignore[misc]
            assert_that(bill.told[-1].outcome, equal_to(Outcome.DONE), f"of another card: {bill.told[-1]}")
            self._world.expect_one_charge(bill)

    def _pay_again(self, bill: "Bill", card: Card) -> None:
        self._world.pay(bill, self._world.nodes[1], card)
        self._world.pay(bill, self._world.nodes[0], Card.ANOTHER)

    def _is_paid(self, bill: "Bill") -> bool:
        return self._world.pay(bill, self._world.nodes[1], Card.ANOTHER).outcome is Outcome.DONE
