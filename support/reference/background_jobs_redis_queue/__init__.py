"""Background jobs: what was promised for later is done, once and in time, whatever happens to who does it."""

from .capability import Capability

__all__ = ["Capability"]
