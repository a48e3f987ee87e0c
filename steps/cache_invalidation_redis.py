"""Sentences of cached prices."""

from functools import partial
from typing import TYPE_CHECKING, Protocol

from behave import given, then, when

if TYPE_CHECKING:
    from support.capabilities.cache_invalidation_redis.world import World


class Context(Protocol):
    """What these steps use of behave's context."""

    world: "World"


# Products and what is shown of them


@given("a new shop on two storefronts")
def new_shop(context: Context) -> None:
    context.world.expect_nodes_well()


@given("{count:Count} products whose prices both storefronts have cached")
def cached_products(context: Context, count: int) -> None:
    context.world.stock_and_cache(count)


@given("{count:Count} products whose prices the first storefront has cached")
def products_cached_by_first(context: Context, count: int) -> None:
    context.world.ageing.begin(count)


@given("{count:Count} products that nobody has looked at")
def fresh_products(context: Context, count: int) -> None:
    context.world.stock(count)


@given("a product that nobody has looked at")
def fresh_product(context: Context) -> None:
    context.world.stock(1)
    context.world.wanted.begin()


@given("both storefronts use Redis")
def redis_is_used(context: Context) -> None:
    """As they do: the Background has seen that both are well."""


@then("within {deadline:Duration} both storefronts show the new prices")
def new_prices_within(context: Context, deadline: float) -> None:
    context.world.expect_shown(context.world.prices, deadline)


@then("from now on both storefronts show the new prices")
def new_prices_from_now_on(context: Context) -> None:
    context.world.expect_only(context.world.prices, 0.5)


@then("for {window:Duration} both storefronts show the new prices and nothing else")
def only_new_prices(context: Context, window: float) -> None:
    context.world.expect_only(context.world.prices, window)


@given("{count:Count} products and {pages:Count} pages that both storefronts have cached")
def cached_products_and_pages(context: Context, count: int, pages: int) -> None:
    context.world.stock_and_cache(count)
    context.world.cache_pages_of_customers(pages)


@then("within {deadline:Duration} both storefronts show the new prices, and the new discount on the pages")
def new_prices_and_discount_within(context: Context, deadline: float) -> None:
    context.world.expect_shown(context.world.prices, deadline)
    context.world.expect_pages_change(deadline)


# Names


@given(
    "shops with similar names and discounts of their own, and products with similar names, from {least:Count} cents on"
)
def similar_names(context: Context, least: int) -> None:
    context.world.similar_names.open(least)


@when("shops change prices, lists and discounts, take products out and add some, at both storefronts in turn")
def change_similar_names(context: Context) -> None:
    context.world.similar_names.change()


@then(
    "within {deadline:Duration} both storefronts show every product at its own price, "
    "and every page with its shop's discount"
)
def similar_names_are_told_apart(context: Context, deadline: float) -> None:
    context.world.similar_names.expect_told_apart(deadline)


# Age


@when("the prices are changed directly in the database")
def change_behind_their_back(context: Context) -> None:
    context.world.change_behind_their_back()


@then("{begin:Duration} to {end:Duration} after they were cached both storefronts still show the cached prices")
def cached_prices_until(context: Context, begin: float, end: float) -> None:
    context.world.ageing.expect_cached(begin, end)


@then(
    "{late:Duration} after a price expired in Redis, at an age of {age:Duration} at the latest, "
    "both storefronts show the new one"
)
def new_price_after_end(context: Context, late: float, age: float) -> None:
    context.world.ageing.expect_fresh_after_end(late, age)


@given("{count:Count} products that customers of both storefronts have looked at")
def products_looked_at(context: Context, count: int) -> None:
    context.world.everything.begin(count)


@when("prices and pages are looked at, changed, removed and looked for in vain, at both storefronts")
def everything_happens(context: Context) -> None:
    context.world.everything.happens()


@then(
    "every entry of the caches expires within {longest:Duration}, "
    "also that of a price that takes {long:Duration} to be fetched"
)
def everything_ends(context: Context, longest: float, long: float) -> None:
    context.world.everything.expect_end_within(longest, long)


@when("customers look at a price, at a product that is not sold, and at a page")
def look_with_browsers(context: Context) -> None:
    context.world.browsers.look()


@then("no browser or proxy on the way may show any of it again without asking")
def browsers_ask_again(context: Context) -> None:
    context.world.browsers.expect_nothing_kept()


@when("all of them and {pages:Count} pages are looked at, and each price once more as soon as it has expired")
def look_at_all(context: Context, pages: int) -> None:
    context.world.lifetimes.look_at_all(pages)


@then("each was cached for {least:Duration} to {most:Duration}")
def ends_in_time(context: Context, least: float, most: float) -> None:
    """As long as Redis was told to, and no less."""
    context.world.lifetimes.expect_between(least, most)


@then("nine in ten of them expire spread over {least:Duration} or more")
def ends_are_spread(context: Context, least: float) -> None:
    context.world.lifetimes.expect_spread(least)


@then(
    "at no moment do more than {times:Count} times as many expire as if they expired evenly, "
    "{least:Duration} to {most:Duration} later"
)
def ends_are_even(context: Context, times: int, least: float, most: float) -> None:
    context.world.lifetimes.expect_even(times, least, most)


@then("the database was asked {times:Count} times for each price, and once for each page")
def asked_for_each(context: Context, times: int) -> None:
    context.world.lifetimes.expect_questions(times)


# Clears


@given("{prices:Count} cached prices and {pages:Count} cached pages in each of the shops named like {names:Names}")
def shops_to_be_cleared(context: Context, prices: int, pages: int, names: list[str]) -> None:
    context.world.look_alikes.open_shops(names, prices, pages)


@given(
    "{prices:Count} cached prices and {pages:Count} cached pages in each of the other shops named like {names:Names}"
)
def shops_to_be_spared(context: Context, prices: int, pages: int, names: list[str]) -> None:
    context.world.look_alikes.open_shops(names, prices, pages, spared=True)


@when("each of the first shops changes its discount, at both storefronts in turn")
def look_alikes_change_discounts(context: Context) -> None:
    context.world.look_alikes.change_discounts()


@when("the shop changes its discount at the first storefront")
def shop_changes_discount(context: Context) -> None:
    context.world.change_discount()


@given("{count:Count} cached prices of the shop")
def many_cached_prices(context: Context, count: int) -> None:
    context.world.cache_prices(count)


@when("the shop changes its discount while others ask Redis")
def clear_while_others_ask(context: Context) -> None:
    context.world.big_clear.clear_while_others_ask()


@then("none of their cached prices and pages is left, and all of the others' are")
@then("none of the shop's cached prices is left")
@then("none of the shop's cached pages is left on any server, and all of the other's are")
def all_is_cleared(context: Context) -> None:
    context.world.planted.expect_cleared()


@then("Redis was never asked for all keys at once, nor to delete anything while others wait")
def nothing_blocking(context: Context) -> None:
    """KEYS, DEL and the FLUSH commands block the server for as long as they take (their manual pages)."""
    context.world.blocking.expect_none()


@then("the prices were cleared in steps of no more than 1 in {part:Count} each")
def steps_are_small(context: Context, part: int) -> None:
    context.world.big_clear.expect_small_steps(part)


@then("{percent:Count} in 100 of those who come at any moment wait less than half of the time that the clear took")
def redis_is_not_blocked(context: Context, percent: int) -> None:
    """A clear that is done as one takes nearly all of that time, and customers stall on a busy machine, too."""
    context.world.big_clear.expect_not_blocked(percent, 1 / 2)


@given("{count:Count} cached pages of the shop and {others:Count} of another, on all servers of the cluster")
def many_cached_pages(context: Context, count: int, others: int) -> None:
    context.world.cache_pages(count, others)


@when("the shop changes its discount while some of its pages move to other servers")
def clear_while_pages_move(context: Context) -> None:
    context.world.cluster_clear.clear_while_slots_move()


@then("both storefronts show the new discount on every page that is looked at")
def pages_show_discount(context: Context) -> None:
    context.world.cluster_clear.expect_shown()


# Changes, and who reads meanwhile


@when("each price is changed {times:Count} times, at both storefronts in turn")
def change_many_times(context: Context, times: int) -> None:
    context.world.propagation.change_each(times)


@then(
    "{percent:Count} in 100 changes were seen at the other storefront within {tail:Duration}, "
    "and every one within {worst:Duration}"
)
def changes_were_seen(context: Context, percent: int, tail: float, worst: float) -> None:
    context.world.propagation.expect_seen(percent, tail, worst)


@then("whoever had seen a new price was never shown an older one again")
def no_way_back(context: Context) -> None:
    context.world.propagation.expect_no_way_back()


@when("each price is changed at the first storefront, and looked at there as soon as that is done")
def change_and_look(context: Context) -> None:
    context.world.authors.change_and_look()


@then("everybody who changed a price was shown the new one")
def authors_see_their_changes(context: Context) -> None:
    context.world.authors.expect_own_changes()


@when(
    "the shop changes all prices in one step, then its discount, {times:Count} times over, "
    "and looks at once where it did so"
)
def change_many_and_look(context: Context, times: int) -> None:
    context.world.authors.change_many_and_look(times)


@then("it was shown every new price and the new discount, each time")
def authors_see_all_their_changes(context: Context) -> None:
    context.world.authors.expect_nothing_stale()


@when("each price is changed at the first storefront, and at the second before the first is done")
def change_one_after_the_other(context: Context) -> None:
    context.world.rivals.change_one_after_the_other()


@when(
    "{lists:Count} lists of new prices for all of these, in different orders, are changed at both storefronts "
    "at the same time"
)
def change_lists_at_both(context: Context, lists: int) -> None:
    context.world.rivals.change_lists_at_both(lists)


@then("the database has the prices of one list")
def one_list_holds(context: Context) -> None:
    context.world.rivals.expect_one_list()


@then("within {deadline:Duration} both storefronts show the prices that the database has")
def shown_is_what_holds(context: Context, deadline: float) -> None:
    context.world.rivals.expect_what_holds(deadline)


@when("each is read by the first storefront, which gets the answer only after the price was changed at the second")
def interleave(context: Context) -> None:
    context.world.slow_reads.interleave()


@given("the first storefront has asked the database for their prices, and the answers are under way")
def answers_are_under_way(context: Context) -> None:
    context.world.slow_reads.ask(list(context.world.prices))


@given("{ago:Duration} ago there was a price change at the second storefront")
def prices_were_changed(context: Context, ago: float) -> None:
    context.world.slow_reads.wait_after(ago, context.world.slow_reads.change_at_second)


@given("{ago:Duration} ago there was a new discount at the second storefront")
def discount_was_changed(context: Context, ago: float) -> None:
    context.world.slow_reads.wait_after(ago, partial(context.world.change_discount, 1))


@given("{ago:Duration} ago there was a change that was missed")
def connections_broke(context: Context, ago: float) -> None:
    context.world.slow_reads.wait_after(ago, context.world.deafness.break_connections_unheard)


@when("other customers ask the first storefront, before the answers arrive")
def others_ask(context: Context) -> None:
    context.world.slow_reads.others_ask()


@then("these customers are shown the new prices")
def others_see_new(context: Context) -> None:
    context.world.slow_reads.expect_others_see_new()


@given("Redis has large entries for these, which come late to the first storefront")
def answers_are_late(context: Context) -> None:
    context.world.late_words.make_answers_late()


@when("the first storefront waits for Redis's answers, the prices change at the second, and half are asked for again")
def change_before_answers(context: Context) -> None:
    context.world.late_words.change_before_answers()


@when("the prices are changed at the first storefront, while customers look at the second all the time")
def change_while_others_look(context: Context) -> None:
    context.world.late_words.change_while_others_look()


@when("the shop changes its discount at the first storefront, while customers look at the second all the time")
def change_discount_while_others_look(context: Context) -> None:
    context.world.late_words.change_discount_while_others_look()


@when("the shop asks at both for impossible prices, alone and beside a possible one, and for impossible discounts")
def ask_for_the_impossible(context: Context) -> None:
    context.world.commits.ask_for_the_impossible()


@then("the shop is told each time that it was refused")
def shop_is_told(context: Context) -> None:
    context.world.commits.expect_refused()


@then("both storefronts show the cached prices and pages, without asking the database again")
def caches_are_untouched(context: Context) -> None:
    context.world.commits.expect_caches_untouched()


@then("nothing has changed in the database")
def database_is_untouched(context: Context) -> None:
    context.world.commits.expect_database_untouched()


@given("new prices at the second storefront, which wait for their commit")
def changes_wait(context: Context) -> None:
    context.world.commits.begin_prices()


@given("new discounts at the second storefront, which wait for their commit")
def discount_waits(context: Context) -> None:
    context.world.commits.begin_discount()


@given("removals at the second storefront, which wait for their commit")
def removals_wait(context: Context) -> None:
    context.world.commits.begin_removals()


@when("both storefronts are asked for the prices, and then these are committed")
def read_and_commit(context: Context) -> None:
    context.world.commits.read_and_commit()


# Storefronts that do not hear


@given("Redis has dropped these to make room")
def redis_makes_room(context: Context) -> None:
    context.world.drop_from_redis()


@given("prices and the discount were changed, and neither storefront has heard of it")
def change_unheard(context: Context) -> None:
    context.world.deafness.change_unheard()


@given("the connections broke once before, and stand again")
def connections_broke_before(context: Context) -> None:
    context.world.deafness.break_and_await_connections()


@when("the connections break by which the storefronts hear of changes")
def connections_break(context: Context) -> None:
    context.world.deafness.break_connections()


@when("the prices are changed at the second storefront")
def change_at_second(context: Context) -> None:
    context.world.deafness.change_at_second()


@then("from {after:Duration} after that on, the first storefront shows the new prices")
def deafness_is_found_out(context: Context, after: float) -> None:
    context.world.deafness.expect_found_out(after)


@then("within {deadline:Duration} both storefronts show the new prices and discount, and no older price again")
def no_way_back_within(context: Context, deadline: float) -> None:
    context.world.deafness.expect_no_way_back(deadline)


@then("once it reaches Redis again, for {window:Duration} it shows the new prices and nothing else")
def second_shows_only_new(context: Context, window: float) -> None:
    context.world.deafness.expect_only_new_after_restart(window)


@given("for {window:Duration} both storefronts show the prices of products that nobody has looked at")
def unknown_products_are_shown(context: Context, window: float) -> None:
    context.world.deafness.expect_unknown_products_shown(window)


@when(
    "the shop changes prices and its discount and takes a product out, "
    "while {customers:Count} customers look at prices and pages"
)
def shop_makes_changes(context: Context, customers: int) -> None:
    context.world.business.begin(customers)


@then("within {deadline:Duration} the shop is told that all of this is done, and every customer is served")
def everybody_is_served(context: Context, deadline: float) -> None:
    context.world.business.expect_served(deadline)


@given("the prices are changed at the first storefront")
def change_at_first(context: Context) -> None:
    context.world.change(context.world.storefronts[0])


# Crowds


@given("a product that {customers:Count} customers have looked for in vain, at both storefronts in turn")
def looked_for_in_vain(context: Context, customers: int) -> None:
    context.world.wanted.begin()
    context.world.wanted.look_in_vain("product-to-come", customers)


@when("the shop begins to sell it at the second storefront")
def shop_begins_to_sell(context: Context) -> None:
    context.world.change(context.world.storefronts[1])


@then("within {deadline:Duration} both storefronts show its price")
def price_is_shown(context: Context, deadline: float) -> None:
    context.world.expect_shown(context.world.prices, deadline)


@then("once the shop has taken it out again, within {deadline:Duration} both storefronts say so")
def product_is_gone(context: Context, deadline: float) -> None:
    context.world.remove_all(context.world.storefronts[0])
    context.world.expect_shown(context.world.prices, deadline)


@when("{count:Count} customers look at all of these, and {pages:Count} at pages, while the database is busy")
def crowd_comes(context: Context, count: int, pages: int) -> None:
    context.world.crowd.come(count, pages)


@when(
    "{count:Count} customers look at all of these, and {pages:Count} at pages, "
    "and Redis goes down while the database is busy"
)
def redis_goes_down_meanwhile(context: Context, count: int, pages: int) -> None:
    context.world.crowd.come(count, pages, meanwhile=partial(context.world.faults.kill, "redis"))


@when(
    "{count:Count} customers look at it, and {pages:Count} at one page, at both storefronts, "
    "and the database takes {delay:Duration}"
)
def crowd_wants_one(context: Context, count: int, pages: int, delay: float) -> None:
    context.world.crowd.come(count, pages, delay)
    context.world.wanted.count()


@when("a customer looks at it, and the database cancels the question")
def question_fails(context: Context) -> None:
    context.world.crowd.come_and_fail()


@then("the next customer of each storefront is shown the price within {deadline:Duration}")
def next_customers_are_served(context: Context, deadline: float) -> None:
    context.world.crowd.expect_next_served(deadline)


@then("the database was never asked more than {most:Count} questions at once")
def database_is_not_overrun(context: Context, most: int) -> None:
    context.world.crowd.expect_at_most(most)


@then("the database was asked for each of the two at most {most:Count} times")
@then("until then the database had been asked for it at most {most:Count} times")
def database_was_asked(context: Context, most: int) -> None:
    context.world.wanted.expect_questions(most)


@then("every customer is shown the price or page")
def every_customer_is_served(context: Context) -> None:
    context.world.crowd.expect_served()
