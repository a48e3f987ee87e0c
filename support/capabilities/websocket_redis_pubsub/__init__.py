"""Live updates: what its scenarios are made of."""
