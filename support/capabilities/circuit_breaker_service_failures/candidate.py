"""A gateway that somebody tries to start with settings that make no sense."""

from typing import TYPE_CHECKING

from hamcrest import assert_that, contains_string, not_

from support.containers.platform import Ended
from support.errors import FleetError
from support.promise import broken

if TYPE_CHECKING:
    from support.capabilities.circuit_breaker_service_failures.world import World

_NAME = "candidate-1"
_ENDS_WITHIN_S = 10.0
_SETTINGS = {
    "a failure rate above 100 %": ("BREAKER_FAILURE_PERCENT", "150"),
    "no window": ("BREAKER_WINDOW_S", "0"),
    "no calls to be let through after the wait": ("BREAKER_PROBES", "0"),
    "half a call to be looked at": ("BREAKER_WINDOW_CALLS", "0.5"),
    "a wait that is no number": ("BREAKER_WAIT_S", "soon"),
}


class Candidate:
    """The gateway, and how it ended."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._setting = ""
        self._ended: Ended | None = None

    def start(self, what: str) -> None:
        """Starts it with the setting that sentences call `what`, and waits for its end."""
        self._setting, value = _SETTINGS[what]
        command = self._world.opened(self._world.fleet.command(_NAME, [], {self._setting: value}))
        command.start()
        try:
            self._ended = command.ended(_ENDS_WITHIN_S)
        except FleetError:
            broken(f"the gateway still runs {_ENDS_WITHIN_S:g} s after its start with {self._setting}={value}")

    def expect_refused(self) -> None:
        """It did not end well, and its last words name the setting."""
        ended = self._ended or broken("it was not started")
        assert_that(ended.exit_code, not_(0), "exit code")
        assert_that(ended.output, contains_string(self._setting), "its last words")
