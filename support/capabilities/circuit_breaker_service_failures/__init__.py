"""Circuit breakers: what its scenarios are made of."""
