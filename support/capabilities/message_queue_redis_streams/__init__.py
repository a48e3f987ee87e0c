"""The message queue: what its scenarios are made of."""
