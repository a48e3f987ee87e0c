"""Bank details: sealed where they are kept, for their company, their customer and their column, under its keys."""

from collections.abc import Collection, Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from support.capabilities.multi_tenant_isolation.client import Adapter, Answer, Import, Refusal
from support.capabilities.multi_tenant_isolation.company import COMMON, Company, fresh
from support.capabilities.multi_tenant_isolation.probe import Place, RedisContents, in_logs
from support.errors import ProbeError
from support.polling import poll
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.multi_tenant_isolation.world import World

_BY_CHANCE = (
    0.25  # of the characters: of two random texts in base 16, the smallest alphabet that is in use, 1 in 16 agree
)


class BankDetails:
    """What becomes of Acme's bank details, and of Globex's."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._stored: list[str] = []
        self._answers: list[Answer] = []
        self._lost: list[Company] = []
        self._displaced: set[tuple[str, str]] = set()  # company, customer

    def store_alike(self, count: int) -> None:
        """Customers of Acme's with the same bank details, half of them by an import; others are refused."""
        world, acme = self._world, self._world.acme
        like = acme.new_customer()
        customers = [acme.new_customer(iban=like.iban, tax_id=like.tax_id) for _ in range(count)]
        self._stored = [customer.id for customer in customers]
        for customer in customers[: count // 2]:
            acme.store(world.large, customer)
        upload = fresh("import")
        must(
            world.large.start_import(acme.session, upload, customers[count // 2 :]).refusal is None, "an import refused"
        )
        world.await_import(acme, upload, Import.DONE)
        acme.customers |= {customer.id: customer for customer in customers}
        for kind in range(3):
            must(
                world.small.spoiled(acme.session, fresh("customer"), customers[0], kind).refusal,
                "a false change was made",
            )

    def expect_unreadable(self) -> None:
        """Neither the database's files, nor Redis, nor a log hold a bank detail. AssertionError with which do."""
        world, secrets = self._world, [company.secret for company in self._world.companies.values()]
        self._on_disk = world.ground.on_disk([*secrets, world.acme.mark])
        must(not self._on_disk.intersection(secrets), "bank details can be read on the disk")
        self.expect_nowhere_else()

    def expect_nowhere_else(self) -> None:
        """Neither Redis nor a log hold a bank detail of any company's. AssertionError with which do."""
        world, secrets = self._world, [company.secret for company in self._world.companies.values()]
        redis = world.opened(RedisContents(world.fleet))
        where = {"Redis": any(map(redis.holding, secrets)), "a log": in_logs(world.fleet, secrets)}
        found = [place for place, is_there in where.items() if is_there]
        must(not found, f"bank details can be read in {' and '.join(found)}")

    def expect_names_found(self) -> None:
        """The same search has found what is not sealed. ProbeError if not."""
        if self._world.acme.mark not in self._on_disk:
            raise ProbeError("the search of the disk did not find the customers' names either")

    def expect_all_different(self) -> None:
        """What is kept of equal bank details has no more in common than of others. AssertionError if it has."""
        world = self._world
        for column, name in enumerate(world.small.sealed.columns):
            kept = world.ground.sealed(world.small.sealed, world.acme.id, column)
            always = {place for place, each in enumerate(zip(*kept.values(), strict=False)) if len(set(each)) == 1}
            pairs = combinations([kept[id_] for id_ in self._stored], 2)
            alike = [pair for pair in pairs if _in_common(*pair, but=always) > _BY_CHANCE]
            must(not alike, f"{len(alike)} pairs of customers can be seen to have the same {name}: {alike[:1]}")

    def store_in_vain(self) -> None:
        """Acme stores a customer, changes one and has one imported at each server."""
        acme = self._world.acme
        for node in self._world.nodes:
            changes = [node.put_customer(acme.session, acme.new_customer(id_)) for id_ in ("", COMMON[0])]
            self._answers += [*changes, node.start_import(acme.session, fresh("import"), [acme.new_customer()])]

    def expect_refused_for_now(self) -> None:
        """Each of these was refused as what may be tried again. AssertionError with what was not."""
        others = [answer for answer in self._answers if answer.refusal is not Refusal.UNAVAILABLE]
        must(not others, f"{len(others)} of {len(self._answers)} were not refused for now: {others[:3]}")

    def expect_in_no_log(self, window_s: float) -> None:
        """For `window_s` no log holds one of Acme's bank details. AssertionError if one does."""
        found = poll(lambda: in_logs(self._world.fleet, [self._world.acme.secret]), window_s)
        must(not found, "bank details can be read in a log")

    def swap(self) -> None:
        """Swaps bank details of two customers, of two whose ids look alike, of two companies, and of two columns.

        Each of these is done in each column, with customers of its own.
        """
        world, acme, globex = self._world, self._world.acme.id, self._world.globex.id
        swaps = [(Place(acme, world.acme.ids.customer, 0), Place(acme, world.acme.ids.customer, 1))]
        for column in (0, 1):
            one, two = self._two(*(fresh("customer") for _ in range(2)))
            low, high = self._two(id_ := fresh("twin"), id_.upper())
            swaps.append((Place(acme, one, column), Place(acme, two, column)))
            swaps.append((Place(acme, low, column), Place(acme, high, column)))
            swaps.append((Place(acme, COMMON[column], column), Place(globex, COMMON[column], column)))
        for first, second in swaps:
            world.ground.swap(world.small.sealed, first, second)
            self._displaced |= {(place.company, place.customer) for place in (first, second)}

    def expect_displaced_refused(self) -> None:
        """Both servers say of each of them that it was sealed for another place. AssertionError with what was told."""
        world = self._world
        for company, customer in self._each_displaced():
            for node in world.nodes:
                answer = node.customer(company.session, customer)
                must(answer.refusal is Refusal.DISPLACED, f"what was moved was opened: {answer}")

    def expect_others_readable(self) -> None:
        """All that was not moved is read as before."""
        world = self._world
        for company in (world.acme, world.globex):
            world.expect_readable(company, but=[id_ for owner, id_ in self._displaced if owner == company.id])

    def change_key_twice(self) -> None:
        """Acme's key is changed at each server; before and after Acme stores a customer on each."""
        world = self._world
        self._store_on_each()
        for changer in world.nodes:
            self._change_key(changer)
            self._store_on_each()

    def change_key_once(self) -> None:
        """Acme's key is changed at the large server, and Acme stores a customer on each."""
        self._change_key(self._world.large)
        self._store_on_each()

    def destroy_keys(self, *labels: str) -> None:
        """Keys are destroyed at the small server, and changed at the large one, as if they were still there."""
        world = self._world
        self._lost = [world.companies[label] for label in labels]
        for company in self._lost:
            answer = world.small.destroy_key(world.staff, company.id)
            must(answer.refusal is None, f"the key was not destroyed: {answer}")
            world.large.change_key(world.staff, company.id)

    def expect_lost(self, within_s: float) -> None:
        """Within `within_s` nothing of theirs is opened any more, nor sealed. AssertionError with what is."""
        poll(lambda: not self._not_lost(), within_s)
        must(not (left := self._not_lost()), f"{within_s:g} s after the keys were destroyed: {left[:3]}")

    def _change_key(self, node: Adapter) -> None:
        answer = node.change_key(self._world.staff, self._world.acme.id)
        must(answer.refusal is None, f"the key was not changed: {answer}")

    def _store_on_each(self) -> None:
        for node in self._world.nodes:
            self._world.acme.store(node, self._world.acme.new_customer())

    def _two(self, *ids: str) -> tuple[str, ...]:
        """Stores customers of Acme's with these ids, which may look alike as their addresses may not; the ids."""
        acme = self._world.acme
        for one in ids:
            acme.store(self._world.small, acme.new_customer(one, email=f"{fresh('address')}@example.com"))
        return ids

    def _not_lost(self) -> list[str]:
        answers: list[Answer] = []
        for node in self._world.nodes:
            for one in self._lost:
                answers += [node.customer(one.session, id_) for id_ in one.customers]
                answers.append(node.put_customer(one.session, one.new_customer()))
                answers.append(node.start_import(one.session, fresh("import"), [one.new_customer()]))
                answers.append(node.change_key(self._world.staff, one.id))
        return [str(answer) for answer in answers if answer.refusal is not Refusal.DESTROYED]

    def _each_displaced(self) -> Iterator[tuple[Company, str]]:
        for owner, customer in sorted(self._displaced):
            (company,) = [one for one in self._world.companies.values() if one.id == owner]
            yield company, customer


def _in_common(one: Sequence[object], other: Sequence[object], but: Collection[int]) -> float:
    """The share of the places at which two texts agree, `but` for those at which all of their kind do."""
    agree = [mine == theirs for place, (mine, theirs) in enumerate(zip(one, other, strict=False)) if place not in but]
    return sum(agree) / max(1, len(agree))
