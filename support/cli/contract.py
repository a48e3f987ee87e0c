"""`./l3 images check`: what the suite relies on of an image, tried on each kind of container that is made of it."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from textwrap import indent

import docker
from docker.errors import DockerException

from support.cli.reliance import RELIED, Relied, answer_of, files
from support.containers import labels, sweep
from support.containers.fleet import STORES, SUITE, Fleet, Order, fetch_images
from support.containers.layout import Layout
from support.containers.provider import PROVIDERS
from support.containers.service import Service, Store
from support.containers.target import Target
from support.containers.toxiproxy import ToxiproxyService
from support.errors import EngineError, FaultError, FleetError, ProbeError, SuiteError
from support.faults import process
from support.faults.faults import Faults
from support.origin import words
from support.polling import poll
from support.progress import say

_BEHIND = "upstream"  # what a Toxiproxy is tried with; of the providers, which are one image, it alone is tried
KINDS = (*(kind for kind, store in STORES.items() if store not in PROVIDERS), _BEHIND, ToxiproxyService.kind)
_ROW = "{:<14} {:<62} {:>7}  {}"
_SEEN_WITHIN_S = 10.0


def kinds_of(name: str) -> list[str]:
    """The kinds that are tried of the image `name`, or the one that is called so; none of what starts no service."""
    return [kind for kind in KINDS if name in (kind, STORES[kind].image_name if kind in STORES else kind)]


def check(kinds: Sequence[str], client: docker.DockerClient, budget: int) -> bool:
    """Tries each of `kinds` on a fleet of its own, of which nothing is left, and tells each row. Do all keep it?

    `budget` in bytes. Raises ImageError and EngineError, and SuiteError where one could not be tried.
    """
    images = fetch_images({*kinds, *([_BEHIND] if ToxiproxyService.kind in kinds else [])}, client, say)
    print(_ROW.format("SERVICE", "WHAT WAS TRIED", "TOOK", "").rstrip(), flush=True)
    run, layout = f"images-{os.getpid()}", Layout(files={kind: one.files for kind, one in RELIED.items()})
    kept = []
    for kind in kinds:
        of = (kind, _BEHIND) if kind == ToxiproxyService.kind else (kind,)
        order = Order(run, "images", of, images, layout, {}, budget, Target(files="{name}"), files("given"))
        try:
            kept.append(_keeps(kind, Fleet(client, order, say), client, f"{labels.RUN}={run}"))
        except (DockerException, OSError) as error:
            raise EngineError(f"the engine did not answer about {kind}: {words(error)}") from error
    return all(kept)


def _keeps(kind: str, fleet: Fleet, client: docker.DockerClient, label: str) -> bool:
    kept = []
    try:
        kept.append(_row(kind, f"is ready within {Service.ready_within_s:g} s", lambda: _start(fleet)))
        volumes = _volumes(client, label)
        for what, look in _looks(kind, fleet) if all(kept) else ():
            kept.append(_row(kind, what, look))
    finally:
        fleet.stop()
    kept.append(_row(kind, "leaves no container, no network and no volume", lambda: _gone(client, label, volumes)))
    return all(kept)


def _row(kind: str, what: str, look: Callable[[], None]) -> bool:
    """Tells what was tried and what came of it: a look raises what differs."""
    began, differs = time.monotonic(), ""
    try:
        look()
    except (FleetError, FaultError, ProbeError) as error:
        differs = indent(str(error).strip(), "    ").lstrip()
    took = f"{time.monotonic() - began:.1f} s"
    print(_ROW.format(kind, what, took, f"differs: {differs}" if differs else "ok"), flush=True)
    return not differs


def _looks(kind: str, fleet: Fleet) -> Iterator[tuple[str, Callable[[], None]]]:
    """What is tried once it is ready, each with a look at it."""
    own = [service for service in fleet.services if service.kind == kind]
    yield "is published on 127.0.0.1 alone, at the ports asked for", lambda: _published(own)
    yield "is limited in memory and processes", lambda: _limited(own)
    if kind == ToxiproxyService.kind:
        yield "carries a link, which is cut and joined", lambda: _cut_and_joined(Faults(fleet))
        return
    store, relied = fleet.stores[own[0].name], RELIED[kind]
    if store.linked or store.members > 1:
        yield "is reached by its name in the network, by its own client", lambda: _reached(store)
    if relied.told:
        yield "takes its command and environment", lambda: _takes(store, relied)
    if relied.files:
        yield "reads the files that it is given", lambda: _reads(store, relied, "given")
    yield "takes data", lambda: _put(store, relied)
    if relied.keeps is not None:
        what = f"killed and started, is at the same ports and has {'kept' if relied.keeps else 'lost'} its data"
        yield what, lambda: _killed_and_started(store, relied)
    yield "is emptied", lambda: _emptied(fleet, store, relied)
    if relied.files:
        yield "reads other files when told to", lambda: _reads(store, relied, "other", fleet)


def _start(fleet: Fleet) -> None:
    try:
        fleet.start()
    except FleetError as error:
        if all(service.times.created_s is None for service in fleet.services):
            raise SuiteError(str(error)) from error  # there was no room for it: that says nothing of its image
        raise


def _same(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise FleetError(f"{what}: expected {expected!r}, got {found!r}")


def _published(own: Sequence[Service]) -> None:
    for service in own:
        service.state()
        listed = service.get_wrapped_container().attrs["NetworkSettings"]["Ports"].items()
        found = {inner: [(one["HostIp"], int(one["HostPort"])) for one in at] for inner, at in listed if at}
        _same("its ports", found, {inner: [at] for inner, at in service.ports.items()})


def _limited(own: Sequence[Service]) -> None:
    for service in own:
        said = service.get_wrapped_container().attrs["HostConfig"]
        asked = {"Memory": service.limits.memory, "PidsLimit": service.limits.pids}
        _same("its limits", {name: said[name] for name in asked}, asked)


def _cut_and_joined(faults: Faults) -> None:
    faults.cut(_BEHIND, SUITE)
    faults.heal()


def _reached(store: Store) -> None:
    _same("answers from inside", store.answers_inside(store.name, store.port), True)


def _takes(store: Store, relied: Relied) -> None:
    for question, part in relied.told:
        if part not in (said := answer_of(store, question)):
            raise FleetError(f"it was told {part.strip()!r}, and answers {question[:4]} by {said.strip()!r}")


def _reads(store: Store, relied: Relied, name: str, fleet: Fleet | None = None) -> None:
    """Whether it goes by the files of that `name`; a fleet gives it these first, as it does for a changed platform."""
    if fleet:
        fleet.renew(files(name))
    if f'"{name}"' not in (said := answer_of(store, relied.read)):
        raise FleetError(f"its files speak of {name!r}, and it answers {relied.read[:2]} by {said.strip()!r}")


def _there(store: Store, relied: Relied) -> bool:
    return relied.there in answer_of(store, relied.ask)


def _put(store: Store, relied: Relied) -> None:
    if relied.put:
        answer_of(store, relied.put)
    _same("what was put in is there", poll(lambda: _there(store, relied), _SEEN_WITHIN_S), True)


def _killed_and_started(store: Store, relied: Relied) -> None:
    process.kill(store)
    process.bring_back(store)
    _published([store])
    _same("what was put in is there", _there(store, relied), relied.keeps)
    if not relied.keeps:
        _put(store, relied)  # so that there is something to be emptied


def _emptied(fleet: Fleet, store: Store, relied: Relied) -> None:
    for member in fleet.stores.values():
        member.empty()
    _same("what was put in is there", _there(store, relied), False)


def _volumes(client: docker.DockerClient, label: str) -> set[str]:
    mounts = [mount for one in sweep.containers(client, label) for mount in one["Mounts"]]
    return {mount["Name"] for mount in mounts if mount["Type"] == "volume"}


def _gone(client: docker.DockerClient, label: str, volumes: set[str]) -> None:
    left = [sweep.name_of(one) for one in sweep.containers(client, label)]
    left += [sweep.name_of(one) for one in client.api.networks(filters={"label": label})]
    left += sorted(volumes & {str(volume.name) for volume in client.volumes.list()})
    _same("what is left", left, [])
