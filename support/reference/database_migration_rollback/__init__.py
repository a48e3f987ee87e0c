"""Invoices in PostgreSQL whose schema goes forward and back while two releases of the service use it."""

from .capability import Capability

__all__ = ["Capability"]
