"""Prices and pages, cached and never older than the last change."""

from .capability import Capability

__all__ = ["Capability"]
