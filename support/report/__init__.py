"""The report of a run: a page for a product owner, and the same as Markdown."""
