"""The reference platform: a small, complete answer to each capability, to be read and copied."""
