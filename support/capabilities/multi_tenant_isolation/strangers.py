"""Whoever asks for what is not theirs: by others' ids, in others' names, without a credential, or by SQL in a text."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from support.capabilities.multi_tenant_isolation.client import Adapter, Answer, Flaw, Ids, Refusal, Session
from support.capabilities.multi_tenant_isolation.company import COMMON, fresh
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.multi_tenant_isolation.world import World

# What a sort order must not be, beside names: each is an expression that PostgreSQL would sort by, or fail at.
_ORDERS = (
    "name; SELECT 1",
    "(SELECT 1)",
    "CASE WHEN true THEN name ELSE email END",
    "1/(SELECT count(*) FROM pg_class WHERE false)",
    "name, set_config('search_path', 'pg_catalog', false)",
)


class Requests:
    """Requests for what is Globex's, by its ids or in its name."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._answers: list[Answer] = []

    def send_every(self) -> None:
        """Every request that there is, by Acme with Globex's ids, to both servers."""
        world = self._world
        world.fill_every_table()
        world.remember()
        for node in world.nodes:
            self._answers += node.every_request(world.acme.session, world.globex.ids)

    def send_disguised(self) -> None:
        """Acme's requests that name Globex wherever a request could."""
        world = self._world
        world.remember()
        for node in world.nodes:
            mine = world.acme.customers[COMMON[0]]
            self._answers += node.disguised(world.acme.session, mine, world.globex.ids)

    def expect_nothing_shown(self) -> None:
        """No answer holds anything of another company's. AssertionError with what does."""
        leaks = [leak for answer in self._answers for leak in self._world.leaks(self._world.acme, answer)]
        must(not leaks, f"{len(leaks)} answers of {len(self._answers)}: {leaks[:3]}")

    def expect_own_or_refused(self) -> None:
        """Each was refused, or answered as if nobody else had been named. AssertionError with what was not."""
        self.expect_nothing_shown()
        acme = self._world.acme
        names = sorted(customer.name for customer in acme.customers.values())
        for answer in self._answers:
            right = answer.refusal or answer.told in (None, acme.customers[COMMON[0]]) or acme.fits(answer, names)
            must(right, f"{answer.asked} was answered with {answer.told}")

    def expect_shown_to_globex(self) -> None:
        """The same requests show Globex each of its records that they ask for. AssertionError if not."""
        world = self._world
        answers = list(world.large.every_request(world.globex.session, world.globex.ids))
        shown = [answer for answer in answers if world.globex.mark in answer.text]
        must(
            len(shown) >= 4,
            f"of {len(answers)} requests only {[answer.asked for answer in shown]} showed Globex its own",
        )


class Credentials:
    """Credentials that do not prove which company somebody is from."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._answers: list[tuple[str, Answer]] = []

    def use(self, flaws: Sequence[str]) -> None:
        """Asks for Acme's records, and for changes of them, with a session of each flaw at both servers."""
        world = self._world
        world.remember()
        for flaw in map(Flaw, flaws):
            for node in world.nodes:
                session = node.flawed_session(flaw, world.acme.id, world.globex.id)
                self._answers += [(flaw.value, answer) for answer in self._ask(node, session)]

    def expect_unauthenticated(self) -> None:
        """All of it was refused as such, and none of the answers holds a record. AssertionError with what was not."""
        wrong = [f"{flaw}: {answer}" for flaw, answer in self._answers if answer.refusal is not Refusal.UNAUTHENTICATED]
        must(not wrong, f"{len(wrong)} of {len(self._answers)} were not refused: {wrong[:3]}")

    def _ask(self, node: Adapter, session: Session) -> Iterator[Answer]:
        acme = self._world.acme
        yield node.customers(session)
        yield node.customer(session, COMMON[0])
        yield node.report(session, acme.customers[COMMON[0]].region)
        yield node.put_customer(session, acme.new_customer(COMMON[0]))
        yield node.delete_customer(session, COMMON[1])
        yield node.looks(session)


class Guesses:
    """What Acme can find out about what others have, by asking for it."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._answers: list[Answer] = []
        self._pairs: list[tuple[str, str]] = []

    def ask_for_others(self) -> None:
        """Everything that can be done to a record: to what only Globex has, and to what nobody has."""
        world = self._world
        world.fill_every_table()
        world.remember()
        nobodys = Ids(
            world.small.absent_company(), *[fresh(kind) for kind in ("customer", "invoice", "import", "region")]
        )
        for node in world.nodes:
            self._compare(lambda ids, node=node: self._strange(node, ids), world.globex.ids, nobodys)  # type: ignore[misc]

    def store_and_delete(self) -> None:
        """Customers, invoices and imports under Globex's ids and addresses, and under fresh ones; and deletes them."""
        world, node = self._world, self._world.small
        world.fill_every_table()
        world.remember()
        nobodys = world.globex.ids._replace(**{kind: fresh(kind) for kind in ("customer", "invoice", "upload")})
        self._compare(lambda ids: self._own(node, ids), world.globex.ids, nobodys)

    def expect_done(self) -> None:
        """Nothing of it was refused, but for the invoice that was asked for last. AssertionError with what was."""
        refused = [answer for answer in self._answers if answer.refusal not in (None, Refusal.UNKNOWN)]
        must(not refused, f"refused: {refused[:3]}")
        done = [answer for answer in self._answers if answer.refusal is None]
        must(len(done) == len(self._answers) - 2, f"of {len(self._answers)} requests only {len(done)} were done")

    def expect_same_answers(self) -> None:
        """The answers of each pair are the same but for the ids. AssertionError with those that are not."""
        differ = [pair for pair in self._pairs if pair[0] != pair[1]]
        must(not differ, f"{len(differ)} of {len(self._pairs)} answers differ: {differ[:3]}")

    def _strange(self, node: Adapter, ids: Ids) -> Iterator[Answer]:
        session = self._world.acme.session
        yield node.customer(session, ids.customer)
        yield node.delete_customer(session, ids.customer)
        yield node.invoice(session, ids.invoice)
        yield node.import_state(session, ids.upload)
        yield node.report(session, ids.region)
        yield node.put_invoice(session, "invoice-1", ids.customer, 100)
        yield node.put_invoice(session, fresh("invoice"), ids.customer, 100)
        yield node.look(session, ids.company)
        yield node.change_key(session, ids.company)
        yield node.destroy_key(session, ids.company)

    def _own(self, node: Adapter, ids: Ids) -> Iterator[Answer]:
        acme = self._world.acme
        yield node.put_customer(acme.session, acme.new_customer(ids.customer))
        yield node.put_invoice(acme.session, ids.invoice, ids.customer, 100)
        yield node.put_customer(acme.session, acme.new_customer(ids.customer))
        yield node.start_import(acme.session, ids.upload, [acme.new_customer()])
        yield node.delete_customer(acme.session, ids.customer)
        yield node.invoice(acme.session, ids.invoice)

    def _compare(self, ask: Callable[[Ids], Iterator[Answer]], one: Ids, other: Ids) -> None:
        first, second = list(ask(one)), list(ask(other))
        self._answers += first + second
        self._pairs += [(_nameless(a, one), _nameless(b, other)) for a, b in zip(first, second, strict=True)]


class Texts:
    """What people type that looks like SQL, or like a pattern."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._names: list[str] = []
        self._found: dict[str, Answer] = {}
        self._reports: dict[str, Answer] = {}
        self._called_so: list[Answer] = []
        self._sorted: dict[str, Answer] = {}

    def store(self, names: Sequence[str]) -> None:
        """A customer of Acme's for each name, alone in a region that is called so, too."""
        world = self._world
        self._names = list(names)
        for name in names:
            world.acme.store(world.small, world.acme.new_customer(name=name, region=name))
        world.remember()

    def use(self) -> None:
        """Filters customers by each name, sorts them by each and by SQL, and asks for regions and records called so."""
        node, session = self._world.small, self._world.acme.session
        self._found = {name: node.customers(session, containing=name) for name in self._names}
        self._reports = {name: node.report(session, name) for name in self._names}
        for ask in (node.customer, node.invoice, node.import_state, node.delete_customer):
            self._called_so += [ask(session, name) for name in self._names]
        self._sorted = {order: node.customers(session, order=order) for order in (*self._names, *_ORDERS)}

    def expect_found(self) -> None:
        """Each filter, and each report, is of the one customer. AssertionError with what else was found."""
        for name, answer in self._found.items():
            must(answer.names == [name], f"whoever looked for {name!r} found {answer.told}: {answer.text[:300]}")
        for region, answer in self._reports.items():
            expected = self._world.acme.report(region)
            must(answer.told == expected, f"expected {expected} of the region {region!r}: {answer}")

    def expect_none_called_so(self) -> None:
        """There was no record of such an id. AssertionError with what was found, deleted, or not understood."""
        found = [answer for answer in self._called_so if answer.refusal not in (Refusal.UNKNOWN, Refusal.INVALID)]
        must(not found, f"{len(found)} records of ids that nobody has: {found[:3]}")

    def expect_orders_refused(self) -> None:
        """No such order was taken. AssertionError with those that were."""
        taken = [order for order, answer in self._sorted.items() if answer.refusal is not Refusal.INVALID]
        must(not taken, f"orders that were not refused: {taken}")


def _nameless(answer: Answer, ids: Ids) -> str:
    """An answer with a word for each id, so that it can be compared with that to another one."""
    text = answer.text
    for name, id_ in ids._asdict().items():
        text = text.replace(id_, f"<{name}>")
    return text
