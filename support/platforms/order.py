"""What a platform's fleet for one capability is made of."""

from collections.abc import Iterable

import docker

from support.containers.fleet import Order, fetch_images, kinds_in
from support.containers.layout import layout_of
from support.platforms.platform import Platform
from support.progress import say


def order_of(
    platform: Platform, capability: str, tags: Iterable[str], client: docker.DockerClient, run: str, budget: int
) -> Order:
    """The order of the fleet that the `tags` of the feature of `capability` ask for; its images are fetched.

    `budget` in bytes. Raises FleetError, ImageError, PlatformError and EngineError.
    """
    kinds, layout = kinds_in(tags), layout_of(capability)
    images = fetch_images(kinds, client, say, platform.image())
    return Order(run, capability, kinds, images, layout, platform.fresh_secrets(), budget, platform.said.target)
