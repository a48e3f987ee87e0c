"""Whoever asks for what is not theirs: by others' ids, in others' names, without a credential, or by SQL in a text."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from support.capabilities.multi_tenant_isolation.client import Adapter, Answer, Flaw, Ids, Import, Refusal, Session
from support.capabilities.multi_tenant_isolation.company import COMMON, REGION, fresh
from support.errors import ProbeError
from support.promise import must
from support.worlds.world import wait_until

if TYPE_CHECKING:
    from support.capabilities.multi_tenant_isolation.world import World

_SHORT_S = 2.0
_TRIES = 4  # on a machine that may be busy: what was over before both had served it is begun anew
_OF_STAFF = {Flaw.ABSENT, Flaw.EXPIRED_STAFF, Flaw.UNSIGNED_STAFF, Flaw.STAFF_SIGNED_BY_ANOTHER}
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
        self._disguised: list[tuple[Answer, bool]] = []

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
            for disguised in node.disguised(world.globex.ids):
                self._disguised += self._ask(disguised)

    def expect_nothing_shown(self) -> None:
        """No answer holds anything of another company's. AssertionError with what does."""
        leaks = [leak for answer in self._answers for leak in self._world.leaks(self._world.acme, answer)]
        must(not leaks, f"{len(leaks)} answers of {len(self._answers)}: {leaks[:3]}")

    def expect_own_or_refused(self) -> None:
        """Each was refused, or answered as if nobody else had been named. AssertionError with what was not."""
        for answer, right in self._disguised:
            must(right, f"{answer.asked} was answered with {answer.told}, and not with what is Acme's")
        self._answers = [answer for answer, _ in self._disguised]
        self.expect_nothing_shown()

    def expect_shown_to_globex(self) -> None:
        """The same requests show Globex each of its records that they ask for. AssertionError if not."""
        world = self._world
        answers = list(world.large.every_request(world.globex.session, world.globex.ids))
        shown = [answer for answer in answers if world.globex.mark in answer.text]
        must(
            len(shown) >= 4,
            f"of {len(answers)} requests only {[answer.asked for answer in shown]} showed Globex its own",
        )

    def _ask(self, node: Adapter) -> Iterator[tuple[Answer, bool]]:
        """Acme's questions and changes, under ids of Globex's, too: the answer, and whether it may be that."""
        world, acme, its = self._world, self._world.acme, self._world.globex.ids
        for answer, expected in acme.questions(node):
            yield answer, answer.refusal is not None or acme.fits(answer, expected)
        answers = [
            node.put_customer(acme.session, acme.customers[COMMON[0]]),
            node.put_customer(acme.session, acme.new_customer(its.customer, region=its.region)),
            node.put_invoice(acme.session, its.invoice, its.customer, 100),
            node.delete_customer(acme.session, its.customer),
        ]
        yield from [(answer, answer.refusal is not None or answer.told is None) for answer in answers]
        upload = fresh("import")
        answer = node.start_import(acme.session, upload, [acme.customers[COMMON[0]]])
        yield answer, True
        if answer.refusal is None:
            world.await_import(acme, upload, Import.DONE)


class Credentials:
    """Credentials that do not prove which company somebody is from."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._answers: list[tuple[str, Answer]] = []

    def use(self, flaws: Sequence[str]) -> None:
        """Asks for Acme's records, and for changes of them, with a session of each flaw at both servers."""
        world = self._world
        world.remember()
        short, over = self._accepted()
        for flaw in map(Flaw, flaws):
            for node in world.nodes:
                if flaw is not Flaw.OUTLIVED:
                    session = node.flawed_session(flaw, world.acme.id, world.globex.id)
                    self._answers += [(flaw.value, answer) for answer in self._ask(node, session)]
                    if flaw in _OF_STAFF:
                        self._answers += [(flaw.value, answer) for answer in self._ask_as_staff(node, session)]
        wait_until(over)
        for node in world.nodes:
            self._answers += [(Flaw.OUTLIVED.value, answer) for answer in self._ask(node, short)]

    def expect_unauthenticated(self) -> None:
        """All of it was refused as such, and none of the answers holds a record. AssertionError with what was not."""
        wrong = [f"{flaw}: {answer}" for flaw, answer in self._answers if answer.refusal is not Refusal.UNAUTHENTICATED]
        must(not wrong, f"{len(wrong)} of {len(self._answers)} were not refused: {wrong[:3]}")

    def _accepted(self) -> tuple[Session, float]:
        """A session by which both servers have served Acme, and the moment at which it is over. Raises ProbeError."""
        acme = self._world.acme
        for _ in range(_TRIES):
            began = time.monotonic()
            short = self._world.small.short_session(acme.id, _SHORT_S)
            answers = [node.customers(short) for node in self._world.nodes]
            if not any(answer.refusal for answer in answers):
                return short, began + _SHORT_S
            must(time.monotonic() - began > _SHORT_S / 2, f"a session that had just begun was refused: {answers}")
        raise ProbeError(f"{_TRIES} times both servers were not asked within {_SHORT_S / 2:g} s")

    def _ask(self, node: Adapter, session: Session) -> Iterator[Answer]:
        acme = self._world.acme
        yield node.customers(session)
        yield node.customers_backwards(session)
        yield node.customer(session, COMMON[0])
        yield node.invoice(session, "invoice-1")
        yield node.report(session, REGION)
        yield node.import_state(session, acme.ids.upload)
        yield node.looks(session)
        yield node.put_customer(session, acme.new_customer(COMMON[0]))
        yield node.put_invoice(session, "invoice-1", COMMON[1], 100)
        yield node.start_import(session, acme.ids.upload, [acme.new_customer(COMMON[0])])
        yield node.delete_customer(session, COMMON[1])

    def _ask_as_staff(self, node: Adapter, session: Session) -> Iterator[Answer]:
        acme = self._world.acme
        yield node.look(session, acme.id)
        yield node.change_key(session, acme.id)
        yield node.destroy_key(session, acme.id)


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
        for ids in (world.globex.ids, nobodys):
            world.await_import(world.acme, ids.upload, Import.DONE)

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
            must(self._world.acme.fits(answer, expected), f"expected {expected} of the region {region!r}: {answer}")

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
