"""How a user of the target talks to it: one module for each capability."""
