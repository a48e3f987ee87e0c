"""Sentences about companies that are kept apart."""

from typing import TYPE_CHECKING, Any, Protocol

from behave import given, then, when

from support.nouns import What

if TYPE_CHECKING:
    from support.capabilities.multi_tenant_isolation.world import World


class Context(Protocol):
    """What these steps use of behave's context."""

    world: "World"
    table: Any


@given("Acme and Globex keep customers and invoices under the same ids, on a small and a large server")
def two_companies(context: Context) -> None:
    """Both servers are well, and both companies are new."""
    context.world.expect_nodes_well()
    context.world.meet_company("Acme")
    context.world.meet_company("Globex")


@given("Initech, a company with a schema of its own, that uses the same ids")
def company_with_schema(context: Context) -> None:
    context.world.meet_company("Initech", own_schema=True)


# A company reaches its own records


@given("Acme and Globex also have imports that are done and that failed, and looks in their access logs")
def fill_every_table(context: Context) -> None:
    context.world.fill_every_table()


@given("Acme and Globex have each started an import there, which waits")
def leave_imports_waiting(context: Context) -> None:
    """Whatever the server answers: what it keeps is a row to be guarded, too."""
    context.world.leave_imports_waiting()


@when("the account tries everything on every table in Acme's name and in Initech's: read, insert, update, delete, copy")
def try_for_acme(context: Context) -> None:
    """The account as which the platform's servers are connected to the database."""
    context.world.accounts.try_for("Acme", "Initech")


@when("the account tries everything on every table in no name, in an empty one, and in one that nobody has")
def try_for_nobody(context: Context) -> None:
    context.world.accounts.try_for_nobody()


@then("no row of Globex was shown, changed, deleted or added")
@then("no row of Acme or Globex was shown, changed, deleted or added")
def nothing_reached(context: Context) -> None:
    context.world.accounts.expect_nothing_reached()


@then("Acme's own rows were shown")
def own_rows_shown(context: Context) -> None:
    """Else nobody spoke in Acme's name, and nothing is proved."""
    context.world.accounts.expect_own_shown()


@then("a superuser who looked the same way was shown the rows of both")
def superuser_shown(context: Context) -> None:
    context.world.accounts.expect_superuser_shown()


@when("Acme sends every request that there is, with Globex's ids, to both servers")
def send_every_request(context: Context) -> None:
    context.world.requests.send_every()


@then("no answer holds anything of Globex's")
def no_answer_holds(context: Context) -> None:
    context.world.requests.expect_nothing_shown()


@then("nothing of Globex's has changed")
def globex_unchanged(context: Context) -> None:
    context.world.expect_unchanged("Globex")


@then("nothing of Acme's or Globex's has changed")
def both_unchanged(context: Context) -> None:
    context.world.expect_unchanged("Acme", "Globex")


@then("Globex is shown its own records by the same requests")
def shown_to_globex(context: Context) -> None:
    context.world.requests.expect_shown_to_globex()


# The account


@when("the database is asked what the accounts that serve companies may do")
def look_up_rights(context: Context) -> None:
    context.world.accounts.look_up()


@then("none is a superuser or exempt from row-level security, or can become an account that is")
def none_is_mighty(context: Context) -> None:
    """Nor may one read the server's files or copy all of it, where every row is, or make accounts."""
    context.world.accounts.expect_none("above row-level security")


@then("none owns or makes anything, can become an owner, hand on a right, or empty a table in one step")
def none_owns(context: Context) -> None:
    """Row-level security does not bind who empties a table in one step (TRUNCATE), or refers to its rows."""
    context.world.accounts.expect_none("owners")


@then("every table that guards its rows guards them from its owner, too")
def none_is_lenient(context: Context) -> None:
    context.world.accounts.expect_none("lenient")


@then("no function runs with the rights of another account for them, unless its search path is fixed")
def no_borrowed_rights(context: Context) -> None:
    context.world.accounts.expect_none("borrowed rights")


@then("no condition that guards rows is computed once and then remembered")
def none_remembered(context: Context) -> None:
    """Such functions are declared IMMUTABLE, and may be computed when a statement is prepared, for whoever runs it."""
    context.world.accounts.expect_none("remembered")


# Credentials


@when("Acme's records are asked for, and changed, with each of these credentials")
def use_credentials(context: Context) -> None:
    context.world.credentials.use([row["credential"] for row in context.table])


@then("all of that is refused as unauthenticated")
def all_unauthenticated(context: Context) -> None:
    context.world.credentials.expect_unauthenticated()


@when("Acme's requests name Globex in their headers, host, query and body")
def send_disguised(context: Context) -> None:
    context.world.requests.send_disguised()


@then("each is answered with Acme's records, or refused")
def own_or_refused(context: Context) -> None:
    context.world.requests.expect_own_or_refused()


# Turns on one connection


@when(
    "Acme and Globex in turn each send {count:Count} changes to the small server, every second of which fails half-way"
)
def change_in_turn(context: Context, count: int) -> None:
    """After each change the company asks for all that it has."""
    context.world.turns.change(["Acme", "Globex"], count)


@when(
    "Initech and Acme in turn each send {count:Count} changes to the small server, every second of which fails half-way"
)
def change_in_turn_with_schema(context: Context, count: int) -> None:
    context.world.turns.change(["Initech", "Acme"], count)


@when("Acme and Globex in turn each ask the small server all their questions {times:Count} times")
def ask_in_turn(context: Context, times: int) -> None:
    context.world.turns.ask(["Acme", "Globex"], times)


@when(
    "{users:Count} users of Acme and {same:Count} of Globex ask both servers all their questions at once, "
    "{times:Count} times each"
)
def ask_at_once(context: Context, users: int, same: int, times: int) -> None:
    context.world.turns.ask_at_once({"Acme": users, "Globex": same}, times)


@when(
    "Acme abandons {count:Count} requests that need {what:Store}, at moments spread over their time, "
    "and others follow each"
)
def abandon(context: Context, count: int, what: What) -> None:
    """At the small server, which has just been made slow to hear from that store.

    Changes of every kind, reports and imports. After each, one company stores a customer, and now and then has some
    imported, and the other asks.
    """
    context.world.turns.abandon(what.noun, count)


@when(
    "Acme stores {count:Count} customers at the large server, each while the small one makes a report on their region"
)
def store_meanwhile(context: Context, count: int) -> None:
    """At moments spread over the time that a report takes; each customer in a region of its own."""
    context.world.turns.store_meanwhile(count)


@then("within {deadline:Duration} of each change of Acme's its reports told what the database holds")
def reports_renewed(context: Context, deadline: float) -> None:
    """Reports that had been made before the change, so that a cached one would be an old one."""
    context.world.turns.expect_reports_renewed(deadline)


@then("every answer held all records of the company that asked, and of no other")
def heard_rightly(context: Context) -> None:
    context.world.expect_heard_rightly()


@then("within {deadline:Duration} every confirmed change is in the database, under the company that made it")
def kept(context: Context, deadline: float) -> None:
    """Once each, and nothing that was not confirmed, but for what was abandoned."""
    context.world.expect_kept(deadline)


@then("within {deadline:Duration} the platform has no transaction open")
def no_transaction_open(context: Context, deadline: float) -> None:
    context.world.expect_no_transaction_open(deadline)


# Texts and reports


@given("Acme has a customer with each of these names, in a region of the same name")
def store_names(context: Context) -> None:
    context.world.texts.store([row["name"] for row in context.table])


@when(
    "Acme filters and sorts by each name, asks for a report on each region, and reads and deletes records of such ids"
)
def use_texts(context: Context) -> None:
    """Customers, invoices and imports are read, and customers are deleted; it sorts by SQL that is no name, too."""
    context.world.texts.use()


@then("each filter and each report found the one customer of that name")
def each_found(context: Context) -> None:
    context.world.texts.expect_found()


@then("there were no records of such ids")
def none_called_so(context: Context) -> None:
    context.world.texts.expect_none_called_so()


@then("each of these sort orders was refused")
def orders_refused(context: Context) -> None:
    context.world.texts.expect_orders_refused()


# Whatever companies do


@when(
    "Acme, Globex and Initech make changes of every kind in an order that is drawn, on ids and regions that look alike"
)
def make_changes(context: Context) -> None:
    """At both servers; customers, invoices, imports, keys. After each change they ask, and another company does."""
    context.world.story.tell(["Acme", "Globex", "Initech"])


@then("after each change both servers told each company just what it had stored, and right reports on that")
def told_what_was_stored(context: Context) -> None:
    context.world.story.expect_told()


@then("neither Redis nor a log holds bank details")
def nowhere_else(context: Context) -> None:
    context.world.bank_details.expect_nowhere_else()


# A schema of its own


@given("Hooli and Initech, each a company with a schema of its own, that use the same ids")
def companies_with_schemas(context: Context) -> None:
    context.world.meet_company("Hooli", own_schema=True)
    context.world.meet_company("Initech", own_schema=True)


@when("the account tries everything on Initech's tables in Acme's name, in Hooli's and in nobody's")
def try_schema(context: Context) -> None:
    context.world.accounts.try_schema_of("Initech", strangers=["Acme", "Hooli"])


@then("the database has refused all of that for want of permission")
def all_refused(context: Context) -> None:
    """By the code of PostgreSQL that says just this, 42501: no table was looked for elsewhere, or not found."""
    context.world.accounts.expect_all_refused()


@then("in Initech's name Initech's rows were shown")
def shown_to_initech(context: Context) -> None:
    context.world.accounts.expect_shown_to_owner("Initech")


@then("Initech's customers and invoices are in its own schema, and nobody else's are")
def in_own_schema(context: Context) -> None:
    context.world.accounts.expect_alone_in_schema("Initech")


# What others have


@when("Acme reads, changes, deletes and refers to what only Globex has, and to what nobody has")
def ask_for_others(context: Context) -> None:
    context.world.guesses.ask_for_others()


@when("Acme stores, imports and deletes under ids and addresses of Globex, and under fresh ones")
def store_and_delete(context: Context) -> None:
    """Customers and invoices."""
    context.world.guesses.store_and_delete()


@then("all of that was done, and Acme got the same answers, byte for byte but for the ids")
def done_and_same_answers(context: Context) -> None:
    context.world.guesses.expect_done()
    context.world.guesses.expect_same_answers()


@then("Acme got the same answers, byte for byte but for the ids")
def same_answers(context: Context) -> None:
    context.world.guesses.expect_same_answers()


# Bank details


@when("Acme stores {count:Count} customers with the same bank details, half of them by an import")
def store_alike(context: Context, count: int) -> None:
    context.world.bank_details.store_alike(count)


@then("the database's disk, Redis and the servers' logs do not hold these bank details")
def unreadable(context: Context) -> None:
    context.world.bank_details.expect_unreadable()


@then("the same search of the disk finds the customers' names")
def names_found(context: Context) -> None:
    context.world.bank_details.expect_names_found()


@then("no two of these bank details look alike in the database")
def all_different(context: Context) -> None:
    context.world.bank_details.expect_all_different()


@then("Acme can read all of them on both servers")
def acme_reads(context: Context) -> None:
    context.world.expect_readable(context.world.acme)


@when("Acme stores, changes and imports customers at both servers")
def store_in_vain(context: Context) -> None:
    context.world.bank_details.store_in_vain()


@then("all of that is refused as not possible now")
def refused_for_now(context: Context) -> None:
    context.world.bank_details.expect_refused_for_now()


@then("for {window:Duration} no log holds these bank details")
def in_no_log(context: Context, window: float) -> None:
    """The servers' logs, and those of the database and of Redis."""
    context.world.bank_details.expect_in_no_log(window)


@when("an intruder in the database swaps bank details between customers, between companies and between columns")
def swap_details(context: Context) -> None:
    context.world.bank_details.swap()


@then("both servers refuse to open each of these")
def displaced_refused(context: Context) -> None:
    context.world.bank_details.expect_displaced_refused()


@then("all others can be read on both servers")
def others_readable(context: Context) -> None:
    context.world.bank_details.expect_others_readable()


@when("Acme's key is changed twice, and before and after each change Acme stores a customer on each server")
def change_key_twice(context: Context) -> None:
    context.world.bank_details.change_key_twice()


@given("Acme's key was changed once")
def change_key_once(context: Context) -> None:
    """Acme has bank details from before and from after the change."""
    context.world.bank_details.change_key_once()


@given("both servers have just shown all companies their bank details")
def shown_details(context: Context) -> None:
    context.world.expect_all_readable()


@when("the keys of Acme and Initech are destroyed, and then changed, as those of everybody are each night")
def destroy_keys(context: Context) -> None:
    """Destroyed at the small server, and changed at the large one, whatever it answers to that."""
    context.world.bank_details.destroy_keys("Acme", "Initech")


@then("within {deadline:Duration} both servers say that the bank details of both are lost, and take no new ones")
def details_lost(context: Context, deadline: float) -> None:
    context.world.bank_details.expect_lost(deadline)


@then("Globex can read all of its own on both servers")
def globex_reads(context: Context) -> None:
    context.world.expect_readable(context.world.globex)


# Outside of the database


@given("companies named like {names:Names}, each with customers in {regions:Names}")
def meet_look_alikes(context: Context, names: list[str], regions: list[str]) -> None:
    context.world.look_alikes.meet(names, regions)


@given("each of them has reports on these in Redis")
def cache_reports(context: Context) -> None:
    context.world.look_alikes.cache_reports()


@when("{names:Names} each move a customer from {region} to {other}")
def move_customers(context: Context, names: list[str], region: str, other: str) -> None:
    context.world.look_alikes.move(names, region, other)


@then("what Redis holds of the others is what it was")
def redis_untouched(context: Context) -> None:
    context.world.look_alikes.expect_untouched()


@then("all reports of all of these companies are right, on both servers")
def all_reports_right(context: Context) -> None:
    context.world.look_alikes.expect_right_reports()


@when(
    "Acme, Globex and Initech in turn each start {count:Count} imports, on both servers, "
    "every third of which cannot succeed"
)
def start_imports(context: Context, count: int) -> None:
    context.world.imports.start(["Acme", "Globex", "Initech"], count)


@given("Acme and Globex start imports of the same id at the small server, and ask all their questions there")
def start_without_redis(context: Context) -> None:
    """It may say that imports are not possible now."""
    context.world.imports.start_without_redis(["Acme", "Globex"])


@then("the same imports can be started again")
def start_again(context: Context) -> None:
    context.world.imports.start_again()


@when("the connection breaks on which an import of Acme's waits for a locked row, and the row is free again")
def break_import(context: Context) -> None:
    """At whichever server has the import in hand; it is seen to wait."""
    context.world.imports.interrupt()


@then("within {deadline:Duration} every import has ended as it should")
def imports_ended(context: Context, deadline: float) -> None:
    context.world.imports.expect_ended(deadline)


# A rush


@given("how long {count:Count} requests of Globex take at the large server when nobody else asks")
def usual_time(context: Context, count: int) -> None:
    context.world.rush.measure(count)


@when(
    "Globex sends {count:Count} more while {stuck:Count} requests of Acme wait there for a locked row, "
    "and {gone:Count} others have given up"
)
def rush(context: Context, count: int, stuck: int, gone: int) -> None:
    """The row is seen to be waited for, and none of Acme's requests to be answered meanwhile."""
    context.world.rush.stick(count, stuck, gone)


@then(
    "all {count:Count} are answered, and the slowest took at most {times:Count} times as long as the slowest before, "
    "or {least:Duration}"
)
def quick(context: Context, count: int, times: int, least: float) -> None:
    context.world.rush.expect_quick(times, least)


@then("once the row is free all {count:Count} requests of Acme's are answered, and it is served as before")
def all_answered(context: Context, count: int) -> None:
    context.world.rush.expect_all_answered()


# Our own staff


@when(
    "two of our staff look at Globex's customers {times:Count} times, now and then at Initech's, and ask for all else"
)
def look_often(context: Context, times: int) -> None:
    """On both servers in turn. The names of the two differ in nothing but their case."""
    context.world.looks.look(["Globex", "Initech"], times)
    context.world.looks.ask_as_staff()


@when("a member of our staff looks at Globex's customers")
def look_once(context: Context) -> None:
    context.world.looks.look(["Globex"], 2)


@then("they were shown customers without bank details, and nothing else")
def looks_shown(context: Context) -> None:
    context.world.looks.expect_shown()


@then("both servers tell each company of the looks at its own customers, with who looked and when, and of no others")
def looks_written_down(context: Context) -> None:
    """When: to the second."""
    context.world.looks.expect_written_down()


@then("they were shown nothing")
def shown_nothing(context: Context) -> None:
    context.world.looks.expect_nothing_shown()
