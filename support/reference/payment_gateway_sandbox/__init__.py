"""Payments through a provider in the shape of Stripe: orders, refunds, subscriptions, webhooks, reconciliation."""

from .capability import Capability

__all__ = ["Capability"]
