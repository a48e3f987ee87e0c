"""What the probes of the cache and of its origin see, against real servers and real logs."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from support.capabilities.cache_invalidation_redis.origin import Origin, statements_in
from support.capabilities.cache_invalidation_redis.probe import Asker, CacheStore
from support.containers.fleet import Fleet
from support.polling import poll

LOG = """\
2026-11-24 18:56:30.006 UTC [40] LOG:  execute <unnamed>:\x20
\tSELECT 1 WHERE shop = $1
2026-11-24 18:56:30.006 UTC [40] DETAIL:  Parameters: $1 = 'shop-x'
2026-11-24 18:56:30.007 UTC [41] LOG:  statement: BEGIN
2026-11-24 18:56:30.008 UTC [41] ERROR:  canceled
"""
Make = Callable[..., Fleet]


@pytest.fixture
def origin(make_fleet: Make) -> Iterator[Origin]:
    fleet = make_fleet("postgres")
    fleet.start()
    server = fleet.stores["postgres"]
    with psycopg.connect(server.url(*server.address()), autocommit=True) as connection:
        connection.execute("CREATE TABLE products (shop text, product text, price_cents int, UNIQUE (shop, product))")
        connection.execute("CREATE TABLE shops (shop text, discount_percent int)")
    origin = Origin(server)
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


def test_entries_are_kept_for_as_long_as_told_wherever_they_belong(make_fleet: Make) -> None:
    fleet = make_fleet("redis-cluster")
    fleet.start()
    store = CacheStore(*fleet.stores.values())
    keys = [f"key-{number}" for number in range(300)]
    store.keep(dict.fromkeys(keys, "x"), lifetime_s=60)
    assert sorted(store.keys()) == sorted(keys)
    assert all(55 < left <= 60 for left in store.lifetimes().values())
    next(iter(store.members.values())).execute_command("CONFIG RESETSTAT")
    store.drop(*keys[1:])
    assert store.keys() == keys[:1]
    assert 55 < store.lifetime(keys[0]) <= 60 and store.lifetime("no-such-key") == -2
    assert store.calls("KEYS", "UNLINK")["KEYS"] == 0 < store.calls("UNLINK")["UNLINK"]
    store.close()


def test_who_waits_for_invalidations_is_counted_until_the_connection_breaks(make_fleet: Make) -> None:
    fleet = make_fleet("redis")
    fleet.start()
    store = CacheStore(fleet.stores["redis"])
    assert store.subscribers() == 0 == store.break_subscriptions()
    subscription = store.members["redis"].pubsub()
    subscription.subscribe("word")
    assert subscription.get_message(timeout=5) and store.subscribers() == 1
    assert store.break_subscriptions() == 1
    assert poll(lambda: store.subscribers() == 0, within_s=5)
    subscription.close()
    store.close()


def test_a_server_that_stood_still_looks_slow_although_it_answered_little(make_fleet: Make) -> None:
    fleet = make_fleet("redis")
    fleet.start()
    store = CacheStore(fleet.stores["redis"])
    with Asker(fleet.stores["redis"]) as asked:
        time.sleep(0.2)
        store.members["redis"].execute_command("CLIENT PAUSE", 400, "ALL")
        time.sleep(0.5)
    late = [wait for wait in asked.waits() if wait > 0.1]
    assert 0.3 < max(late) < 5 and len(late) > 200
    store.close()
