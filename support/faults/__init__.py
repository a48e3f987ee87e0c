"""Faults that are real: signals, pauses and cut links; each proves that it took hold and that it is healed."""
