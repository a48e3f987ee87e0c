"""Distributed tracing: an order is one trace, from the gateway through the service to the worker behind the queue."""

from .capability import Capability

__all__ = ["Capability"]
