"""Tenants kept apart: what its scenarios are made of."""
