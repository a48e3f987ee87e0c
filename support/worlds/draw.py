"""What a scenario draws: anew in each run, and the same again where the run is given the seed that a failure tells."""

import random


class Draw(random.Random):
    """A random number generator that says in a failure what it was drawn by. `part` sets streams of one seed apart."""

    def __init__(self, seed: int, part: object = "") -> None:
        super().__init__(f"{seed}/{part}")
        self._seed = seed

    def apart(self, part: object) -> "Draw":
        """Another stream of the same seed: for one of several threads, whose order is no one's."""
        return Draw(self._seed, part)

    def __str__(self) -> str:
        return f"drawn by L3_SEED={self._seed}"
