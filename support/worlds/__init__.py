"""The state of one scenario for each capability: who takes part, what was said, what must therefore hold."""
