"""Fleets of more kinds than two nodes and a store, against the real engine: roles, commands, durable data, files."""

import time
from collections.abc import Callable, Mapping

import docker
import pytest
import requests
from inside import said
from redis import Redis

from support.containers import labels, sweep
from support.containers.fleet import Fleet, fetch_images
from support.containers.layout import Layout, Role
from support.containers.platform import Node
from support.containers.provider import ProviderService
from support.containers.service import Store
from support.errors import FaultError, FleetError
from support.faults.faults import Faults
from support.images.resolution import Image
from support.nouns import What, Who
from support.probes.node import time_of_day
from support.proof import source

Make = Callable[..., Fleet]
SECRET = {"JWT_SECRET": "x" * 64}


@pytest.fixture(scope="module")
def all_images(client: docker.DockerClient, images: Mapping[str, Image]) -> Mapping[str, Image]:
    return {**images, **fetch_images(["platform"], client, print)}


@pytest.fixture
def make(make_fleet: Make, all_images: Mapping[str, Image]) -> Make:
    """Makes a fleet with nodes of the reference platform, which have no capability and so need no store."""

    def made(*kinds: str, layout: Layout) -> Fleet:
        return make_fleet(*kinds, "platform", layout=layout, settings=SECRET | {"CAPABILITIES": ""}, images=all_images)

    return made


def test_nodes_stand_in_roles_of_any_number_each_with_settings_and_links_of_its_own(make: Make) -> None:
    roles = (Role("gateway", "gateways"), Role("instance", "instances", 3, {"PORT": "8000"}))
    fleet = make("redis", "toxiproxy", layout=Layout(roles=roles, stores={"Redis": "redis"}, settings={"PORT": "8000"}))
    fleet.start()
    names = ["gateway-1", "gateway-2", "instance-1", "instance-2", "instance-3"]
    assert [node.name for node in fleet.nodes] == names
    assert {f"redis:{name}" for name in names} < fleet.links.keys()
    assert [node.name for node in fleet.nodes_called(Who("instance", 3))] == ["instance-3"]
    assert [node.name for node in fleet.nodes_called(Who("gateways"))] == names[:2]
    for who in (Who("worker"), Who("gateway", 3)):
        with pytest.raises(FleetError, match=r"its nodes\.toml says gateway-1, gateway-2, instance-1"):
            fleet.nodes_called(who)
    with pytest.raises(FleetError, match='"Rides" is no store of the fleet'):
        fleet.stores_called(What("Rides"))


def test_a_command_is_run_once_and_tells_how_it_ended(make: Make, client: docker.DockerClient, run: str) -> None:
    layout = Layout(roles=(Role("node", "nodes", 1),), commands=(Role("migrator", "migrators", 2),))
    fleet = make("redis", "toxiproxy", layout=layout)
    fleet.start()
    ended = fleet.command("migrator-1", ["sh", "-c", "echo $REDIS_URL $WHO; exit 3"], {"WHO": "me"}).run(within_s=10)
    assert (ended.exit_code, ended.output) == (3, f"redis://toxiproxy:{fleet.links['redis:migrator-1']}/0 me")
    assert ended.took_s < 10
    with pytest.raises(FleetError, match=r"migrator-2 had not ended after 3 s; it said last:\nstill here"):
        fleet.command("migrator-2", ["sh", "-c", "echo still here; sleep 60"]).run(within_s=3)
    faults = Faults(fleet)
    faults.on_nodes(Who("migrator", 2), faults.kill)
    assert fleet.commands["migrator-2"].ended(within_s=5).exit_code == 137
    faults.heal()
    assert fleet.casualties() == []
    fleet.command("migrator-1", ["true"]).run(within_s=10)  # what went by the name before is gone
    fleet.commands["migrator-1"].close()
    fleet.stop()
    assert sweep.containers(client, f"{labels.RUN}={run}") == []


def test_a_durable_redis_keeps_what_it_acknowledged(make_fleet: Make) -> None:
    fleet = make_fleet("redis-durable", "redis")
    fleet.start()
    faults = Faults(fleet)
    for name in fleet.stores:
        host, port = fleet.stores[name].address()
        with Redis(host=host, port=port, decode_responses=True) as redis:
            redis.set("kept", "yes")
            faults.restart(name)
            assert redis.get("kept") == ("yes" if name == "redis-durable" else None)
    fleet.stores["redis-durable"].empty()
    faults.restart("redis-durable")
    host, port = fleet.stores["redis-durable"].address()
    with Redis(host=host, port=port) as redis:
        assert redis.dbsize() == 0


def test_a_provider_is_reached_through_a_link_and_its_control_port_by_the_suite(make: Make) -> None:
    fleet = make("upstream", "toxiproxy", layout=Layout(roles=(Role("node", "nodes", 1),)))
    fleet.start()
    provider = fleet.stores["upstream"]
    assert isinstance(provider, ProviderService)
    assert fleet.nodes[0].env["UPSTREAM_URL"] == f"http://toxiproxy:{fleet.links['upstream:node-1']}"
    assert requests.get(f"{provider.control_url}/meter", timeout=5).ok
    faults = Faults(fleet)
    faults.cut("upstream", "node-1")
    faults.heal()
    provider.empty()


def test_a_service_is_given_files_of_the_target_also_of_a_changed_one(make: Make) -> None:
    layout = Layout(roles=(Role("node", "nodes", 1),), files={"redis": {"../requirements.txt": "/data/rules"}})
    fleet = make("redis", layout=layout)
    fleet.start()
    unchanged = source.unchanged()
    assert _content(fleet.stores["redis"]) == unchanged["reference/requirements.txt"]
    path = "reference/small/../requirements.txt"
    fleet.renew(dict(unchanged) | {path: b"# changed"})
    assert _content(fleet.stores["redis"]) == b"# changed"


def test_a_file_that_the_target_does_not_have_is_named(make: Make) -> None:
    fleet = make("redis", layout=Layout(roles=(Role("node", "nodes", 1),), files={"redis": {"rules.yml": "/data/r"}}))
    with pytest.raises(FleetError, match=r"has no file reference/small/rules.yml that could be read"):
        fleet.start()


def _content(store: Store) -> bytes:
    return said(store, "cat", "/data/rules")


def is_ahead(node: Node, by_s: float) -> bool:
    """Whether its clock is so much ahead of this machine's, but for half a second, before and after it was asked."""
    before = time.time()
    return before + by_s - 0.5 < time_of_day(node) < time.time() + by_s + 0.5


def test_the_clock_of_one_node_is_set_ahead_and_back(make: Make) -> None:
    fleet = make("redis", layout=Layout(roles=(Role("node", "nodes", 2, movable_clock=True),)))
    fleet.start()
    faults, (first, second) = Faults(fleet), fleet.nodes
    faults.move_clock("node-1", 5)
    assert is_ahead(first, 5) and is_ahead(second, 0)
    faults.heal()
    assert is_ahead(first, 0)


def test_a_clock_that_cannot_be_moved_is_told_with_the_mend(make: Make) -> None:
    fleet = make("redis", layout=Layout(roles=(Role("node", "nodes", 1),)))
    fleet.start()
    with pytest.raises(FaultError, match="cannot be moved, it has not loaded libfaketime: its image needs"):
        Faults(fleet).move_clock("node-1", 5)
