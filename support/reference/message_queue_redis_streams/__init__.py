"""A queue on Redis Streams: every accepted message takes effect, each customer's in order, whoever dies meanwhile."""

from .capability import Capability

__all__ = ["Capability"]
