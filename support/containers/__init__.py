"""The containers of a feature: service classes, the fleet that starts them together, and what cleans up after them."""
