"""A gateway to language models that pays for an answer once: the same question is answered from Redis."""

from .capability import Capability

__all__ = ["Capability"]
