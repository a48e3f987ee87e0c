"""What live updates are made of."""
