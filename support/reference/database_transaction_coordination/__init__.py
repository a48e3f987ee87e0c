"""Billing in PostgreSQL and analytics in ClickHouse, kept in step by an outbox."""

from .capability import Capability

__all__ = ["Capability"]
