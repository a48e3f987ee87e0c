"""What billing and analytics are made of."""
