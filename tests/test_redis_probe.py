"""What the one Redis probe sees, of a server and of a cluster."""

from collections.abc import Callable

import pytest

from support.containers.fleet import Fleet
from support.errors import ProbeError
from support.polling import poll
from support.probes.redis import RedisProbe, slots_of

Make = Callable[..., Fleet]


def test_keys_of_a_cluster_are_kept_for_as_long_as_told_wherever_they_belong(make_fleet: Make) -> None:
    fleet = make_fleet("redis-cluster")
    fleet.start()
    probe = RedisProbe(*fleet.stores.values())
    assert sorted(slot for client in probe.members.values() for slot in slots_of(client)) == list(range(16384))
    keys = [f"key-{number}" for number in range(300)]
    probe.keep(dict.fromkeys(keys, "x"), lifetime_s=60)
    assert sorted(probe.keys()) == sorted(keys) and sorted(probe.keys("key-29?")) == keys[290:]
    assert all(55 < left <= 60 for left in probe.lifetimes().values())
    next(iter(probe.members.values())).execute_command("CONFIG RESETSTAT")
    probe.drop(*keys[1:])
    assert probe.keys() == keys[:1]
    assert probe.value(keys[0]) == "x" and probe.value(keys[1]) is None
    assert 55 < probe.lifetime(keys[0]) <= 60 and probe.lifetime("no-such-key") == -2
    assert probe.calls("KEYS", "UNLINK")["KEYS"] == 0 < probe.calls("UNLINK")["UNLINK"]
    probe.lose_everything()
    assert probe.keys() == []
    probe.close()


def test_a_key_that_is_no_text_can_be_found_and_asked_for(fleet: Fleet) -> None:
    probe = RedisProbe(fleet.stores["redis"])
    probe.members["redis"].execute_command("SET", b"key-\xff", b"\xfe")
    (key,) = probe.keys("key-*")
    assert probe.value(key) == "\udcfe" and probe.lifetime(key) == -1
    with pytest.raises(ProbeError, match="WRONGTYPE"):
        probe.stream_length(key)
    probe.close()


def test_subscribers_are_counted_until_their_connection_breaks(fleet: Fleet) -> None:
    probe = RedisProbe(fleet.stores["redis"])
    assert probe.subscribers() == 0
    with pytest.raises(ProbeError, match="no subscribers that it could drop"):
        probe.drop_subscribers()
    subscription = probe.members["redis"].pubsub()
    subscription.subscribe("a:word:b", "another:ä")
    assert subscription.get_message(timeout=5) and probe.subscribers() == 1
    assert [probe.subscriptions(part) for part in ("word", "ä", ":", "none")] == [1, 1, 2, 0]
    assert probe.drop_subscribers() == 1
    assert poll(lambda: probe.subscribers() == 0, within_s=5)
    subscription.close()
    probe.close()


def test_entries_of_a_stream_are_counted_and_those_that_nobody_has_acknowledged(fleet: Fleet) -> None:
    probe = RedisProbe(fleet.stores["redis"])
    client = probe.members["redis"]
    assert probe.stream_length("orders") == 0
    client.xgroup_create("orders", "workers", id="0", mkstream=True)
    first, _ = client.xadd("orders", {"n": "1"}), client.xadd("orders", {"n": "2"})
    assert (probe.stream_length("orders"), probe.pending("orders", "workers")) == (2, 0)
    client.xreadgroup("workers", "one", {"orders": ">"})
    client.xack("orders", "workers", first)
    assert (probe.stream_length("orders"), probe.pending("orders", "workers")) == (2, 1)
    assert probe.has_group("orders", "workers")
    refused = probe.refusals()
    for nowhere in (("orders", "nobody"), ("invoices", "workers")):
        assert probe.pending(*nowhere) == 0 and not probe.has_group(*nowhere)
    assert probe.refusals() == refused + 2
    probe.close()


def test_what_is_kept_is_found_under_keys_of_each_type(fleet: Fleet) -> None:
    probe = RedisProbe(fleet.stores["redis"])
    client = probe.members["redis"]
    client.set("text", "an order-1")
    client.hset("hash", "order-1", "x")
    client.rpush("list", "x", "order-1")
    client.sadd("set", "order-1")
    client.zadd("sorted", {"order-1": 1})
    client.xadd("stream", {"n": "order-1"})
    client.set("of order-1", "x")
    client.set("another", "order-2")
    held = ["text", "hash", "list", "set", "sorted", "stream", "of order-1"]
    assert sorted(probe.holding(["order-1", "order-3"], [*held, "another", "no such key"])) == sorted(held)
    probe.close()
