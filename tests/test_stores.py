"""Each kind of store against the real engine: it answers from outside, from inside, and by a node's link."""

from collections.abc import Callable

import pytest
from inside import said
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import TimeoutError as RedisTimeout
from redis.retry import Retry

from support.containers.fleet import STORES, SUITE, Fleet
from support.errors import FleetError
from support.faults.faults import Faults
from support.polling import poll

Make = Callable[..., Fleet]


@pytest.mark.parametrize("kind", [kind for kind, store in STORES.items() if store.linked])
def test_a_store_answers_by_every_way_that_there_is(make_fleet: Make, kind: str) -> None:
    fleet = make_fleet(kind, "toxiproxy")
    fleet.start()
    store = fleet.stores[kind]
    link = fleet.links[f"{kind}:{SUITE}"]
    assert fleet.toxiproxy
    assert poll(lambda: store.answers(*store.address()), 10)
    assert poll(lambda: store.answers(*fleet.toxiproxy.address(link)), 10)  # type: ignore[union-attr]
    assert poll(lambda: store.answers_inside("toxiproxy", link), 20)
    faults = Faults(fleet)
    for fault in (faults.cut, faults.silence, faults.mute):
        fault(kind, SUITE)
        assert not store.answers(*fleet.toxiproxy.address(link))
        assert poll(lambda: store.answers(*store.address()), 10)
        faults.heal()
        assert poll(lambda: store.answers(*fleet.toxiproxy.address(link)), 10)  # type: ignore[union-attr]


def test_a_muted_link_carries_orders_and_no_answers(fleet: Fleet) -> None:
    assert fleet.toxiproxy
    host, port = fleet.toxiproxy.address(fleet.links[f"redis:{SUITE}"])
    muted, direct = (
        Redis(host=host, port=port, socket_timeout=1.0, retry=Retry(NoBackoff(), 0)),
        Redis(port=fleet.stores["redis"].address()[1]),
    )
    with muted, direct:
        muted.ping()
        Faults(fleet).mute("redis", SUITE)
        with pytest.raises(RedisTimeout):
            muted.set("heard", "yes")
        assert direct.get("heard") == b"yes"


def test_a_cluster_of_three_is_one_store(make_fleet: Make) -> None:
    fleet = make_fleet("redis-cluster")
    fleet.start()
    members = [Redis(port=store.address()[1], decode_responses=True) for store in fleet.stores.values()]
    assert len(members) == 3
    for member in members:
        shards = member.execute_command("CLUSTER SHARDS")
        slots = sorted(tuple(shard["slots"]) if isinstance(shard, dict) else tuple(shard[1]) for shard in shards)
        assert slots == [(0, 5460), (5461, 10921), (10922, 16383)]
        member.close()


def test_a_cluster_that_nobody_wants_any_more_is_not_waited_for(make_fleet: Make) -> None:
    fleet = make_fleet("redis-cluster")
    fleet.begin()
    assert poll(lambda: all(member.times.ready_s for member in fleet.services), 120)
    fleet.stop()
    with pytest.raises(FleetError, match="did not come together"):
        fleet.await_ready()


# For each kind of store: a command that leaves all sorts of things in it, and one that tells what is left.
LEAVINGS = {
    "redis": (
        ["sh", "-c", "redis-cli SET kept 1 && redis-cli -n 3 SET kept 1"],
        ["redis-cli", "INFO", "keyspace"],
        "# Keyspace",
    ),
    "postgres": (
        [
            *("psql", "-U", "postgres", "-c", "CREATE TABLE kept AS SELECT 1 AS a; CREATE SCHEMA other"),
            *("-c", "CREATE TABLE other.kept (a int)", "-c", "CREATE DATABASE kept"),
            *(
                "-c",
                "ALTER DATABASE postgres SET work_mem = '1MB'",
                "-c",
                "CREATE ROLE kept; CREATE ROLE member ROLE kept",
            ),
        ],
        [
            *("psql", "-U", "postgres", "-qtAc"),
            "SELECT (SELECT count(*) FROM pg_class WHERE oid >= 16384) || ' ' || string_agg(datname, ' ') || ' ' || "
            "(SELECT count(*) FROM pg_db_role_setting) || ' ' || (SELECT count(*) FROM pg_roles WHERE oid >= 16384) "
            "FROM pg_database WHERE NOT datistemplate",
        ],
        "0 postgres 0 0",
    ),
    "clickhouse": (
        [
            *("clickhouse-client", "--multiquery", "--query"),
            "CREATE TABLE kept (a Int8) ENGINE = Memory; CREATE DATABASE other; "
            "CREATE TABLE other.kept (a Int8) ENGINE = Memory; "
            "CREATE MATERIALIZED VIEW seen ENGINE = Memory AS SELECT a FROM kept; INSERT INTO kept VALUES (1)",
        ],
        [
            *("clickhouse-client", "--query"),
            "SELECT count() FROM system.tables WHERE database != 'system' AND lower(database) != 'information_schema'",
        ],
        "0",
    ),
}


@pytest.mark.parametrize("kind", LEAVINGS)
def test_a_store_that_is_emptied_holds_nothing_and_serves(make_fleet: Make, kind: str) -> None:
    fleet = make_fleet(kind)
    fleet.start()
    store = fleet.stores[kind]
    leave, look, nothing = LEAVINGS[kind]
    left = store.exec(leave)
    assert left.exit_code == 0, left.output
    assert said(store, *look).decode().strip() != nothing
    for _ in range(2):
        store.empty()
        assert said(store, *look).decode().strip() == nothing
        assert poll(lambda: store.answers(*store.address()), 10)


def test_a_store_that_cannot_be_emptied_is_told(fleet: Fleet) -> None:
    Faults(fleet).kill("redis")
    with pytest.raises(FleetError, match=r"redis was not emptied: .*refused"):
        fleet.stores["redis"].empty()


def test_each_member_of_a_cluster_is_emptied(make_fleet: Make) -> None:
    fleet = make_fleet("redis-cluster")
    fleet.start()
    first = fleet.stores["redis-cluster-1"]
    for key in map(str, range(20)):
        assert said(first, "redis-cli", "-c", "SET", key, "kept") == b"OK\n"
    for store in fleet.stores.values():
        assert said(store, "redis-cli", "DBSIZE") != b"0\n"
        store.empty()
        assert said(store, "redis-cli", "DBSIZE") == b"0\n"
