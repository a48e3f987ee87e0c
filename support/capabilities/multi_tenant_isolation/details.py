"""Bank details: sealed where they are kept, for their company, their customer and their column, under its keys."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from support.capabilities.multi_tenant_isolation.client import Adapter, Import, Refusal
from support.capabilities.multi_tenant_isolation.company import COMMON, Company, fresh
from support.capabilities.multi_tenant_isolation.probe import Place, RedisContents, in_logs
from support.errors import ProbeError
from support.polling import poll
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.multi_tenant_isolation.world import World


class BankDetails:
    """What becomes of Acme's bank details, and of Globex's."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._stored: list[str] = []
        self._displaced: set[tuple[str, str]] = set()  # company, customer

    def store_alike(self, count: int) -> None:
        """Customers of Acme's with the same bank details, half of them by an import."""
        world, acme = self._world, self._world.acme
        customers = [acme.new_customer() for _ in range(count)]
        self._stored = [customer.id for customer in customers]
        for customer in customers[: count // 2]:
            acme.store(world.large, customer)
        upload = fresh("import")
        must(
            world.large.start_import(acme.session, upload, customers[count // 2 :]).refusal is None, "an import refused"
        )
        world.await_import(acme, upload, Import.DONE)
        acme.customers |= {customer.id: customer for customer in customers}

    def expect_unreadable(self) -> None:
        """Neither the database's files, nor Redis, nor a log hold a bank detail. AssertionError with which do."""
        world, secret = self._world, self._world.acme.secret
        redis = world.opened(RedisContents(world.fleet))
        self._on_disk = world.ground.on_disk([secret, world.acme.mark])
        where = {"the disk": self._on_disk, "Redis": redis.holding(secret), "a log": in_logs(world.fleet, [secret])}
        found = [place for place, texts in where.items() if any(secret in text for text in texts)]
        must(not found, f"bank details can be read in {' and '.join(found)}")

    def expect_names_found(self) -> None:
        """The same search has found what is not sealed. ProbeError if not."""
        if self._world.acme.mark not in self._on_disk:
            raise ProbeError("the search of the disk did not find the customers' names either")

    def expect_all_different(self) -> None:
        """What is kept of equal bank details differs in every row. AssertionError if not."""
        world = self._world
        for column, name in enumerate(world.small.sealed.columns):
            kept = world.ground.sealed(world.small.sealed, world.acme.id, column)
            mine = [kept[id_] for id_ in self._stored]
            must(len(set(mine)) == len(mine), f"{name} is kept alike for {len(mine) - len(set(mine))} customers")

    def swap(self) -> None:
        """Swaps bank details of two customers, of two companies, and of two columns."""
        world = self._world
        one, two, three = COMMON
        ours, theirs, only = world.acme.id, world.globex.id, world.acme.ids.customer
        for first, second in (
            (Place(ours, one, 0), Place(ours, two, 0)),
            (Place(ours, three, 0), Place(theirs, three, 0)),
            (Place(ours, only, 0), Place(ours, only, 1)),
        ):
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

    def destroy_key(self) -> None:
        """Acme's key is destroyed at the small server."""
        answer = self._world.small.destroy_key(self._world.staff, self._world.acme.id)
        must(answer.refusal is None, f"the key was not destroyed: {answer}")

    def expect_lost(self, within_s: float) -> None:
        """Within `within_s` nothing of Acme's is opened any more, nor sealed. AssertionError with what is."""
        poll(lambda: not self._not_lost(), within_s)
        must(not (left := self._not_lost()), f"{within_s:g} s after Acme's key was destroyed: {left[:3]}")

    def _change_key(self, node: Adapter) -> None:
        answer = node.change_key(self._world.staff, self._world.acme.id)
        must(answer.refusal is None, f"the key was not changed: {answer}")

    def _store_on_each(self) -> None:
        for node in self._world.nodes:
            self._world.acme.store(node, self._world.acme.new_customer())

    def _not_lost(self) -> list[str]:
        world, acme = self._world, self._world.acme
        answers = [node.customer(acme.session, id_) for node in world.nodes for id_ in acme.customers]
        answers += [node.put_customer(acme.session, acme.new_customer()) for node in world.nodes]
        return [str(answer) for answer in answers if answer.refusal is not Refusal.DESTROYED]

    def _each_displaced(self) -> Iterator[tuple[Company, str]]:
        for owner, customer in sorted(self._displaced):
            (company,) = [one for one in self._world.companies.values() if one.id == owner]
            yield company, customer
