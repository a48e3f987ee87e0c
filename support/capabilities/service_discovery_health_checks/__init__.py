"""Service discovery: what its scenarios are made of."""
