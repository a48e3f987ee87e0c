"""Fleets against the real engine: what they are made of, how they start, what is refused, what is left."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import docker
import pytest

from support.containers import admission, labels, sweep
from support.containers.evidence import capture, of_failed_start
from support.containers.fleet import Casualty, Fleet
from support.containers.redis import RedisService
from support.containers.service import MIB
from support.errors import FleetError, SuiteError
from support.turn import turn

Make = Callable[..., Fleet]


@pytest.fixture
def fleet(make_fleet: Make) -> Fleet:
    """A started fleet of this test's own: a Redis behind a Toxiproxy."""
    made = make_fleet("redis", "toxiproxy")
    made.start()
    return made


def left(client: docker.DockerClient, run: str) -> list[str]:
    label = f"{labels.RUN}={run}"
    listed = sweep.containers(client, label) + list(client.api.networks(filters={"label": label}))
    return [sweep.name_of(thing) for thing in listed]


def test_every_container_has_limits_and_loopback_ports_only(fleet: Fleet, client: docker.DockerClient) -> None:
    for service in fleet.services:
        attributes = client.api.inspect_container(service.get_container_id())
        host = attributes["HostConfig"]
        assert host["Memory"] == host["MemorySwap"] == service.limits.memory
        assert host["NanoCpus"] > 0
        assert host["PidsLimit"] == service.limits.pids
        bindings = [b for ports in host["PortBindings"].values() for b in ports]
        assert bindings and {b["HostIp"] for b in bindings} == {"127.0.0.1"}


def test_all_that_is_made_carries_its_owner(fleet: Fleet, client: docker.DockerClient, run: str) -> None:
    listed = sweep.containers(client, f"{labels.RUN}={run}")
    networks = client.api.networks(filters={"label": f"{labels.RUN}={run}"})
    assert len(listed) == 2 and len(networks) == 1
    for thing in [*listed, *networks]:
        assert labels.owned_by_this_process(run).items() <= thing["Labels"].items()


def test_times_are_taken_in_their_order(fleet: Fleet) -> None:
    for row in fleet.rows():
        assert 0 < row["created_s"] < row["started_s"] < row["ready_s"]
        assert row["peak_memory"] is None or MIB < row["peak_memory"] <= row["memory_limit"]


def test_stop_leaves_nothing(fleet: Fleet, client: docker.DockerClient, run: str) -> None:
    assert len(left(client, run)) == 3
    fleet.stop()
    assert left(client, run) == []


def test_an_address_survives_kill_and_start(fleet: Fleet) -> None:
    redis = fleet.named("redis")
    before = redis.address()
    redis.get_wrapped_container().kill()
    redis.start().wait_ready()
    assert redis.address() == before
    assert redis.answers(*before)


def test_a_service_that_never_gets_ready_is_told_and_leaves_nothing(
    make_fleet: Make, client: docker.DockerClient, run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RedisService, "ready_within_s", 1.0)
    monkeypatch.setattr(RedisService, "command", ["sh", "-c", "echo I will not serve; sleep 60"])
    fleet = make_fleet("redis")
    with (
        pytest.raises(
            FleetError, match=r"I will not serve\nand gave no answer to PING at 127.0.0.1:\d+ within 1 s"
        ) as told,
        of_failed_start(fleet, tmp_path / "small"),
    ):
        fleet.start()
    assert str(told.value).endswith(f"the logs of all containers are in {tmp_path / 'small'}")
    assert (tmp_path / "small" / "redis.log").read_text(encoding="utf-8") == "I will not serve\n"
    fleet.stop()
    assert left(client, run) == []


@pytest.mark.alone
def test_a_service_that_dies_at_once_is_not_waited_for(make_fleet: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RedisService, "command", ["sh", "-c", "echo bad option >&2; exit 3"])
    began = time.monotonic()
    with pytest.raises(FleetError, match=r"redis \(it ended with exit code 3\) said last:\nbad option"):
        make_fleet("redis").start()
    assert time.monotonic() - began < 10


def test_a_fleet_that_cannot_fit_is_refused_with_the_sum(
    make_fleet: Make, client: docker.DockerClient, run: str
) -> None:
    with pytest.raises(FleetError, match="takes 384 MiB at once, but all may take 100 MiB; raise L3_MEMORY"):
        make_fleet("redis", "toxiproxy", budget=100 * MIB).start()
    assert left(client, run) == []


def test_a_fleet_waits_until_another_makes_room(make_fleet: Make, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Fleets of others on this machine come and go; the room that is waited for is that of these two.
    own = f"{labels.RUN}={run}"
    monkeypatch.setattr(admission, "containers", lambda client, _: sweep.containers(client, own))
    first, second = (make_fleet("redis", capability=name, budget=300 * MIB) for name in ("first", "second"))
    first.start()
    waiting = threading.Thread(target=second.start)
    waiting.start()
    waiting.join(1.5)
    assert waiting.is_alive(), "the second fleet did not wait"
    first.stop()
    waiting.join(120)
    assert not waiting.is_alive(), "the second fleet waits on"
    assert not second.casualties()


def test_a_fleet_that_waits_for_room_is_given_up_at_once(
    make_fleet: Make, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = f"{labels.RUN}={run}"
    monkeypatch.setattr(admission, "containers", lambda client, _: sweep.containers(client, own))
    first, second = (make_fleet("redis", capability=name, budget=300 * MIB) for name in ("first", "second"))
    first.start()
    second.begin()
    time.sleep(0.7)  # until it waits
    began = time.monotonic()
    second.stop()
    # For room, or for another of these tests that is being let in.
    with pytest.raises(SuiteError, match=r"nobody waits for (the|its) fleet any more"):
        second.await_ready()
    assert time.monotonic() - began < 10


def test_a_turn_that_another_holds_is_given_up_at_once(tmp_path: Path) -> None:
    over = threading.Event()
    with turn(tmp_path, "the first", print), ThreadPoolExecutor(1) as pool:
        waits = pool.submit(turn(tmp_path, "the second", print, over.is_set).__enter__)
        assert not wait([waits], 0.3).done, "it did not wait"
        over.set()
        assert wait([waits], 2).done
    assert "nobody waits for the second any more" in str(waits.exception())


def test_a_container_that_died_is_named_and_brought_back(fleet: Fleet) -> None:
    assert fleet.casualties() == []
    fleet.named("redis").get_wrapped_container().kill()
    assert fleet.casualties(expected=["redis"]) == []
    assert fleet.casualties() == [Casualty("redis", "died (exit code 137)", by_itself=False)]
    fleet.restore()
    assert fleet.casualties() == []


def test_a_store_that_was_not_emptied_once_is_not_given_up(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken, pytest.raises(FleetError, match="nobody empties it"):
        broken.setattr(RedisService, "_emptied", _not_emptied)
        fleet.renew({})
    fleet.renew({})
    fleet.named("redis").wait_ready()


def _not_emptied(store: RedisService) -> object:
    raise FleetError("nobody empties it")


def test_links_come_back_when_toxiproxy_does(fleet: Fleet) -> None:
    assert fleet.toxiproxy
    address = fleet.toxiproxy.address(fleet.links["redis:suite"])
    assert fleet.named("redis").answers(*address)
    fleet.toxiproxy.get_wrapped_container().kill()
    assert not fleet.named("redis").answers(*address)
    assert [casualty.name for casualty in fleet.casualties()] == ["toxiproxy"]
    fleet.restore()
    assert fleet.named("redis").answers(*address)


def test_evidence_has_log_and_inspection_without_secrets(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis = fleet.named("redis").get_wrapped_container()
    real = redis.reload

    def with_a_secret() -> None:
        real()
        redis.attrs["Config"]["Env"] = ["JWT_SECRET=very-secret", "NODE_NAME=node-1"]

    monkeypatch.setattr(redis, "reload", with_a_secret)
    capture(fleet, tmp_path / "evidence")
    assert "Ready to accept connections" in (tmp_path / "evidence" / "redis.log").read_text(encoding="utf-8")
    inspection = (tmp_path / "evidence" / "redis.json").read_text(encoding="utf-8")
    assert "NODE_NAME=node-1" in inspection and "JWT_SECRET=***" in inspection and "very-secret" not in inspection
