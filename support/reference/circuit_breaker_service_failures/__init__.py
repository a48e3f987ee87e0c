"""A gateway whose calls to other services go through circuit breakers: a service that fails is left in peace."""

from .capability import Capability

__all__ = ["Capability"]
