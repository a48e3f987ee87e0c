"""An identity provider: it keeps the keys that sign a platform's tokens, and publishes those that verify them."""
