"""An API gateway that lets each customer make so many calls in any window of time, however many nodes it has."""

from .capability import Capability

__all__ = ["Capability"]
