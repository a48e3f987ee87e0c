"""Said to the user on stderr."""

import sys


def say(text: str) -> None:
    """Prints one line."""
    print(text, file=sys.__stderr__, flush=True)
