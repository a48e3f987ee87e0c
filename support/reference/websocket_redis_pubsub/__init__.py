"""Live updates over WebSocket: every update reaches everyone who watches, once."""

from .capability import Capability

__all__ = ["Capability"]
