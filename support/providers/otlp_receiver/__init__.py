"""A collector of traces that reads OTLP over HTTP, and counts what arrives."""
