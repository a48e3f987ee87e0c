"""What the probes of the cache and of its origin see, against real servers and real logs."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from support.capabilities.cache_invalidation_redis.client import Books
from support.capabilities.cache_invalidation_redis.origin import Origin, statements_in
from support.capabilities.cache_invalidation_redis.probe import Asker
from support.containers.fleet import Fleet
from support.polling import poll
from support.probes.redis import client_of

LOG = """\
2026-11-24 18:56:30.006 UTC [40] LOG:  execute <unnamed>:\x20
\tSELECT 1 WHERE shop = $1
2026-11-24 18:56:30.006 UTC [40] DETAIL:  Parameters: $1 = 'shop-x'
2026-11-24 18:56:30.007 UTC [41] LOG:  statement: BEGIN
2026-11-24 18:56:30.008 UTC [41] ERROR:  canceled
"""
BOOKS = Books(
    prices="products",
    discounts="shops",
    set_discount="",
    set_price="INSERT INTO products VALUES (%(shop)s, %(product)s, %(cents)s) "
    "ON CONFLICT (shop, product) DO UPDATE SET price_cents = excluded.price_cents",
    all_prices="SELECT product, price_cents FROM products WHERE shop = %(shop)s",
)
Make = Callable[..., Fleet]


@pytest.fixture
def origin(make_fleet: Make) -> Iterator[Origin]:
    fleet = make_fleet("postgres")
    fleet.start()
    server = fleet.stores["postgres"]
    with psycopg.connect(server.url(*server.address()), autocommit=True) as connection:
        connection.execute("CREATE TABLE products (shop text, product text, price_cents int, UNIQUE (shop, product))")
        connection.execute("CREATE TABLE shops (shop text, discount_percent int)")
    origin = Origin(server, BOOKS)
    yield origin
    origin.close()


def test_a_statement_of_the_log_has_all_its_lines() -> None:
    select, begin = statements_in(LOG)
    assert select.startswith("execute <unnamed>:") and "SELECT 1 WHERE shop = $1" in select
    assert select.endswith("Parameters: $1 = 'shop-x'")
    assert begin.startswith("statement: BEGIN")


def test_reads_of_a_shop_are_counted_and_nothing_else_is(origin: Origin) -> None:
    server = origin._server
    with psycopg.connect(server.url(*server.address()), autocommit=True) as node:
        with origin.questions("shop-x") as asked:
            assert asked() == []
            node.execute("SELECT price_cents FROM products WHERE shop = %s", ["shop-x"])
            node.execute("SELECT price_cents FROM products WHERE shop = %s", ["shop-y"])
            node.execute("INSERT INTO products VALUES (%s, 'p', 1)", ["shop-x"])
            assert len(asked()) == 1
        since = origin.now()
        assert origin.reads_done(since) == 0
        node.execute("SELECT price_cents FROM products WHERE shop = %s", ["shop-x"])
        assert origin.reads_done(since) == 1


def test_whoever_waits_for_the_origin_is_seen_and_let_through(origin: Origin) -> None:
    server = origin._server
    node = psycopg.connect(server.url(*server.address()), autocommit=True)
    for hold, waiting in ((origin.closed, origin.waiting), (origin.commits_held, origin.held_commits)):
        with hold():
            change = threading.Thread(
                target=node.execute, args=["INSERT INTO products VALUES (gen_random_uuid(), '', 1)"]
            )
            change.start()
            assert poll(lambda seen=waiting: seen() == 1, within_s=5)  # type: ignore[misc]
            assert change.is_alive()
        change.join(5)
        assert not change.is_alive() and waiting() == 0
    node.close()


def test_whoever_changes_a_price_that_is_held_waits_and_is_let_through(origin: Origin) -> None:
    origin.set_prices("shop-x", {"p": 7})
    server = origin._server
    with psycopg.connect(server.url(*server.address()), autocommit=True) as node, ThreadPoolExecutor(1) as shop:
        with origin.price_held("shop-x", "p", 7):
            change = shop.submit(node.execute, "UPDATE products SET price_cents = 8")
            assert poll(lambda: origin.waiting_for_rows() == 1, within_s=5) and not change.done()
        change.result(5)
    assert origin.prices("shop-x") == {"p": 8} and origin.waiting_for_rows() == 0


def test_a_question_that_waits_is_cancelled_and_others_are_not(origin: Origin) -> None:
    origin.set_prices("shop-x", {"p": 7})
    assert origin.prices("shop-x") == {"p": 7} and origin.prices("shop-y") == {}
    server = origin._server
    with psycopg.connect(server.url(*server.address()), autocommit=True) as node:
        with origin.closed():
            with ThreadPoolExecutor(1) as customer:
                asked = customer.submit(node.execute, "SELECT price_cents FROM products")
                assert poll(lambda: origin.cancel() == 1, within_s=5)
                assert isinstance(asked.exception(5), psycopg.errors.QueryCanceled)
            assert origin.cancel() == 0
        assert node.execute("SELECT price_cents FROM products").fetchall() == [(7,)]


def test_a_server_that_stood_still_looks_slow_although_it_answered_little(make_fleet: Make) -> None:
    fleet = make_fleet("redis")
    fleet.start()
    client = client_of(fleet.stores["redis"])
    with Asker(fleet.stores["redis"]) as asked:
        time.sleep(0.2)
        client.execute_command("CLIENT PAUSE", 1000, "ALL")
        time.sleep(1.2)
    late = [wait for wait in asked.waits() if wait > 0.1]
    assert 0.3 < max(late) < 5 and len(late) > 200
    client.close()
