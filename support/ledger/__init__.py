"""Verdicts and money: what was promised, what was seen of it, and what that is worth."""
