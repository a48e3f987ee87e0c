"""Ties the recorder to behave: every hook and every step runs through here.

behave would end the whole run at a SystemExit, and forgets which hook raised what.
"""

import functools
import sys
from collections.abc import Callable
from typing import Any, Protocol

from support.errors import SuiteError
from support.run.deadline import Deadline

Hook = Callable[..., None]

_SCOPES = ("tag", "feature", "rule", "scenario", "step")
_HOOKS = (*(f"{when}_{scope}" for scope in _SCOPES for when in ("before", "after")), "after_all")


class Watcher(Protocol):
    """What is told of every hook."""

    def before(self, hook: str, subject: Any) -> None:
        """Called before a hook; `subject` is its feature, rule, scenario, step, tag or None. What it raises ends it."""

    def mishap(self, hook: str, context: Any, subject: Any, error: BaseException) -> None:
        """Called when a hook, or `before` it, raised `error`."""


def watch_hooks(runner: Any, watcher: Watcher) -> None:
    """Lets `watcher` know of every hook of `runner`, also of those that environment.py does not define.

    before_all is running by now: that it failed is seen when behave aborts the run because of it.
    """
    refused: list[Any] = []
    for name in _HOOKS:
        runner.hooks[name] = _watched(name, runner.hooks.get(name), watcher, refused)
    runner.abort = _watched_abort(runner.context, watcher)


def contain_steps(runner: Any, deadline: Deadline, current: Callable[[], str]) -> None:
    """Runs every step function under `deadline`; `current` names the step. SystemExit becomes an ordinary error."""
    for matchers in runner.step_registry.steps.values():
        for matcher in matchers:
            matcher.func = _contained(matcher.func, deadline, current)


def _watched(name: str, hook: Hook | None, watcher: Watcher, refused: list[Any]) -> Hook:
    """A hook that `watcher` refused did not run, and so its counterpart, which would undo it, does not either."""

    def watched(context: Any, subject: Any = None) -> None:
        try:
            _ask(name, subject, watcher, refused)
            if hook and not any(subject is one for one in refused):
                hook(context, *([] if subject is None else [subject]))
        except BaseException as error:
            watcher.mishap(name, context, subject, error)
            if isinstance(error, (SystemExit, GeneratorExit)):
                raise _ordinary(error) from error
            raise

    return functools.update_wrapper(watched, hook) if hook else watched


def _ask(name: str, subject: Any, watcher: Watcher, refused: list[Any]) -> None:
    try:
        watcher.before(name, subject)
    except SuiteError:
        refused.append(subject)
        raise


def _watched_abort(context: Any, watcher: Watcher) -> Callable[..., None]:
    def abort(reason: str | None = None) -> None:
        if reason and "before_all" in reason:
            error = sys.exc_info()[1]
            if error:
                watcher.mishap("before_all", context, None, error)
        context.abort(reason=reason)

    return abort


def _contained(step: Callable[..., Any], deadline: Deadline, current: Callable[[], str]) -> Callable[..., Any]:
    @functools.wraps(step)
    def contained(*args: Any, **kwargs: Any) -> Any:
        try:
            return deadline.call(current(), step, *args, **kwargs)
        except (SystemExit, GeneratorExit) as error:
            raise _ordinary(error) from error

    return contained


def _ordinary(error: BaseException) -> SuiteError:
    """An exception that ends a step, in the place of one that would end the run."""
    return SuiteError(f"{type(error).__name__}({error}) was raised; a step and a hook may not end the run")
