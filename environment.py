"""Wiring: what behave's hooks call, and nothing else.

A feature's @container tags become its fleet, started before its first selected scenario and removed after its last;
the platform's adapter is tried on it. Each scenario gets a world of its own; its faults are healed before the next.
"""

import os
from pathlib import Path
from typing import Any

from behave.model import Feature, Scenario
from behave.model_type import Status

from support.containers import evidence, sweep
from support.containers.engine import connect
from support.containers.fleet import KINDS, Fleet
from support.errors import SuiteError
from support.faults.faults import Faults
from support.platforms.order import order_of
from support.platforms.platform import Platform
from support.progress import say
from support.run import prelude
from support.run.guard import Guard
from support.run.recorder import Recorder
from support.sentences import register
from support.settings import Settings
from support.worlds.search import world_of
from support.worlds.trial import try_adapter
from support.worlds.world import Stage

prelude.begin()
register()

Context = Any  # behave's context: it carries run, world_of, fleet, stage, faults and world, all set in this module


class Run:
    """What lasts for the whole run: its recorder, its engine, and the guard that cleans if it is killed."""

    def __init__(self, context: Context) -> None:
        self.settings = Settings.load(os.environ, context.config.userdata)
        self.platform = Platform(self.settings.platform)
        self.recorder = Recorder.open(context, self.settings, KINDS, self.platform)
        self.client = connect()
        self.guard = Guard(self.recorder.run, self.recorder.run_dir)
        for name in sweep.remove_dead(self.client):
            say(f"removed {name}, which a dead run had left")
        self.evidence = self.recorder.run_dir / "evidence"

    def fleet(self, capability: str, tags: list[str]) -> Fleet:
        """The fleet that a feature's `tags` ask for, its images fetched; nothing of it is started."""
        run, budget = self.recorder.run, self.settings.memory_budget
        return Fleet(self.client, order_of(self.platform, capability, tags, self.client, run, budget), say)


def before_all(context: Context) -> None:
    context.run = Run(context)
    context.add_cleanup(context.run.guard.dismiss)


def before_feature(context: Context, feature: Feature) -> None:
    capability = Path(feature.filename).stem
    # What is missing of the suite's own is told before anything is started.
    context.world_of = world_of(capability)
    context.run.platform.adapter_of(capability)
    context.fleet = context.run.fleet(capability, feature.tags)
    context.add_cleanup(_remove, context.run, context.fleet)
    context.fleet.begin()
    context.stage = Stage(capability, context.run.platform, context.fleet, context.run.settings.seed)
    with evidence.of_failed_start(context.fleet, context.run.evidence / capability):
        context.run.recorder.fleet_ready(capability, context.fleet.await_ready())
    try_adapter(context.stage, context.run.recorder.within_deadline)


def before_scenario(context: Context, scenario: Scenario) -> None:
    context.fleet.restore()
    context.faults = Faults(context.fleet)
    context.add_cleanup(context.faults.heal)
    context.world = context.world_of(context.stage, context.faults)
    context.add_cleanup(context.world.close)


def after_scenario(context: Context, scenario: Scenario) -> None:
    if "world" not in context:
        return  # it did not begin, and before_scenario has said why
    passed, recorder = scenario.status == Status.passed, context.run.recorder
    recorder.end_scenario(scenario, suspicion=_suspicion(context, passed))
    if not passed:
        recorder.end_scenario(scenario, evidence=_evidence(context, scenario))


def after_feature(context: Context, feature: Feature) -> None:
    if "fleet" in context:
        context.run.recorder.containers(context.fleet.rows())


def _suspicion(context: Context, passed: bool) -> str | None:
    """What happened to containers that no fault explains; beside a node that ended by itself only failures count."""
    try:
        lost = context.fleet.casualties(expected=context.faults.held)
    except SuiteError as error:
        return str(error)
    return "; ".join(str(casualty) for casualty in lost if passed or not casualty.by_itself) or None


def _evidence(context: Context, scenario: Scenario) -> Path:
    """Keeps what can be looked at later, before anything of it is cleaned up."""
    folder: Path = context.run.evidence / f"{Path(scenario.filename).stem}-{scenario.line}"
    evidence.capture(context.fleet, folder)
    context.world.exchanges.write(folder / "exchanges.txt")
    return folder


def _remove(run: Run, fleet: Fleet) -> None:
    """Removes a fleet; that something is left is told, and eats no verdict."""
    try:
        fleet.stop()
    except SuiteError as error:
        say(f"warning: {error}; the guard of this run goes on trying for 60 s, and the next run sweeps")
        run.guard.stay()
