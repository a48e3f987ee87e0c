"""The launcher's commands, and what sets up the machine for them."""
