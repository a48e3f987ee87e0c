"""What companies do one after the other, drawn anew each time; after each change all are told what must be so then."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from support.capabilities.multi_tenant_isolation.client import Adapter, Customer, Import, Refusal
from support.capabilities.multi_tenant_isolation.company import Company, Expected, fresh
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.multi_tenant_isolation.world import World

# Names that are alike up to one character are not the same, whatever that is.
_ALIKE = (
    "a",
    "A",
    "\u00e1",
    "a ",
    " a",
    "a_",
    "a%",
    "a*",
    "[a]",
    "a:",
    "a/",
    "a?",
    "a#",
    "a+",
    "a&",
    "a;",
    "a'",
    "a\\",
    "01",
    "1",
)
_REGIONS = ("n", "N", "n/ ")
_CENTS = (1, 9, 10, 99, 100, 900, 1_000, 9_999, 10_000, 2**31 - 1, 2**31, 2**32, 10**12)
_PAGES = 320  # customers: more than any list shows on one page

Deed = Callable[["Story", Company, Adapter], None]


class Story:
    """Companies that make changes of every kind, under ids and regions that look alike; drawn anew each time."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._dice = world.draw()
        stem = fresh("x")
        self._ids = [f"{stem}{end}" for end in _ALIKE]
        self._regions = [f"{stem}{end}" for end in _REGIONS]
        self._touched: list[str] = []
        self._told = ""

    def tell(self, labels: list[str]) -> None:
        """A change of each kind by the last company and by one of the others, at a server each, in a drawn order.

        It ends with the first wrong answer.
        """
        world = self._world
        *others, last = companies = [world.companies[label] for label in labels]
        chapters: list[tuple[Deed, Company, Adapter]] = []
        for number, deed in enumerate(_DEEDS):
            first, second = self._dice.sample(world.nodes, 2)
            chapters += [(deed, others[number % len(others)], first), (deed, last, second)]
        self._dice.shuffle(chapters)
        self._begin(companies)
        for deed, company, node in [*chapters, (Story._import_many, companies[0], world.large)]:
            if world.complaints:
                return
            self._told = f"{company.label}: {deed.__name__.strip('_')} at {node.name}"
            world.exchanges.note("the story", f"{self._dice}, {self._told}")
            self._supply(company)
            self._touched = []
            deed(self, company, node)
            self._look_round(company, self._dice.choice([one for one in companies if one is not company]))

    def expect_told(self) -> None:
        """Everybody was told what it had stored, and nothing else, after each change. AssertionError if not."""
        wrong = self._world.complaints
        must(not wrong, f"{self._dice}, after {self._told}: {len(wrong)} wrong answers: {wrong[:3]}")

    def _begin(self, companies: list[Company]) -> None:
        """Everybody has customers, with and without invoices, the first of them under each id; all have seen that."""
        for id_ in self._ids:
            companies[0].store(self._world.small, self._fits_in(companies[0], self._touch(id_)))
        for invoice, id_ in zip(self._ids, self._ids[1:], strict=False):
            companies[0].charge(self._world.large, invoice, id_, self._dice.choice(_CENTS))
        for company in companies:
            self._supply(company)
            self._look_round(company, company)
            self._touched = []

    def _supply(self, company: Company) -> None:
        """Lets the company have customers and an invoice, so that there is something to change."""
        while sum(id_ in self._ids for id_ in company.customers) < 3:
            self._store(company, self._world.large)
        if not any(id_ in self._ids for id_ in company.invoices):
            self._charge(company, self._world.small)

    def _look_round(self, company: Company, other: Company) -> None:
        """Whoever made a change asks for all that it has at both servers, and another for what it has of that name."""
        world = self._world
        for node in world.nodes:
            self._look_at_touched(node, company, self._regions)
        node = self._dice.choice(world.nodes)
        self._look_at_touched(node, other, [self._dice.choice(self._regions)])
        world.hear_all(node, company)
        world.hear(other, node.customers(other.session), sorted(one.name for one in other.customers.values()))

    def _look_at_touched(self, node: Adapter, company: Company, regions: list[str]) -> None:
        world, session = self._world, company.session
        for region in regions:
            world.hear(company, node.report(session, region), company.report(region))
        for id_ in dict.fromkeys(self._touched):
            world.hear(company, node.customer(session, id_), company.customers.get(id_, Refusal.UNKNOWN))
            world.hear(company, node.invoice(session, id_), _cents(company, id_))

    # What companies do

    def _store(self, company: Company, node: Adapter) -> None:
        company.store(node, self._newcomer(company))

    def _correct(self, company: Company, node: Adapter) -> None:
        """All but the id and the region."""
        customer = self._one(company)
        company.store(node, company.new_customer(customer.id, region=customer.region, email=_address()))

    def _move(self, company: Company, node: Adapter) -> None:
        """Nothing but the region."""
        customer = self._one(company)
        region = self._dice.choice([one for one in self._regions if one != customer.region])
        company.store(node, customer._replace(region=region))

    def _give_address_on(self, company: Company, node: Adapter) -> None:
        """The address of a customer is that of a new one, once the first has another."""
        customer = self._one(company)
        company.store(node, customer._replace(email=_address()))
        company.store(node, self._newcomer(company)._replace(email=customer.email))

    def _delete(self, company: Company, node: Adapter) -> None:
        customer = self._one(company, charged=True)
        self._touched += [id_ for id_, (charged, _) in company.invoices.items() if charged == customer.id]
        company.delete(node, customer.id)

    def _delete_and_store_again(self, company: Company, node: Adapter) -> None:
        """What had been charged to the first one of that id is not charged to the second."""
        self._delete(company, node)
        company.store(node, self._fits_in(company, self._touched[0]))

    def _charge(self, company: Company, node: Adapter) -> None:
        invoice = self._unused(list(company.invoices))
        company.charge(node, invoice, self._one(company).id, self._dice.choice(_CENTS))

    def _correct_invoice(self, company: Company, node: Adapter) -> None:
        invoice, (customer, cents) = self._invoice(company)
        company.charge(node, invoice, customer, self._dice.choice([one for one in _CENTS if one != cents]))

    def _charge_another(self, company: Company, node: Adapter) -> None:
        """Nothing of an invoice changes but whom it is for; so it stays when the first one is deleted."""
        invoice, (customer, cents) = self._invoice(company)
        self._touched.append(customer)
        other = self._dice.choice([one for one in company.customers if one in self._ids and one != customer])
        company.charge(node, invoice, other, cents)
        company.delete(node, customer)

    def _let_outgrow(self, company: Company, node: Adapter) -> None:
        """Of two customers of a region, alone there, the one who was charged 900 is outgrown by one charged 1000."""
        region = fresh("region")
        for cents in (900, 1_000):
            customer = company.new_customer(region=region, email=_address())
            company.store(node, customer)
            self._world.hear(company, node.report(company.session, region), company.report(region))
            company.charge(node, fresh("invoice"), customer.id, cents)
            self._world.hear(company, node.report(company.session, region), company.report(region))

    def _import(self, company: Company, node: Adapter) -> None:
        """A new customer, and another name for one that is there; started once more, when that has another again."""
        upload, customer = fresh("2026/11 %?#"), self._one(company)
        customers = [self._newcomer(company), company.new_customer(customer.id, region=customer.region)]
        self._upload(company, node, upload, customers, Import.DONE)
        company.customers |= {one.id: one for one in customers}
        company.store(node, company.new_customer(customer.id, region=customer.region))
        self._upload(company, node, upload, customers, Import.DONE)

    def _import_in_vain(self, company: Company, node: Adapter) -> None:
        """The last of its customers has an address that is taken."""
        taken = self._newcomer(company)._replace(email=self._one(company).email)
        self._upload(company, node, fresh("import"), [self._newcomer(company), taken], Import.FAILED)

    def _import_many(self, company: Company, node: Adapter) -> None:
        customers = [company.new_customer(region=self._regions[0]) for _ in range(_PAGES)]
        self._upload(company, node, fresh("import"), customers, Import.DONE)
        company.customers |= {one.id: one for one in customers}

    def _try_in_vain(self, company: Company, node: Adapter) -> None:
        """Changes that begin and cannot end; and the deletion of nobody."""
        for kind in range(3):
            answer = node.spoiled(company.session, self._touch(fresh("customer")), self._one(company), kind)
            must(answer.refusal, f"a change that cannot be made was made: {answer}")
        self._world.hear(company, node.delete_customer(company.session, fresh("customer")), Refusal.UNKNOWN)

    def _have_key_changed(self, company: Company, node: Adapter) -> None:
        answer = node.change_key(self._world.staff, company.id)
        must(answer.refusal is None, f"the key was not changed: {answer}")
        self._one(company)

    def _be_looked_at(self, company: Company, node: Adapter) -> None:
        answer = self._world.look(node, company, self._world.staff_member)
        must(answer.refusal is None, f"our staff were refused: {answer}")

    # With what

    def _one(self, company: Company, charged: bool = False) -> Customer:
        """One of the company's, of those that have invoices if they are to."""
        charged_ones = {customer for customer, _ in company.invoices.values()}
        ids = [id_ for id_ in company.customers if id_ in self._ids and (id_ in charged_ones or not charged)]
        return company.customers[self._touch(self._dice.choice(ids))]

    def _invoice(self, company: Company) -> tuple[str, tuple[str, int]]:
        invoice = self._touch(self._dice.choice([id_ for id_ in company.invoices if id_ in self._ids]))
        self._touched.append(company.invoices[invoice][0])
        return invoice, company.invoices[invoice]

    def _newcomer(self, company: Company) -> Customer:
        return self._fits_in(company, self._unused([*company.customers, *self._touched]))

    def _fits_in(self, company: Company, id_: str) -> Customer:
        return company.new_customer(id_, region=self._dice.choice(self._regions), email=_address())

    def _unused(self, used: list[str]) -> str:
        return self._touch(self._dice.choice([id_ for id_ in self._ids if id_ not in used] or [fresh("id")]))

    def _touch(self, id_: str) -> str:
        self._touched.append(id_)
        return id_

    def _upload(self, company: Company, node: Adapter, id_: str, customers: list[Customer], ending: Import) -> None:
        answer = node.start_import(company.session, id_, customers)
        if answer.refusal in (Refusal.INVALID, Refusal.TAKEN) and ending is Import.FAILED:
            return  # it was seen at once that this cannot be done
        must(answer.refusal is None, f"an import was refused: {answer}")
        self._world.await_import(company, id_, ending)


def _cents(company: Company, invoice: str) -> Expected:
    return company.invoices[invoice][1] if invoice in company.invoices else Refusal.UNKNOWN


def _address() -> str:
    return f"{fresh('address')}@example.com"


_DEEDS: tuple[Deed, ...] = (
    Story._store,
    Story._correct,
    Story._move,
    Story._give_address_on,
    Story._delete,
    Story._delete_and_store_again,
    Story._charge,
    Story._correct_invoice,
    Story._charge_another,
    Story._let_outgrow,
    Story._import,
    Story._import_in_vain,
    Story._try_in_vain,
    Story._have_key_changed,
    Story._be_looked_at,
)
