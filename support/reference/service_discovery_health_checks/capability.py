"""The capability: a node that has a service to offer is an instance of it, any other is a gateway."""

from collections.abc import Mapping

from ..settings import Settings
from .gateway import Gateway
from .instance import Instance
from .settings import DiscoverySettings


class Capability:
    """What a node is, by its settings."""

    def __init__(self, node: Settings, environ: Mapping[str, str]) -> None:
        settings = DiscoverySettings.load(environ)
        role = Instance(settings, node) if settings.discovery_service else Gateway(settings)
        self.routes, self.lifespan, self.counts = role.routes, role.lifespan, role.counts

    async def healthy(self) -> bool:
        """A node works on while Consul is away: a gateway knows whom to call, and an instance does what it is asked."""
        return True
