"""Gateways that somebody tries to start with settings that make no sense."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty

from support.containers.platform import Ended
from support.errors import FleetError
from support.worlds.crowds import threads

if TYPE_CHECKING:
    from support.capabilities.circuit_breaker_service_failures.world import World

_NAMES = ("candidate-1", "candidate-2")  # so many are started side by side
_ENDS_WITHIN_S = 15.0  # a start takes 1 s, and 5 s on a machine that is busy with other features
_SETTINGS = {
    "a failure rate above 100 %": ("BREAKER_FAILURE_PERCENT", "150"),
    "no window": ("BREAKER_WINDOW_S", "0"),
    "half a call more to be looked at": ("BREAKER_WINDOW_CALLS", "20.5"),
    "fewer calls to be looked at than say anything": ("BREAKER_WINDOW_CALLS", "5"),
    "no calls to be let through after the wait": ("BREAKER_PROBES", "0"),
    "a wait that is no number": ("BREAKER_WAIT_S", "soon"),
    "a longest wait that is no number": ("BREAKER_LONGEST_WAIT_S", "nan"),
    "a longest wait that is shorter than the first": ("BREAKER_LONGEST_WAIT_S", "1"),
}


class Candidates:
    """The gateways, and how each ended; None for one that did not."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._ended: dict[str, Ended | None] = {}

    def start(self, nonsense: Sequence[str]) -> None:
        """Starts one with each of the settings that sentences call so, and waits for its end."""
        with threads(len(_NAMES)) as pool:
            shares = [
                pool.submit(self._start_in_turn, name, nonsense[place :: len(_NAMES)])
                for place, name in enumerate(_NAMES)
            ]
        for share in shares:
            share.result()

    def _start_in_turn(self, name: str, nonsense: Sequence[str]) -> None:
        for what in nonsense:
            setting, value = _SETTINGS[what]
            command = self._world.opened(self._world.fleet.command(name, [], {setting: value}))
            command.start()
            try:
                self._ended[what] = command.ended(_ENDS_WITHIN_S)
            except FleetError:
                if not command.state().get("Running"):
                    raise
                self._ended[what] = None

    def expect_refused(self) -> None:
        """None ended well, or still ran 15 s after its start; and the last words of each name the setting."""
        started = [what for what, ended in self._ended.items() if ended is None or ended.exit_code == 0]
        assert_that(started, empty(), "what gateways were started with")
        unnamed = [what for what, ended in self._ended.items() if ended and _SETTINGS[what][0] not in ended.output]
        assert_that(unnamed, empty(), "what gateways were not started with, without naming the setting")
