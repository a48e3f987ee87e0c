"""Metrics and alerts: what its scenarios are made of."""
