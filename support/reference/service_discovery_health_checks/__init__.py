"""Services that find each other by Consul: instances register themselves, gateways call those that are healthy."""

from .capability import Capability

__all__ = ["Capability"]
