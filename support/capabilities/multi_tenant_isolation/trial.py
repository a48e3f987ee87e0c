"""A few exchanges that show that an adapter does its part, before anything is judged by what it says."""

from collections.abc import Callable, Iterator
from contextlib import closing

from support.capabilities.multi_tenant_isolation.client import Import, Refusal
from support.capabilities.multi_tenant_isolation.company import COMMON, Company, fresh
from support.capabilities.multi_tenant_isolation.sweep import Sweep
from support.capabilities.multi_tenant_isolation.world import World
from support.promise import must

_IMPORTED_WITHIN_S = 5.0


def trial(world: World) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is tried, in words, and the try; one rests on those before it."""
    yield "opens a company, whose customers and invoices are stored", lambda: world.meet_company("Acme")
    yield "opens a company with a schema of its own", lambda: world.meet_company("Initech", own_schema=True)
    yield "is told by both nodes what was stored", lambda: _is_told(world)
    yield "is refused what there is none of", lambda: _is_refused(world)
    yield "speaks in a company's name in the database", lambda: _speaks(world, world.acme)
    yield "knows where bank details are kept", lambda: _finds_bank_details(world)
    yield "imports customers", lambda: _imports(world)
    yield "looks as our staff, which the company is told", lambda: _looks(world)
    yield "changes a key", lambda: must(world.small.change_key(world.staff, world.acme.id).refusal is None, "refused")


def _is_told(world: World) -> None:
    for company in world.companies.values():
        for node in world.nodes:
            world.hear_all(node, company)
    world.expect_heard_rightly()


def _is_refused(world: World) -> None:
    session = world.acme.session
    unknown = world.small.customer(session, fresh("customer"))
    must(unknown.refusal is Refusal.UNKNOWN, f"a customer that there is none of: {unknown}")
    order = world.small.customers(session, order="no such order")
    must(order.refusal is Refusal.INVALID, f"an order that there is none of: {order}")
    spoiled = [
        world.small.spoiled(session, fresh("customer"), world.acme.customers[COMMON[0]], kind) for kind in range(3)
    ]
    must(all(answer.refusal for answer in spoiled), f"changes that cannot be made: {spoiled}")


def _speaks(world: World, company: Company) -> None:
    (account, *_) = world.ground.accounts()
    with closing(Sweep(world.fleet.stores["postgres"], account)) as sweep:
        shown = sweep.read(world.small.speak_for(company.id), [company.mark]).shown
    must(shown.get(company.mark), f"in {company.label}'s name none of its rows was shown")


def _finds_bank_details(world: World) -> None:
    kept = world.ground.sealed(world.small.sealed, world.acme.id, 0)
    must(kept.keys() == world.acme.customers.keys(), f"the bank details of {sorted(kept)} were found")


def _imports(world: World) -> None:
    customer, upload = world.acme.new_customer(), fresh("import")
    world.large.start_import(world.acme.session, upload, [customer])
    world.await_import(world.acme, upload, Import.DONE, _IMPORTED_WITHIN_S)


def _looks(world: World) -> None:
    world.large.look(world.staff, world.acme.id)
    told = world.small.looks(world.acme.session)
    must([look.who for look in told.looks] == [world.staff_member], f"the company is told {told}")
