"""Cached prices: what its scenarios are made of."""
