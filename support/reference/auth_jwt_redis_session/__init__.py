"""Accounts and sessions: who signs in has a session in Redis, an access token for a short time, and a refresh token."""

from .capability import Capability

__all__ = ["Capability"]
