"""Wiring of the recorder, and hooks that fail on demand: `-D fail=<hook>` raises there."""

import builtins
import os
from typing import Any

from support.platforms.platform import Platform
from support.run import deadline, prelude
from support.run.recorder import Recorder
from support.settings import Settings

prelude.begin()


def fail(context: Any, hook: str) -> None:
    """Raises `-D error=<type>` (else a RuntimeError) when `-D fail=<hook>` names this one."""
    if context.config.userdata.get("fail") == hook:
        error: type[BaseException] = getattr(builtins, context.config.userdata.get("error", "RuntimeError"))
        raise error(f"planted in {hook}")


def before_all(context: Any) -> None:
    deadline.GRACE_S = float(context.config.userdata.get("grace", deadline.GRACE_S))
    settings = Settings.load(os.environ, context.config.userdata)
    context.recorder = Recorder.open(context, settings, ("redis",), Platform(settings.platform))
    fail(context, "before_all")


def before_tag(context: Any, tag: str) -> None:
    if tag == "fragile":
        fail(context, "before_tag")


def before_feature(context: Any, feature: Any) -> None:
    fail(context, "before_feature")


def before_scenario(context: Any, scenario: Any) -> None:
    fail(context, "before_scenario")


def before_step(context: Any, step: Any) -> None:
    fail(context, "before_step")


def after_step(context: Any, step: Any) -> None:
    fail(context, "after_step")


def after_scenario(context: Any, scenario: Any) -> None:
    suspicion = context.config.userdata.get("suspicion")
    context.recorder.end_scenario(scenario, suspicion=suspicion)
    fail(context, "after_scenario")


def after_feature(context: Any, feature: Any) -> None:
    fail(context, "after_feature")


def after_all(context: Any) -> None:
    fail(context, "after_all")
