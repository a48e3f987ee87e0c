"""Each kind of store against the real engine: it answers from outside, from inside, and by a node's link."""

from collections.abc import Callable

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import TimeoutError as RedisTimeout
from redis.retry import Retry

from support.containers.fleet import STORES, SUITE, Fleet
from support.faults.faults import Faults

Make = Callable[..., Fleet]


@pytest.mark.parametrize("kind", [kind for kind, store in STORES.items() if store.linked])
def test_a_store_answers_by_every_way_that_there_is(make_fleet: Make, kind: str) -> None:
    fleet = make_fleet(kind, "toxiproxy")
    fleet.start()
    store = fleet.stores[kind]
    link = fleet.links[f"{kind}:{SUITE}"]
    assert fleet.toxiproxy
    assert store.answers(*store.address())
    assert store.answers(*fleet.toxiproxy.address(link))
    assert store.answers_inside("toxiproxy", link)
    faults = Faults(fleet)
    for fault in (faults.cut, faults.silence, faults.mute):
        fault(kind, SUITE)
        assert not store.answers(*fleet.toxiproxy.address(link))
        assert store.answers(*store.address())
        faults.heal()
        assert store.answers(*fleet.toxiproxy.address(link))


def test_a_muted_link_carries_orders_and_no_answers(fleet: Fleet) -> None:
    assert fleet.toxiproxy
    host, port = fleet.toxiproxy.address(fleet.links[f"redis:{SUITE}"])
    muted, direct = (
        Redis(host=host, port=port, socket_timeout=0.3, retry=Retry(NoBackoff(), 0)),
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
