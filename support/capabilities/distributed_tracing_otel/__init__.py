"""Distributed tracing: what its scenarios are made of."""
