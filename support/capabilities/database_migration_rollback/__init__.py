"""The schema goes forward and back: what its scenarios are made of."""
