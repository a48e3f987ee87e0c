"""The reference platform's adapter."""

from support.capabilities.database_transaction_coordination.client import BillingNode as Adapter

__all__ = ["Adapter"]
