"""What customers ask for and must not get: what billing rejects, and what is another's, however alike their names."""

import uuid
from collections.abc import Callable, Iterable, Mapping

from hamcrest import assert_that, equal_to

from support.capabilities.database_transaction_coordination.client import Adapter, Booking, Outcome, Session
from support.capabilities.database_transaction_coordination.customer import Customer
from support.capabilities.database_transaction_coordination.differences import NOTHING
from support.worlds.crowds import for_each

NOBODY = Session("")


class Rejections:
    """Requests of a customer that are refused, each for another reason, and time after time."""

    def __init__(self, world: Customer) -> None:
        self._world = world
        self._other = world.another()
        self._wanted: dict[str, list[str]] = {}
        self._got: dict[str, list[str]] = {}

    def ask_for(self, requests: Iterable[Mapping[str, str]], times: int) -> None:
        """Asks each node `times` for each `request` of the feature's table, which says what its `refusal` must be.

        Both nodes side by side, each for one after the other: what a refusal leaves behind meets all those after it.
        """
        rows, kinds = list(requests), self._kinds()

        def ask(node: Adapter) -> None:
            for row in rows:
                told = f"{row['request']}, at {node.name}"
                self._got[told] = [kinds[row["request"]](node).value for _ in range(times)]

        self._wanted = {
            f"{row['request']}, at {node.name}": [row["refusal"]] * times for row in rows for node in self._world.nodes
        }
        for_each(self._world.nodes, ask)

    def expect_refused(self) -> None:
        """Each was refused as the table says, and no balance has changed. AssertionError with what each node said."""
        assert_that(self._got, equal_to(self._wanted))
        self._world.expect_balances()
        self._other.expect_balances()

    def _kinds(self) -> Mapping[str, Callable[[Adapter], Outcome]]:
        return self._of_charges() | self._of_refunds()

    def _of_charges(self) -> dict[str, Callable[[Adapter], Outcome]]:
        world, bill, mine = self._world, self._world.bill, self._world.session
        used, given_back = self._first_of_each()
        return {
            "a charge of an unknown account": lambda node: node.charge(mine, bill(str(uuid.uuid4()))),
            "a charge of another customer's account": lambda node: node.charge(mine, bill(self._other.accounts[0])),
            "a charge of nothing": lambda node: node.charge(mine, bill(cents=0)),
            "a charge of less than nothing": lambda node: node.charge(mine, bill(cents=-1)),
            "a charge under a used reference": lambda node: node.charge(mine, bill(reference=used.reference)),
            "a charge under a refund's reference": lambda node: node.charge(mine, bill(reference=given_back.reference)),
            "the same charge once more": lambda node: node.charge(mine, used),
            "the same on the other account": lambda node: node.charge(
                mine, used._replace(account=world.other_account(used.account))
            ),
            "a charge without a session": lambda node: node.charge(NOBODY, bill()),
        }

    def _of_refunds(self) -> dict[str, Callable[[Adapter], Outcome]]:
        world, bill, mine = self._world, self._world.bill, self._world.session
        used, done = self._first_of_each()
        much = sum(booking.cents for booking in world.booked) + 1
        return {
            "a refund of an unknown account": lambda node: node.refund(mine, bill(str(uuid.uuid4()), cents=-1)),
            "a refund of another customer's account": lambda node: node.refund(
                mine, bill(self._other.accounts[0], cents=-1)
            ),
            "a refund of nothing": lambda node: node.refund(mine, bill(cents=0)),
            "a refund of less than nothing": lambda node: node.refund(mine, bill(cents=1)),
            "a refund of more than was paid": lambda node: node.refund(mine, bill(cents=-much)),
            "a refund under a charge's reference": lambda node: node.refund(
                mine, bill(reference=used.reference, cents=-1)
            ),
            "the same refund once more": lambda node: node.refund(mine, done),
            "the same refund on the other account": lambda node: node.refund(
                mine, done._replace(account=world.other_account(done.account))
            ),
            "a refund without a session": lambda node: node.refund(NOBODY, bill(cents=-1)),
        }

    def _first_of_each(self) -> tuple[Booking, Booking]:
        """A charge and a refund that are booked."""
        booked = self._world.booked
        return next(one for one in booked if one.cents > 0), next(one for one in booked if one.cents < 0)


class Privacy:
    """Customers whose names look alike, each with an account, and what a node tells one of them of the others."""

    def __init__(self, world: Customer) -> None:
        self._world = world
        self._alike: list[Customer] = []
        self._told: dict[str, list[int | Outcome]] = {}

    def meet_alike(self) -> None:
        """Each of them pays two amounts of its own, under the same two references. AssertionError if one cannot."""
        references = [self._world.fresh("invoice") for _ in range(2)]
        for number, name in enumerate(_look_alikes(self._world.name)):
            one = self._world.another(name)
            self._alike.append(one)
            for node, reference in enumerate(references):
                one.book_one(one.bill(reference=reference, cents=1_000 * (number + 1) + node), node)

    def ask_for_balances(self) -> None:
        """At each node, each of them asks for each balance, the owner first; and one asks for what nobody has."""
        for_each(self._world.nodes, self._ask)

    def expect_own_only(self) -> None:
        """Each was told its own balance. All others were refused alike, so that nobody learns which accounts there are.

        AssertionError with what each was told.
        """
        wanted: dict[str, list[int | Outcome]] = {
            told: [Outcome.REJECTED] * len(answers) for told, answers in self._told.items()
        }
        for owner in self._alike:
            for node in self._world.nodes:
                account = owner.booked[0].account
                paid = owner.books.balances()[account]
                others: list[int | Outcome] = [Outcome.REJECTED] * (len(self._alike) - 1)
                wanted[f"{account}, by {node.name}"] = [paid, *others, Outcome.UNAUTHENTICATED]
        assert_that(self._told, equal_to(wanted))

    def expect_no_refund_of_others(self) -> None:
        """A cent more than each has paid is given back to none, by neither node. AssertionError if it is."""
        told = {
            f"{one.name}, by {node.name}": node.refund(
                one.session, one.bill(cents=-sum(one.books.balances().values()) - 1)
            )
            for one in self._alike
            for node in self._world.nodes
        }
        assert_that(told, equal_to(dict.fromkeys(told, Outcome.REJECTED)), "a cent more than was paid")

    def expect_shown(self, within_s: float) -> None:
        """Within `within_s` analytics shows what each of them paid, and reconciling names no difference of any."""
        for number, one in enumerate(self._alike):
            one.expect_shown(within_s)
            assert_that(one.reconcile(number % len(one.nodes)), equal_to(NOTHING), one.name)

    def _ask(self, node: Adapter) -> None:
        for owner in self._alike:
            account = owner.booked[0].account
            others = [one.session for one in self._alike if one is not owner]
            answers = [node.balance(session, account) for session in (owner.session, *others, NOBODY)]
            self._told[f"{account}, by {node.name}"] = answers
        self._told[f"nobody's, by {node.name}"] = [node.balance(self._alike[0].session, str(uuid.uuid4()))]


def _look_alikes(name: str) -> list[str]:
    """By letter case, a blank, what is before the last letter, a pattern, an accent, and after the 80th letter."""
    folded, long = f"{name}\u00e9", name.ljust(80, "x")
    return [
        name,
        name.upper(),
        f"{name} ",
        name[:-1],
        f"{name[:-1]}_",
        folded,
        f"{name}e\u0301",
        f"{long}1",
        f"{long}2",
    ]
