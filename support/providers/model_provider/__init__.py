"""A provider of language models: it answers questions, tells what they cost, and makes vectors of texts."""
