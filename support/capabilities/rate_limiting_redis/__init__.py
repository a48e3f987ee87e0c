"""Rate limits: what its scenarios are made of."""
