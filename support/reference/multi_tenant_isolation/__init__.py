"""Companies (tenants) that share nodes, a database and Redis, and never see each other's data."""

from .capability import Capability

__all__ = ["Capability"]
