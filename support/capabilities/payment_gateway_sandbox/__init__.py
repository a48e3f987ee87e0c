"""Payments: what its scenarios are made of."""
