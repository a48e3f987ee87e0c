"""Gateways that somebody tries to start with settings that make no sense."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty

from support.containers.platform import Ended
from support.errors import FleetError, ProbeError
from support.worlds.crowds import threads

if TYPE_CHECKING:
    from support.capabilities.circuit_breaker_service_failures.world import World

_NAMES = ("candidate-1", "candidate-2")  # so many are started side by side
_ENDS_WITHIN_S, _TIMES = 15.0, 2  # a start takes 1 s, and 5 s on a machine that is busy with other features
_WHOLE = ("BREAKER_WINDOW_CALLS", "BREAKER_MIN_CALLS", "BREAKER_PROBES")
_NUMBERS = (
    *_WHOLE,
    *("BREAKER_WINDOW_S", "BREAKER_FAILURE_PERCENT", "BREAKER_WAIT_S", "BREAKER_LONGEST_WAIT_S"),
    *("CALL_SLOW_S", "CALL_TIMEOUT_S", "FALLBACK_LONGEST_S"),
)
_SETTINGS = {
    "zero": dict.fromkeys(_NUMBERS, "0"),
    "less than zero": dict.fromkeys(_NUMBERS, "-1"),
    "half of a call": dict.fromkeys(_WHOLE, "0.5"),
    "calls and a half": dict.fromkeys(_WHOLE, "20.5"),
    "a word": dict.fromkeys(_NUMBERS, "soon"),
    "nothing": dict.fromkeys(_NUMBERS, ""),
    "no number, as computers call it": dict.fromkeys(_NUMBERS, "nan"),
    "without end": dict.fromkeys(_NUMBERS, "inf"),
    "a rate above 100 %": {"BREAKER_FAILURE_PERCENT": "100.5"},
    "less than what it has to reach": {"BREAKER_WINDOW_CALLS": "9", "BREAKER_LONGEST_WAIT_S": "1.9"},
}


class Candidates:
    """The gateways, and how each ended; None for one that did not."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._ended: dict[str, Ended | None] = {}

    def start(self, nonsense: Sequence[str]) -> None:
        """Starts one with all settings that may be set to each `nonsense` set to that, and waits for its end."""
        with threads(len(_NAMES)) as pool:
            shares = [
                pool.submit(self._start_in_turn, name, nonsense[place :: len(_NAMES)])
                for place, name in enumerate(_NAMES)
            ]
        for share in shares:
            share.result()

    def _start_in_turn(self, name: str, nonsense: Sequence[str]) -> None:
        for what in nonsense:
            command = self._world.opened(self._world.fleet.command(name, [], _SETTINGS[what]))
            command.start()
            try:
                self._ended[what] = command.ended(_ENDS_WITHIN_S)
            except FleetError:
                if not command.state().get("Running"):
                    raise
                self._ended[what] = None

    def expect_refused(self) -> None:
        """None ended well, or still ran 15 s after its start; and what each said names all of its settings.

        Raises ProbeError when one still ran, and others took so long to end that it might have ended, too.
        """
        well = [what for what, ended in self._ended.items() if ended and ended.exit_code == 0]
        assert_that(well, empty(), "what gateways were started with, and ended well")
        started = [what for what, ended in self._ended.items() if ended is None]
        slowest_s = max((ended.took_s for ended in self._ended.values() if ended), default=0.0)
        if started and _TIMES * slowest_s > _ENDS_WITHIN_S:
            raise ProbeError(f"a gateway took {slowest_s:.1f} s to end: too long to tell that others were started")
        assert_that(started, empty(), "what gateways were started with")
        unnamed = [
            (what, name)
            for what, ended in self._ended.items()
            for name in _SETTINGS[what]
            if ended and name not in ended.output
        ]
        assert_that(unnamed, empty(), "what gateways were not started with, and settings that were not named then")
