"""A company of a scenario: what it has stored, and what it must therefore be told."""

import random
import re
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from support.capabilities.multi_tenant_isolation.client import (
    Adapter,
    Answer,
    Customer,
    Ids,
    Refusal,
    Report,
    Session,
    Told,
)
from support.capabilities.multi_tenant_isolation.probe import Row
from support.promise import must

REGION = "north"  # where every company has customers
ELSEWHERE = "south"  # a region that nobody asks for: what was abandoned, or is under way, may be there or not
COMMON = ("customer-1", "customer-2", "customer-3")  # ids that every company uses, each for its own customer


_SHARED = " 0"  # what many names of every company have in them


class InOrder(NamedTuple):
    """Names, or who looked, that must be told in this order."""

    items: tuple[str, ...]


class Charged(NamedTuple):
    """What a report must tell: of each customer of the region the name, and the sum of its invoices."""

    customers: tuple[tuple[str, int], ...]

    def fits(self, told: Told) -> bool:
        """Whether this is told; of several who were charged most it may name any."""
        if not isinstance(told, Report):
            return False
        most = max((cents for _, cents in self.customers), default=0)
        largest: set[str | None] = {name for name, cents in self.customers if cents == most}
        figures = (len(self.customers), sum(cents for _, cents in self.customers))
        return figures == (told.customers, told.cents) and told.largest in (largest or {None})


Expected = Told | InOrder | Charged | Refusal


def fresh(kind: str) -> str:
    """An id that nobody has used before, always as long."""
    return f"{kind}-{uuid.uuid4().hex[:12]}"


def unique_text() -> str:
    """A text that is found nowhere else."""
    return uuid.uuid4().hex


@dataclass
class Company:
    """A company: `label` is what sentences call it, `id` what the platform does, `session` what it acts by.

    `mark` is in the name of each of its customers, and `secret` in each bank detail. `abandoned` are the names of those
    of whom nobody was told, or was told yet, whether they are stored, `ids` those of what only this company has, and
    `looks` the members of the platform's staff who looked at it, in their order.
    """

    label: str
    id: str
    session: Session
    mark: str = field(default_factory=unique_text)
    secret: str = field(default_factory=unique_text)
    customers: dict[str, Customer] = field(default_factory=dict)
    invoices: dict[str, tuple[str, int]] = field(default_factory=dict)
    looks: list[str] = field(default_factory=list)
    abandoned: set[str] = field(default_factory=set)
    ids: Ids = field(init=False)

    # What it does

    def new_customer(self, id_: str = "", **changes: Any) -> Customer:
        """A customer that is yet to be stored; the same ids, addresses and regions are used by every company.

        With the id of one that is stored it has another name and other bank details than that.
        """
        id_ = id_ or fresh("customer")
        one = uuid.uuid4().hex[:8]
        name = f"{self.label} {len(self.customers) + len(self.abandoned) + 1:03} {one} {self.mark}"
        usual = Customer(id_, name, f"{id_}@example.com", REGION, f"DE {one} {self.secret}", f"T {one} {self.secret}")
        return usual._replace(**changes)

    def store(self, node: Adapter, customer: Customer) -> Answer:
        """Stores a customer, and has it confirmed. AssertionError when it is refused."""
        answer = node.put_customer(self.session, customer)
        must(answer.refusal is None, f"{self.label} was refused to store a customer: {answer}")
        self.customers[customer.id] = customer
        return answer

    def delete(self, node: Adapter, customer: str) -> None:
        """Deletes a customer, whose invoices are gone with it. AssertionError when it is refused."""
        answer = node.delete_customer(self.session, customer)
        must(answer.refusal is None, f"{self.label} was refused to delete a customer: {answer}")
        del self.customers[customer]
        self.invoices = {id_: charged for id_, charged in self.invoices.items() if charged[0] != customer}

    def charge(self, node: Adapter, invoice: str, customer: str, cents: int = 0) -> None:
        """Stores an invoice, of its own amount where none is given. AssertionError when it is refused."""
        cents = cents or random.randrange(1, 10_000_000)
        answer = node.put_invoice(self.session, invoice, customer, cents)
        must(answer.refusal is None, f"{self.label} was refused to store an invoice: {answer}")
        self.invoices[invoice] = (customer, cents)

    def settle(self, nodes: Sequence[Adapter]) -> None:
        """Stores what every scenario begins with: what all companies have, and what only this one has."""
        self.ids = Ids(self.id, fresh("customer"), fresh("invoice"), fresh("import"), fresh("region"))
        for number, id_ in enumerate(COMMON):
            self.store(nodes[number % len(nodes)], self.new_customer(id_))
            self.charge(nodes[number % len(nodes)], f"invoice-{number + 1}", id_)
        self.store(nodes[0], self.new_customer(self.ids.customer, region=self.ids.region))
        self.charge(nodes[0], self.ids.invoice, self.ids.customer)

    # What it must be told

    def report(self, region: str = REGION) -> Charged:
        """The report on a region, by what was stored."""
        charged = Counter(dict.fromkeys(self.customers, 0))
        for customer, cents in self.invoices.values():
            charged[customer] += cents
        here = [one for one in self.customers.values() if one.region == region]
        return Charged(tuple((customer.name, charged[customer.id]) for customer in here))

    def questions(self, node: Adapter) -> Iterator[tuple[Answer, Expected]]:
        """Every question that a company has, asked: the answer, and what it must tell."""
        names = sorted(customer.name for customer in self.customers.values())
        first = self.customers[COMMON[0]]
        yield node.customers(self.session), names
        yield node.customers_backwards(self.session), InOrder(tuple(reversed(names)))
        yield node.customers(self.session, containing=_SHARED), [name for name in names if _SHARED in name]
        yield node.customer(self.session, first.id), first
        yield node.invoice(self.session, "invoice-1"), self.invoices["invoice-1"][1]
        yield node.report(self.session, REGION), self.report()
        yield node.looks(self.session), InOrder(tuple(self.looks))

    def fits(self, answer: Answer, expected: Expected) -> bool:
        """Whether an answer is what is expected; of names abandoned ones may be there or not."""
        names = [name for name in answer.names if name not in self.abandoned]
        match expected:
            case Refusal():
                return answer.refusal is expected
            case Charged():
                return answer.refusal is None and expected.fits(answer.told)
            case InOrder():
                told = names + [look.who for look in answer.looks]
                return answer.refusal is None and told == list(expected.items)
            case list():
                return answer.refusal is None and sorted(names) == expected
        return answer.refusal is None and bool(answer.told == expected)

    def marks(self) -> tuple[str, str, str]:
        """What nobody else may ever be shown."""
        return self.mark, self.id, self.secret

    def faults_in(self, rows: Sequence[Row], others: Sequence["Company"]) -> list[str]:
        """What is wrong about the rows that hold the company's mark, by what was confirmed."""
        strays = [str(row) for row in rows if self.id not in row.text or any(one.id in row.text for one in others)]
        pattern = re.compile(rf"{self.label} \d+ [0-9a-f]{{8}} {self.mark}")
        there = Counter(name for row in rows for name in pattern.findall(row.text))
        confirmed = Counter(customer.name for customer in self.customers.values())
        missing, surplus = confirmed - there, there - confirmed - Counter(self.abandoned)
        return (
            [f"not under {self.label}: {stray}" for stray in strays]
            + [f"missing: {name}" for name in missing]
            + [f"never confirmed, or replaced, or there twice: {name}" for name in surplus]
        )
