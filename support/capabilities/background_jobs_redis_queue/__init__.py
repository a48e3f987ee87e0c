"""Background jobs: what was promised for later is done, once and in time."""
