"""Looks from a second place: what the stores themselves say, never the target's own word."""
