"""An adapter tried on a few small exchanges, before anything is judged by it: what it cannot do is its own fault."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from support.errors import AdapterError
from support.faults.faults import Faults
from support.worlds.search import world_of
from support.worlds.world import Stage

# Does work, which messages call so, under a deadline; raises SuiteError when it hangs.
Within = Callable[[str, Callable[[], Any]], Any]
_BEGINNING = "meets the nodes"


class Understood(str):
    """What an adapter has read in an answer, in words: what an exchange returns to be shown."""


@dataclass(frozen=True)
class Tried:
    """One exchange, and how many seconds it took. `error` is None when all was as it should be.

    `understood` is what the adapter has read in an answer, where the trial tells that. An AssertionError is about the
    platform, anything else about the adapter.
    """

    name: str
    took_s: float
    understood: Understood | None = None
    error: Exception | None = None


def tried(stage: Stage, within: Within) -> Iterator[Tried]:
    """The exchanges of the capability's trial.py, up to the first that fails; none where it has no trial yet.

    `stage` has a fleet that is ready.
    """
    module = f"support.capabilities.{stage.capability}.trial"
    if not find_spec(module):
        return
    began = time.monotonic()
    try:
        world = within(_BEGINNING, lambda: world_of(stage.capability)(stage, Faults(stage.fleet)))
    except Exception as error:  # noqa: BLE001 - what an adapter raises may be anything
        yield Tried(_BEGINNING, time.monotonic() - began, error=error)
        return
    try:
        yield from _exchanges(import_module(module).trial(world), within)
    finally:
        world.close()


def _exchanges(trial: Iterator[tuple[str, Callable[[], object]]], within: Within) -> Iterator[Tried]:
    name, error = _BEGINNING, None
    while not error:
        began, understood = time.monotonic(), None
        try:
            exchange = within(f"what comes after “{name}”", lambda: next(trial, None))
            if not exchange:
                return
            name, work = exchange
            understood = within(f"“{name}”", work)
        except Exception as failed:  # noqa: BLE001 - as above
            error = failed
        read = understood if isinstance(understood, Understood) else None
        yield Tried(name, time.monotonic() - began, read, error)


def try_adapter(stage: Stage, within: Within) -> None:
    """Tries it. Raises AdapterError when the adapter cannot do its part.

    A wrong answer of the platform is no part of any verdict here: the scenarios that rest on it will tell.
    """
    for one in tried(stage, within):
        if one.error and not isinstance(one.error, AssertionError):
            raise AdapterError(
                f"the adapter was tried before the first scenario, and “{one.name}” failed: "
                f"{type(one.error).__name__}: {one.error}\n"
                f"./l3 adapt {stage.platform.folder} --capability {stage.capability} tries it alone"
            ) from one.error
