"""A run: what is selected, who does it, how it ends, and what is told of each scenario."""
