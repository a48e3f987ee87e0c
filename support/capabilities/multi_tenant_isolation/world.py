"""One scenario of companies that are kept apart: who they are, what they were told, what must therefore hold."""

from collections.abc import Iterable, Sequence

from support.capabilities.multi_tenant_isolation.accounts import Accounts
from support.capabilities.multi_tenant_isolation.client import Adapter, Answer, Import, Refusal
from support.capabilities.multi_tenant_isolation.company import COMMON, Company, Expected, fresh
from support.capabilities.multi_tenant_isolation.details import BankDetails
from support.capabilities.multi_tenant_isolation.outside import Imports, LookAlikes, Looks, Rush
from support.capabilities.multi_tenant_isolation.probe import Ground, Row
from support.capabilities.multi_tenant_isolation.story import Story
from support.capabilities.multi_tenant_isolation.strangers import Credentials, Guesses, Requests, Texts
from support.capabilities.multi_tenant_isolation.turns import Turns
from support.errors import ProbeError
from support.faults.faults import Faults
from support.polling import poll
from support.promise import must
from support.worlds import world
from support.worlds.world import Stage, part

_IMPORTED_WITHIN_S = 10.0


class World(world.World[Adapter]):
    """What all rules have in common; what belongs to some of them is a part of its own."""

    accounts = part(Accounts)
    bank_details = part(BankDetails)
    credentials = part(Credentials)
    guesses = part(Guesses)
    imports = part(Imports)
    look_alikes = part(LookAlikes)
    looks = part(Looks)
    requests = part(Requests)
    rush = part(Rush)
    story = part(Story)
    texts = part(Texts)
    turns = part(Turns)

    def __init__(self, stage: Stage, faults: Faults) -> None:
        super().__init__(stage, faults)
        self.small, self.large = self.nodes
        self.staff_member = self.fresh("staff")
        self.staff = self.small.staff_session(self.staff_member)
        self.companies: dict[str, Company] = {}
        self.ground = self.opened(Ground(self.fleet))
        self._complaints: list[str] = []
        self._before: dict[str, list[Row]] = {}

    def meet_company(self, label: str, name: str = "", own_schema: bool = False) -> Company:
        """A new company, with what every scenario begins with."""
        id_ = self.small.open_company(self.staff, name or self.fresh(label), own_schema)
        self.companies[label] = Company(label, id_, self.small.session(id_))
        self.companies[label].settle(self.nodes)
        return self.companies[label]

    @property
    def acme(self) -> Company:
        """The company that tries, or errs, or is unlucky."""
        return self.companies["Acme"]

    @property
    def globex(self) -> Company:
        """The company whose data are at stake."""
        return self.companies["Globex"]

    def others(self, company: Company) -> list[Company]:
        """All companies but one."""
        return [one for one in self.companies.values() if one is not company]

    def fill_every_table(self) -> None:
        """Lets Acme and Globex also have imports, done and failed, and a look of our staff in their access logs."""
        failing = fresh("import")
        for company in (self.acme, self.globex):
            customer, taken = company.new_customer(), company.new_customer(email=company.customers[COMMON[0]].email)
            self.large.start_import(company.session, company.ids.upload, [customer])
            self.large.start_import(company.session, failing, [taken])
            self.look(self.large, company, self.staff_member)
            company.customers[customer.id] = customer
        for company in (self.acme, self.globex):
            self.await_import(company, company.ids.upload, Import.DONE)
            self._await_any_end(company, failing)

    def leave_imports_waiting(self) -> None:
        """Acme and Globex start an import each at the small server, which may refuse it and keep it."""
        for company in (self.acme, self.globex):
            customer = company.new_customer()
            company.abandoned.add(customer.name)
            self.small.start_import(company.session, fresh("import"), [customer])

    def look(self, node: Adapter, company: Company, who: str) -> Answer:
        """A member of our staff looks at a company's customers."""
        answer = node.look(node.staff_session(who), company.id)
        if answer.refusal is None:
            company.looks.append(who)
        return answer

    def await_import(self, company: Company, id_: str, ending: Import, within_s: float = _IMPORTED_WITHIN_S) -> None:
        """An import has ended so. AssertionError when not."""
        self._await_any_end(company, id_, within_s)
        answer = self.large.import_state(company.session, id_)
        must(answer.told is ending, f"{company.label}'s import {id_} has not ended as {ending}: {answer}")

    def _await_any_end(self, company: Company, id_: str, within_s: float = _IMPORTED_WITHIN_S) -> None:
        poll(lambda: self.large.import_state(company.session, id_).told is not Import.WAITING, within_s)

    # What was heard

    def hear(self, company: Company, answer: Answer, expected: Expected) -> None:
        """Looks through an answer to the company now, and remembers what is wrong about it."""
        self._complaints += self.leaks(company, answer)
        if answer.refusal is not None and not isinstance(expected, Refusal):
            self._complaints.append(f"{company.label} was refused {answer.asked}: {answer.refusal.value}")
        elif not company.fits(answer, expected):
            told = answer.refusal or answer.told
            self._complaints.append(f"{company.label} asked {answer.asked}, was told {told}, expected {expected}")

    def hear_all(self, node: Adapter, company: Company) -> None:
        """The company asks a server all its questions, and what it is told is looked through."""
        for answer, expected in company.questions(node):
            self.hear(company, answer, expected)

    @property
    def complaints(self) -> Sequence[str]:
        """What was wrong about answers so far."""
        return self._complaints

    def leaks(self, company: Company, answer: Answer) -> list[str]:
        """What of other companies an answer holds, whatever else it is."""
        return [
            f"{company.label} asked {answer.asked} and was shown what is {other.label}'s: {answer.text}"
            for other in self.others(company)
            if any(mark in answer.text for mark in other.marks())
        ]

    def expect_heard_rightly(self) -> None:
        """Every answer was complete, right, and free of what is others'. AssertionError with what was not."""
        wrong = self._complaints
        must(not wrong, f"{len(wrong)} wrong answers, the first: {wrong[:3]}")

    # What is there

    def remember(self) -> None:
        """What the database holds of each company at this moment."""
        self._before = {label: self.ground.rows(company.id) for label, company in self.companies.items()}

    def expect_unchanged(self, *labels: str) -> None:
        """The database holds of these companies what it held. AssertionError with what is gone and what is new."""
        for label in labels:
            before, after = self._before[label], self.ground.rows(self.companies[label].id)
            if not before:
                raise ProbeError(f"no row of {label} was found before, so none can be missed")
            must(
                before == after,
                f"{label}'s rows have changed: gone {[row for row in before if row not in after]},"
                f" new {[row for row in after if row not in before]}",
            )

    def expect_kept(self, within_s: float) -> None:
        """Within `within_s` the database holds what was confirmed, once, under its company. AssertionError if not."""
        poll(lambda: not self._misplaced(), within_s)
        wrong = self._misplaced()
        must(not wrong, f"after {within_s:g} s {len(wrong)} rows are not as confirmed, the first: {wrong[:3]}")

    def _misplaced(self) -> list[str]:
        return [
            fault
            for company in self.companies.values()
            for fault in company.faults_in(self.ground.rows(company.mark), self.others(company))
        ]

    def expect_readable(self, company: Company, but: Iterable[str] = ()) -> None:
        """Both servers show all customers of the company with their bank details, `but` some. AssertionError if not."""
        for node in self.nodes:
            for customer in company.customers.values():
                if customer.id not in but:
                    self.hear(company, node.customer(company.session, customer.id), customer)
        self.expect_heard_rightly()

    def expect_all_readable(self) -> None:
        """The same of every company."""
        for company in self.companies.values():
            self.expect_readable(company)

    def expect_no_transaction_open(self, within_s: float) -> None:
        """Within `within_s` no connection of the platform's is in a transaction and idle. AssertionError if one is."""
        left = poll(lambda: not self.ground.open_transactions(), within_s)
        must(
            left,
            f"after {within_s:g} s {self.ground.open_transactions()} transactions are open, and nobody works in them",
        )
