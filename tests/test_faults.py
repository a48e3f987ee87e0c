"""Faults against real containers: each takes hold, says so when it does not, and is healed."""

import socket
import time
from collections.abc import Callable

import psycopg
import pytest
from inside import said
from redis import Redis
from redis.crc import key_slot
from redis.exceptions import ResponseError

from support.containers.fleet import SUITE, Fleet
from support.containers.layout import Layout
from support.errors import FaultError, ProbeError
from support.faults import network, process
from support.faults.faults import Faults
from support.nouns import What
from support.polling import poll
from support.probes.postgres import connect
from support.probes.redis import Commands, RedisProbe, slots_of


def answers(fleet: Fleet, through: str | None = None) -> bool:
    redis = fleet.named("redis")
    assert fleet.toxiproxy
    return redis.answers(*(fleet.toxiproxy.address(fleet.links[through]) if through else redis.address()), timeout_s=1)


def quickest(ask: Callable[[], object], tries: int = 3) -> float:
    """Seconds of the quickest of three answers: a machine may be slow now and then, a link that is slow always is."""
    took = []
    for _ in range(tries):
        began = time.monotonic()
        assert ask()
        took.append(time.monotonic() - began)
    return min(took)


@pytest.mark.parametrize("fault", [Faults.kill, Faults.pause])
def test_a_container_that_is_down_or_frozen_is_silent_until_it_is_healed(
    fleet: Fleet, fault: Callable[[Faults, str], None]
) -> None:
    faults = Faults(fleet)
    fault(faults, "redis")
    assert not answers(fleet)
    assert faults.held == {"redis"}
    assert fleet.casualties(expected=faults.held) == []
    faults.heal()
    assert answers(fleet)
    assert faults.held == set()


def test_a_restart_loses_what_was_only_in_memory(fleet: Fleet) -> None:
    redis = fleet.named("redis")
    assert said(redis, "redis-cli", "SET", "kept", "no") == b"OK\n"
    Faults(fleet).restart("redis")
    assert said(redis, "redis-cli", "GET", "kept") == b"\n"


def test_a_container_that_was_started_again_is_left_alone_once_it_is_ready(fleet: Fleet) -> None:
    faults = Faults(fleet)
    faults.relaunch("redis")
    assert poll(lambda: answers(fleet), within_s=10)
    began = fleet.named("redis").state()["StartedAt"]
    faults.heal()
    assert fleet.named("redis").state()["StartedAt"] == began

    faults.relaunch("redis")
    process.kill(fleet.named("redis"))
    faults.heal()
    assert answers(fleet)


def test_a_cut_link_is_dead_and_the_other_is_not(fleet: Fleet) -> None:
    faults = Faults(fleet)
    faults.cut("redis", SUITE)
    assert not answers(fleet, f"redis:{SUITE}")
    assert answers(fleet)
    faults.mend(f"redis:{SUITE}")
    assert answers(fleet, f"redis:{SUITE}")


def test_a_link_that_is_dropped_breaks_its_connections_once(fleet: Fleet) -> None:
    assert fleet.toxiproxy
    address = fleet.toxiproxy.address(fleet.links[f"redis:{SUITE}"])
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(b"PING\r\n")
        assert connection.recv(99) == b"+PONG\r\n"
        Faults(fleet).drop("redis", SUITE)
        assert connection.recv(99) == b""
    assert answers(fleet, f"redis:{SUITE}")


def test_a_silent_link_keeps_its_connections_and_carries_nothing(fleet: Fleet) -> None:
    assert fleet.toxiproxy
    faults = Faults(fleet)
    with socket.create_connection(fleet.toxiproxy.address(fleet.links[f"redis:{SUITE}"]), 2) as connection:
        connection.sendall(b"PING\r\n")
        assert connection.recv(16) == b"+PONG\r\n"
        faults.silence("redis", SUITE)
        connection.sendall(b"PING\r\n")
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.recv(16)
    faults.heal()
    assert answers(fleet, f"redis:{SUITE}")


@pytest.mark.alone
@pytest.mark.parametrize("stream", ["downstream", "upstream"])
def test_a_slow_link_takes_as_long_as_it_was_told_until_it_is_healed(fleet: Fleet, stream: str) -> None:
    faults = Faults(fleet)
    faults.slow("redis", SUITE, 0.5, stream)
    assert 0.5 <= quickest(lambda: answers(fleet, f"redis:{SUITE}")) < 1
    faults.heal()
    assert quickest(lambda: answers(fleet, f"redis:{SUITE}")) < 0.25


def test_a_link_that_answers_sooner_than_it_was_told_to_is_told(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network.Link, "_add", lambda *_: None)
    with pytest.raises(FaultError, match=r"redis:suite was slowed by 2 s, and an answer did not take as long"):
        Faults(fleet).slow("redis", SUITE, 2.0, "downstream")


@pytest.mark.alone
def test_a_narrow_link_is_slow_for_what_is_large_and_for_nothing_else(fleet: Fleet) -> None:
    assert fleet.toxiproxy
    faults = Faults(fleet)
    host, port = fleet.toxiproxy.address(fleet.links[f"redis:{SUITE}"])
    with Redis(host=host, port=port, socket_timeout=5) as redis:
        redis.set("large", "x" * 60_000)
        faults.narrow("redis", SUITE, bytes_per_s=60_000)
        assert quickest(redis.ping) < 0.5
        assert 0.7 < quickest(lambda: redis.get("large"), tries=1) < 3
        faults.heal()
        assert quickest(lambda: redis.get("large")) < 0.5


def test_a_server_that_refuses_changes_answers_and_keeps_what_it_has_until_it_is_healed(fleet: Fleet) -> None:
    faults = Faults(fleet)
    host, port = fleet.named("redis").address()
    with Redis(host=host, port=port, socket_timeout=5, decode_responses=True) as redis:
        redis.set("kept", "yes")
        faults.refuse_writes("redis")
        with pytest.raises(ResponseError, match="NOREPLICAS"):
            redis.delete("kept")
        assert redis.get("kept") == redis.eval("return redis.call('GET', 'kept')", 0) == "yes"
        faults.heal()
        assert redis.delete("kept") == 1


def test_a_database_that_refuses_changes_is_read_on_all_connections(make_fleet: Callable[..., Fleet]) -> None:
    fleet = make_fleet("postgres")
    fleet.start()
    faults = Faults(fleet)
    with connect(fleet.named("postgres").address()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS a")
        faults.refuse_writes("postgres")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("DELETE FROM kept")
        assert connection.execute("SELECT a FROM kept").fetchall() == [(1,)]
        faults.heal()
        assert connection.execute("DELETE FROM kept").rowcount == 1


def test_a_cluster_that_was_frozen_for_long_is_whole_again_when_it_is_healed(make_fleet: Callable[..., Fleet]) -> None:
    fleet = make_fleet("redis-cluster", layout=Layout(stores={"the Redis Cluster": "redis-cluster"}))
    fleet.start()
    faults, cluster = Faults(fleet), What("the Redis Cluster")
    for heal in (faults.heal, lambda: faults.bring_back(cluster)):
        faults.hang(cluster)
        assert faults.held == set(fleet.stores)
        time.sleep(3)  # longer than cluster-node-timeout, so that each takes the others for lost
        heal()
        for member in fleet.stores.values():
            told = said(member, "redis-cli", "CLUSTER", "INFO")
            assert b"cluster_state:ok" in told and b"cluster_size:3" in told
    store = RedisProbe(*fleet.stores.values())
    store.keep({f"key-{number}": "x" for number in range(100)}, lifetime_s=60)
    assert len(store.keys()) == 100
    store.close()


def test_a_fault_that_comes_after_what_it_was_meant_for_is_told(fleet: Fleet) -> None:
    faults = Faults(fleet)
    faults.mute("redis", SUITE, during=lambda: True)
    faults.heal()
    with pytest.raises(FaultError, match="redis:suite was silenced too late"):
        faults.mute("redis", SUITE, during=lambda: False)
    faults.heal()
    assert answers(fleet, f"redis:{SUITE}")


def test_a_held_link_gives_its_answers_when_it_is_mended(fleet: Fleet) -> None:
    assert fleet.toxiproxy
    faults = Faults(fleet)
    with socket.create_connection(fleet.toxiproxy.address(fleet.links[f"redis:{SUITE}"]), 2) as connection:
        faults.hold("redis", SUITE)
        connection.sendall(b"SET asked yes\r\n")
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.recv(16)
        assert said(fleet.named("redis"), "redis-cli", "GET", "asked") == b"yes\n"
        faults.mend(f"redis:{SUITE}")
        assert connection.recv(16) == b"+OK\r\n"


def test_a_connection_on_a_stranded_link_looks_open_when_the_store_closes_it(fleet: Fleet) -> None:
    assert fleet.toxiproxy
    faults, probe = Faults(fleet), RedisProbe(fleet.stores["redis"])
    with pytest.raises(ProbeError, match="no subscribers that it could drop"):
        probe.drop_subscribers()
    with socket.create_connection(fleet.toxiproxy.address(fleet.links[f"redis:{SUITE}"]), 2) as connection:
        connection.sendall(b"SUBSCRIBE stranded\r\n")
        assert connection.recv(64).endswith(b":1\r\n")
        faults.strand("redis", SUITE)
        probe.drop_subscribers()
        assert probe.subscriptions("stranded") == 0
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.recv(16)
        assert answers(fleet, f"redis:{SUITE}")
        faults.heal()
        connection.settimeout(5)
        assert connection.recv(16) == b""
    probe.close()


def test_commands_are_seen_as_they_come_and_without_those_of_scripts(fleet: Fleet) -> None:
    redis, commands = fleet.named("redis"), Commands(fleet.stores["redis"])
    redis.exec(["redis-cli", "GET", "other"])
    redis.exec(["redis-cli", "SET", "seen:1:", "x"])
    redis.exec(["redis-cli", "EVAL", "return redis.call('GET', KEYS[1])", "1", "seen:1:"])
    assert poll(lambda: commands.naming("seen:1:") >= 2, within_s=5)
    assert (commands.naming("seen:1:"), commands.naming("other"), commands.naming("seen:2:")) == (2, 1, 0)
    commands.close()


def test_a_full_store_is_read_and_not_written_until_it_has_room(fleet: Fleet) -> None:
    redis, faults = fleet.named("redis"), Faults(fleet)
    assert said(redis, "redis-cli", "SET", "kept", "yes") == b"OK\n"
    faults.fill("redis")
    assert said(redis, "redis-cli", "GET", "kept") == b"yes\n"
    assert b"OOM" in said(redis, "redis-cli", "SET", "more", "no")
    assert fleet.casualties(expected=faults.held) == []
    faults.heal()
    assert said(redis, "redis-cli", "SET", "more", "yes") == b"OK\n"


def test_slots_move_with_their_keys_and_back(make_fleet: Callable[..., Fleet]) -> None:
    fleet = make_fleet("redis-cluster")
    fleet.start()
    store, faults = RedisProbe(*fleet.stores.values()), Faults(fleet)
    store.keep({str(number): "kept" for number in range(100)}, lifetime_s=60)
    first, _, last = store.members.values()
    before = [slots_of(client) for client in store.members.values()]
    moving = [next(key_slot(key.encode()) for key in client.scan_iter()) for client in (first, last)]
    assert faults.reshard("redis-cluster").move(moving) >= 2
    after = [slots_of(client) for client in store.members.values()]
    assert after == [before[0] - {moving[0]} | {moving[1]}, before[1] | {moving[0]}, before[2] - {moving[1]}]
    assert set(store.values(*map(str, range(100))).values()) == {"kept"}
    faults.heal()
    assert [slots_of(client) for client in store.members.values()] == before
    assert set(store.values(*map(str, range(100))).values()) == {"kept"}
    store.close()


def test_a_fault_that_does_not_take_hold_is_told(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fleet.toxiproxy
    monkeypatch.setattr(fleet.toxiproxy, "call", lambda *_: [])
    with pytest.raises(FaultError, match=r"redis:suite was cut, and redis answers through it all the same"):
        Faults(fleet).cut("redis", SUITE)


def test_a_healing_that_does_not_heal_is_told(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = Faults(fleet)
    faults.cut("redis", SUITE)
    assert fleet.toxiproxy
    monkeypatch.setattr("support.faults.network._ANSWERS_WITHIN_S", 0.3)
    monkeypatch.setattr(fleet.toxiproxy, "call", lambda *_: [])
    with pytest.raises(FaultError, match=r"not healed: redis:suite: .*does not answer through it"):
        faults.heal()


def test_a_link_or_container_that_is_not_there_is_named(fleet: Fleet) -> None:
    with pytest.raises(FaultError, match="no link redis:node-9; the fleet has redis:suite"):
        Faults(fleet).cut("redis", "node-9")
    with pytest.raises(Exception, match="the fleet has no postgres; it has redis, toxiproxy"):
        Faults(fleet).kill("postgres")
