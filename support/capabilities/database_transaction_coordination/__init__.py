"""One write to two databases: what its scenarios are made of."""
