"""The clocks of two machines, this one's and the engine's: what holds for seconds is judged by both.

Standard library only, because the launcher asks on a bare machine.
"""

_APART_S = 0.5
MEND = "let both machines keep their clocks right (NTP)"


def told(ahead_s: float) -> str:
    """What is to be said of an engine's clock that is ahead by `ahead_s` seconds, or behind where that is negative."""
    return f"the clock of the engine's machine is {abs(ahead_s):.1f} s {'behind' if ahead_s < 0 else 'ahead'}"


def agree(ahead_s: float) -> bool:
    """Whether it is near enough for what a scenario says of seconds."""
    return abs(ahead_s) <= _APART_S
