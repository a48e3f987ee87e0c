"""Cached answers of language models: what its scenarios are made of."""
