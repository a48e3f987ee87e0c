"""All the containers of one feature: its services, its nodes, the links between them, on a network of their own."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import docker
from docker.errors import DockerException
from testcontainers.core.network import Network

from support.containers import labels, sweep
from support.containers.admission import admitted
from support.containers.clickhouse import ClickHouseService
from support.containers.consul import ConsulService
from support.containers.engine import connect, same_api
from support.containers.image_files import file_in
from support.containers.jaeger import JaegerService
from support.containers.layout import Layout, Role, all_layouts
from support.containers.loopback import images_needed, loopback_of
from support.containers.platform import MOVABLE_CLOCK, Command, Node, OfTarget
from support.containers.postgres import PostgresService
from support.containers.prometheus import AlertmanagerService, PrometheusService
from support.containers.provider import PROVIDERS
from support.containers.redis import RedisDurableService, RedisService
from support.containers.redis_cluster import RedisClusterService
from support.containers.service import Service, Store
from support.containers.target import Target
from support.containers.toxiproxy import FIRST_LINK, ToxiproxyService
from support.errors import EngineError, FleetError
from support.images.manifest import Entry
from support.images.resolution import Image, resolve_all
from support.nouns import What, Who
from support.origin import words

_SERVERS = (RedisService, RedisDurableService, RedisClusterService, PostgresService, ClickHouseService, ConsulService)
_MONITORS = (PrometheusService, AlertmanagerService, JaegerService)
_CLASSES: tuple[type[Store], ...] = (*_SERVERS, *_MONITORS, *PROVIDERS)
STORES = {store.kind: store for store in _CLASSES}
KINDS = (*STORES, ToxiproxyService.kind, Node.kind)
AT_ONCE = 3  # containers that are started; the engine starts more no faster, and none of them is there early
SUITE = "suite"  # the user of the links that are the suite's own
AnyService = TypeVar("AnyService", bound=Service)
_OWN = ("NODE_NAME", "CAPABILITIES", "SETTINGS")  # what a node is told of itself


def kinds_in(tags: Iterable[str]) -> tuple[str, ...]:
    """The kinds of containers that a feature's `tags` ask for, as @container.redis does."""
    return tuple(tag.removeprefix("container.") for tag in tags if tag.startswith("container."))


def names_given() -> set[str]:
    """Every name by which some node of some feature is told something, but for secrets."""
    layouts = list(all_layouts())
    settings = [layout.settings for layout in layouts] + [r.settings for layout in layouts for r in layout.roles]
    return {*_OWN, *(store.setting for store in STORES.values()), *(name for some in settings for name in some)}


def fetch_images(
    kinds: Iterable[str],
    client: docker.DockerClient,
    say: Callable[[str], None],
    own: Iterable[Entry] = (),
) -> dict[str, Image]:
    """The image of each of `kinds`, fetched if need be; `own` entries count instead of the manifest's of that name.

    Raises ImageError and EngineError.
    """
    names = {kind: STORES[kind].image_name or kind if kind in STORES else kind for kind in (*kinds, *images_needed())}
    images = resolve_all(names.values(), client, say, own)
    return {kind: images[name] for kind, name in names.items()}


@dataclass(frozen=True)
class Order:
    """What a fleet is made of: the kinds of its containers, their images, the layout of its nodes, what these are like.

    `images` has one for each kind; `settings` is what every node is told beside its layout, secrets; `budget` in bytes.
    `files` (path -> content) is what nodes run, and services are given, in the place of what the target's image has.
    """

    run: str
    capability: str
    kinds: tuple[str, ...]
    images: Mapping[str, Image]
    layout: Layout
    settings: Mapping[str, str]
    budget: int
    target: Target = field(default_factory=Target)
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Casualty:
    """A container that is not running although no fault holds it. `by_itself`: a node that ended of its own accord."""

    name: str
    fate: str
    by_itself: bool

    def __str__(self) -> str:
        return f"{self.name} {self.fate}"


class Fleet:
    """The containers of one feature. `start` returns when all are ready; `stop` leaves nothing."""

    def __init__(self, client: docker.DockerClient, order: Order, say: Callable[[str], None]) -> None:
        self._client = client
        self._order = order
        self._say = say
        self._labels = labels.owned_by_this_process(order.run) | {labels.FEATURE: order.capability}
        machine = client.info()
        self._cores = int(machine["NCPU"])
        self._room = min(order.budget, int(machine["MemTotal"]))
        self._began, self._began_at, self._waited_s = 0.0, "", 0.0
        self._wounded: list[Service] = []
        self._lost, self._given_up = False, False
        self._loopback = loopback_of(client, order.images, self._labels)
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="fleet")
        self._roles = _by_name(order, order.layout.roles)
        self._command_roles = _by_name(order, order.layout.commands)
        self._version = order.files
        self.commands: dict[str, Command] = {}
        proxied = ToxiproxyService.kind in order.kinds
        # A store of several members takes longest, because they have to agree; so these are started first.
        kinds = sorted((kind for kind in order.kinds if kind in STORES), key=lambda kind: -STORES[kind].members)
        self.stores = {name: self._service(STORES[kind], name) for kind in kinds for name in _names(STORES[kind])}
        self.links = _links(self.stores.values(), (SUITE, *self._roles, *self._command_roles)) if proxied else {}
        own = tuple(port for name, port in self.links.items() if name.endswith(f":{SUITE}"))
        self.toxiproxy = self._service(ToxiproxyService, "toxiproxy", own) if proxied else None
        self.nodes = [self._node(name) for name in self._roles]

    @property
    def secrets(self) -> Mapping[str, str]:
        """What the nodes are told and nobody else may read, by name."""
        return self._order.settings

    @property
    def services(self) -> list[Service]:
        """All containers, services first."""
        return [*self._infrastructure, *self.nodes]

    @property
    def _all_roles(self) -> dict[str, Role]:
        return self._roles | self._command_roles

    @property
    def _infrastructure(self) -> list[Service]:
        return [*self.stores.values(), *([self.toxiproxy] if self.toxiproxy else [])]

    def start(self) -> float:
        """Starts everything: services side by side, nodes when these are ready. Returns the seconds that it took.

        Raises FleetError or EngineError; what had been started by then is removed by `stop`.
        """
        self._began, self._began_at = time.monotonic(), datetime.now(UTC).isoformat(timespec="milliseconds")
        need = sum(service.limits.memory for service in self.services)
        need += len(self._command_roles) * Command.limits.memory + self._loopback.memory
        with admitted(self._client, need, self._room, self._say, lambda: self._given_up):
            self._waited_s = self._elapsed()
            self._loopback.open()
            self._create_network()
            # The nodes are made while the services start, so that nothing is left to do but to start them.
            _side_by_side(self._make_ready, [*self._infrastructure, *self.nodes])
        self.connect_services()
        _side_by_side(self._start, self.nodes)
        return time.monotonic() - self._began

    def connect_services(self) -> None:
        """Opens the links, and makes one store of members, once all of them answer. Raises FleetError, FaultError."""
        self._join()
        for kind in {store.kind for store in self.stores.values()}:
            STORES[kind].assemble([store for store in self.stores.values() if store.kind == kind])

    def begin(self) -> None:
        """Starts everything in the background; `await_ready` tells what came of it."""
        self._starting = self._starter.submit(self.start)

    def await_ready(self) -> float:
        """Returns when what was begun is ready, with the seconds that it took. Raises as `start` does."""
        return self._starting.result()

    def stop(self) -> None:
        """Removes every container and the network, also of a start that goes on. EngineError when something is left."""
        self._given_up = True
        for service in self.services:
            service.abandoned = True
        self._starter.shutdown()
        # The client may have been interrupted within a call, with its pool locked.
        self._client = connect()
        try:
            self._remove(lambda owner: True)
        finally:
            self._loopback.close()

    def named(self, name: str) -> Service:
        """The container called `name` in this fleet. Raises FleetError naming those that there are."""
        for service in (*self.services, *self.commands.values()):
            if service.name == name:
                return service
        raise FleetError(f"the fleet has no {name}; it has {', '.join(s.name for s in self.services)}")

    def command(self, name: str, words: Sequence[str], settings: Mapping[str, str] = {}) -> Command:
        """A command of the target under `name`, one of those that the layout has: created, and not started yet.

        Without `words` it does what a node does. It is told what a node is, and `settings`. One that went by that name
        before is removed. Raises FleetError.
        """
        if name in self.commands:
            self.commands.pop(name).close()
        command = self._service(Command, name)
        command.role = self._command_roles[name].noun
        command.run_instead(self._version)
        if words:
            command.with_command(list(words))
        command.own_settings = settings
        self._create(command)
        self.commands[name] = command
        return command

    def nodes_called(self, who: Who) -> list[OfTarget]:
        """The nodes, or running commands, that a sentence speaks of, in their order. FleetError when there are none."""
        there: list[OfTarget] = [*self.nodes, *self.commands.values()]
        roles = [role for role in self._all_roles.values() if who.noun in (role.noun, role.plural)]
        found = [one for one in there if self._all_roles[one.name] in roles]
        if who.number:
            found = found[who.number - 1 : who.number]
        if not found:
            known = ", ".join(sorted(self._all_roles))
            raise FleetError(f"the fleet has no such node as {who}, or it does not run; its nodes.toml says {known}")
        return found

    def stores_called(self, what: What) -> list[Store]:
        """The containers of the store that a sentence speaks of. Raises FleetError when the feature has none such."""
        name = self._order.layout.stores.get(what.noun)
        found = [store for store in self.stores.values() if name in (store.name, store.kind)]
        if not found:
            raise FleetError(f'"{what.noun}" is no store of the fleet; its nodes.toml says {self._order.layout.stores}')
        return found

    def casualties(self, expected: Collection[str] = ()) -> list[Casualty]:
        """The containers that are not running, but for those in `expected`, which a fault holds.

        Raises EngineError when the engine does not say.
        """
        try:
            everybody = sweep.containers(self._client, f"{labels.RUN}={self._order.run}")
        except (DockerException, OSError) as error:
            self._lost = True
            raise EngineError(f"the engine did not answer: {words(error)}") from error
        self._lost = False
        listed = [c for c in everybody if self._labels.items() <= c["Labels"].items()]
        running = {c["Labels"].get(labels.SERVICE) for c in listed if c["State"] == "running"}
        self._wounded = [s for s in self.services if s.name not in running and s.name not in expected]
        trouble = self._loopback.trouble()
        cut_off = [Casualty("the suite", f"was cut off: {trouble}", by_itself=False)] if trouble else []
        return [*cut_off, *map(_casualty, self._wounded)]

    def restore(self) -> None:
        """Brings back what `casualties` found, so that the next scenario has the whole fleet.

        Raises FleetError, and at once EngineError where the engine had gone away and is not back.
        """
        if self._lost:
            self.casualties()
        self._loopback.begin()
        for service in self._wounded:
            if service.state().get("Paused"):
                service.get_wrapped_container().unpause()
            else:
                service.start()
            service.wait_ready()
        if self.toxiproxy in self._wounded:
            self._join()
        self._wounded = []

    def renew(self, files: Mapping[str, bytes]) -> None:
        """Empties every store and replaces every node by one that runs `files` instead of its image's own package.

        Nothing that the nodes before them did is left. Raises FleetError, when one is not well too, and EngineError.
        """
        self._wounded = [service for service in self._wounded if service not in self.nodes]
        for service in self.services:
            service.abandoned = False  # one that failed before is given another try
        self.restore()
        # Nobody writes any more when the stores are emptied, and the names are free.
        self._remove(lambda owner: owner.get(labels.SERVICE) in self._roles)
        self._version = files
        for name in list(self.commands):
            self.commands.pop(name).close()
        self.nodes = [self._node(name) for name in self._roles]
        _side_by_side(self._prepare_anew, [*self.stores.values(), *self.nodes])
        _side_by_side(self._start, self.nodes)

    def rows(self) -> list[dict[str, Any]]:
        """A row for each container: service, image and its source, times in seconds, memory limit and peak in bytes.

        `began` is when the start of the fleet began (ISO 8601), `waited_s` how long it waited for memory in that.
        """
        return [
            {
                "capability": self._order.capability,
                "service": service.name,
                "kind": service.kind,
                "image": self._order.images[service.kind].reference,
                "digest": self._order.images[service.kind].digest,
                "source": self._order.images[service.kind].source,
                **vars(service.times),
                "memory_limit": service.limits.memory,
                "peak_memory": service.peak_memory(),
                "began": self._began_at,
                "waited_s": self._waited_s,
            }
            for service in self.services
        ]

    def _service(self, build: type[AnyService], name: str, more: tuple[int, ...] = ()) -> AnyService:
        own = {labels.SERVICE: name, labels.MEMORY: str(build.limits.memory)}
        image = self._order.images[build.kind].reference
        service = build(name, image, self._labels | own, same_api(self._client), more)
        service.loopback = self._loopback
        return service

    def _node(self, name: str) -> Node:
        node = self._service(Node, name)
        node.health, node.process = self._order.target.health, self._order.target.process
        node.role = self._roles[name].noun
        node.run_instead(self._version)
        return node

    def _create_network(self) -> None:
        """Makes the network. Its labels are there from the first moment, so a death in between leaves no orphan."""
        self._network = Network(same_api(self._client), {"labels": self._labels})
        self._network.name = f"l3-{self._order.run}-{self._order.capability}-{self._labels[labels.PID]}"
        try:
            self._network.create()
        except (DockerException, OSError) as error:
            raise EngineError(f"the engine did not create a network: {error}") from error

    def _remove(self, wanted: Callable[[Mapping[str, str]], bool]) -> None:
        """Removes what this process made for the feature and whose labels are `wanted`. Raises EngineError."""
        sweep.remove(
            self._client,
            f"{labels.RUN}={self._order.run}",
            lambda owner: self._labels.items() <= owner.items() and wanted(owner),
        )

    def _prepare_anew(self, service: Service) -> None:
        if isinstance(service, Store):
            service.empty()
            self._give_files(service)
            service.reread()
        else:
            self._create(service)

    def _make_ready(self, service: Service) -> None:
        self._create(service)
        if not isinstance(service, Node):
            self._start(service)

    def _create(self, service: Service) -> None:
        if isinstance(service, OfTarget):
            self._configure(service)
        service.with_network(self._network)
        service.create(cores=self._cores)
        self._give_files(service)
        service.times.created_s = self._elapsed()

    def _start(self, service: Service) -> None:
        service.start()
        service.times.started_s = self._elapsed()
        service.wait_ready()
        service.times.ready_s = self._elapsed()

    def _elapsed(self) -> float:
        return round(time.monotonic() - self._began, 3)

    def _give_files(self, service: Service) -> None:
        """Puts the target's own files into a service that is to work by them: of the version that the nodes run."""
        given = self._order.layout.files.get(service.name, {})
        if given:
            place = partial(self._order.target.files.format, capability=self._order.capability)
            wanted = {name: place(name=name) for name in given}
            content = {name: self._version.get(path) or self._file_of_image(path) for name, path in wanted.items()}
            service.put({given[name]: content[name] for name in given})

    def _file_of_image(self, path: str) -> bytes:
        image = self._order.images[Node.kind].reference
        return file_in(self._client, image, path, self._labels)

    def _configure(self, node: OfTarget) -> None:
        """Tells a node its name and where each service is: behind its own link where there is a Toxiproxy.

        A platform that has names of its own for these is told by them.
        """
        feature = {**self._order.layout.settings, **self._all_roles[node.name].settings}
        # Its own settings by name, so that a node can say which of them it does not know.
        own = {"NODE_NAME": node.name, "CAPABILITIES": self._order.capability, "SETTINGS": ",".join(feature)}
        given = {**own, **feature, **self._order.settings}
        for store in self.stores.values():
            link = self.links.get(f"{store.name}:{node.name}")
            url = store.url("toxiproxy", link) if link else store.url(store.name, store.port)
            given[store.setting] = f"{given[store.setting]},{url}" if store.setting in given else url
        clock = MOVABLE_CLOCK if self._all_roles[node.name].movable_clock else {}
        node.with_envs(**{**self._order.target.told({**given, **node.own_settings}), **clock})

    def _join(self) -> None:
        """Opens the links, once Toxiproxy answers."""
        if self.toxiproxy:
            for name, port in self.links.items():
                self.toxiproxy.link(name, port, self.stores[name.partition(":")[0]])


def _by_name(order: Order, roles: Iterable[Role]) -> dict[str, Role]:
    """The role of each container of the target, by its name; none in a fleet without a platform."""
    return {name: role for role in roles for name in role.names} if Node.kind in order.kinds else {}


def _names(store: type[Store]) -> list[str]:
    """What the containers of one store are called: its kind, with numbers where it has several."""
    return [f"{store.kind}-{number}" for number in range(1, store.members + 1)] if store.members > 1 else [store.kind]


def _links(stores: Iterable[Store], users: Sequence[str]) -> dict[str, int]:
    """A port of Toxiproxy for each link `store:user`."""
    names = [f"{store.name}:{user}" for store in stores if store.linked for user in users]
    return {name: FIRST_LINK + number for number, name in enumerate(names)}


def _side_by_side(work: Callable[[Service], None], services: Sequence[Service]) -> None:
    """Does `work` for `services`, some at once; when one fails, or Ctrl-C comes, the others are not waited for long."""
    if not services:
        return
    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = [pool.submit(work, service) for service in services]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
            for future in futures:
                if future.done():
                    future.result()
        except BaseException:
            for service in services:
                service.abandoned = True
            raise


def _casualty(service: Service) -> Casualty:
    """What became of a container that is not running. SIGKILL is never its own doing, but for want of memory."""
    state = service.state()
    if not state:
        return Casualty(service.name, "was removed", by_itself=False)
    if state.get("Paused"):
        return Casualty(service.name, "was paused by somebody else", by_itself=False)
    memory, code = state.get("OOMKilled"), state.get("ExitCode")
    by_itself = isinstance(service, Node) and (memory or code != 137)
    return Casualty(service.name, f"died ({'out of memory' if memory else f'exit code {code}'})", bool(by_itself))
