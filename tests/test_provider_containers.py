"""Every provider in a container of the real image: it answers from outside, from inside, and by its control port."""

from collections.abc import Callable, Iterator

import docker
import pytest
import requests

from support.clients.provider_control import ProviderControl
from support.containers import labels
from support.containers.engine import same_api
from support.containers.fleet import SUITE, Fleet
from support.containers.provider import PROVIDERS, ProviderService
from support.errors import FleetError
from support.images.resolution import resolve
from support.polling import poll


@pytest.fixture(params=PROVIDERS, ids=[provider.kind for provider in PROVIDERS])
def service(request: pytest.FixtureRequest, client: docker.DockerClient, run: str) -> Iterator[ProviderService]:
    """A provider that has been started."""
    own = labels.owned_by_this_process(run) | {labels.FEATURE: "small", labels.SERVICE: request.param.kind}
    image = resolve(request.param.image_name, client, print)
    made: ProviderService = request.param(request.param.kind, image.reference, own, same_api(client))
    made.create(cores=2)
    made.start()
    made.wait_ready()
    yield made


def test_a_provider_answers_by_every_way_that_there_is_and_forgets_when_it_is_emptied(
    service: ProviderService,
) -> None:
    url = service.url(*service.address())
    control = ProviderControl(service.name, service.control_url, {url.removeprefix("http://"): "node-1"})
    assert poll(lambda: service.answers_inside("127.0.0.1", service.port), 20)
    assert not service.answers_inside("127.0.0.1", 1)
    assert control.arrivals() == []
    requests.get(f"{url}/nothing", timeout=5)
    assert [arrival.via for arrival in control.arrivals()] == ["node-1"]
    service.empty()
    assert control.arrivals() == []


def test_the_meter_tells_by_which_link_a_caller_came(make_fleet: Callable[..., Fleet]) -> None:
    fleet = make_fleet("upstream", "toxiproxy", "redis")
    fleet.start()
    assert fleet.toxiproxy
    control = ProviderControl.of(fleet, "upstream")
    link = fleet.links[f"upstream:{SUITE}"]
    host, port = fleet.toxiproxy.address(link)
    requests.get(f"http://{host}:{port}/through", headers={"Host": f"toxiproxy:{link}"}, timeout=5)
    assert [(arrival.via, arrival.path) for arrival in control.arrivals()] == [(SUITE, "/through")]
    with pytest.raises(FleetError, match="redis is no provider"):
        ProviderControl.of(fleet, "redis")
    with pytest.raises(FleetError, match="the fleet has no payment-sandbox"):
        ProviderControl.of(fleet, "payment-sandbox")


def test_a_provider_ends_at_once_when_it_is_asked_to(service: ProviderService) -> None:
    container = service.get_wrapped_container()
    container.kill("SIGTERM")
    assert container.wait(timeout=8)["StatusCode"] == 0  # the engine would kill it after 10 s
