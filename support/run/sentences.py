"""A sentence means one thing: one that is defined twice is told, with both places, before anything is started.

Only the selected features' are loaded: behave holds each sentence against every other one, which for those of all
features takes half a second, in each process.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from behave import runner_util
from behave.step_registry import AmbiguousStep

from support.containers.layout import CAPABILITIES
from support.errors import SuiteError
from support.run.places import place_of
from support.run.trouble import told

_MEND = "delete one of them, or word it differently"
_PARAMETER = re.compile(r"\{\w*(:[^}]*)?\}")


def refuse_twins(registry: Any) -> None:
    """Raises SuiteError when two steps of behave's `registry` have the same sentence.

    behave tells those that are the same to the letter. Where a parameter has another name in the second, it would run
    the one that it happened to load first.
    """
    problems = [f"a sentence stands twice, {places}: {_MEND}" for places in _twins(registry.steps)]
    if problems:
        raise SuiteError("\n".join(problems))


def of_selected(load: Callable[[Any], None]) -> Callable[[Any], None]:
    """behave's `load` of a runner's step modules, but for those of capabilities of which no feature is selected."""

    def loaded(runner: Any) -> None:
        selected = {Path(location.filename).stem for location in runner.feature_locations()}
        execute: Callable[..., Any] = runner_util.exec_file

        def execute_if_wanted(module: str, *names: Any) -> None:
            key = Path(module).stem
            if key in selected or not (CAPABILITIES / key).is_dir():
                execute(module, *names)

        runner_util.exec_file = execute_if_wanted
        load(runner)
        runner_util.exec_file = execute

    return loaded


def why_not_loaded(error: BaseException, root: Path) -> str:
    """Why the step modules below `root` could not be loaded, with both places of a sentence that stands twice."""
    if isinstance(error, AmbiguousStep):
        return f"a sentence stands twice: {' '.join(str(error).split())} and at {place_of(error, root)}; {_MEND}"
    return told(error, root)


def _twins(steps: Mapping[str, Iterable[Any]]) -> Iterator[str]:
    """The places of each two; a step of the kind "step" is one of every kind."""
    seen: dict[str, list[tuple[str, Any]]] = {}
    for kind, matchers in steps.items():
        for matcher in matchers:
            alike = seen.setdefault(_PARAMETER.sub(r"{\1}", matcher.pattern), [])
            for other_kind, other in alike:
                if kind == other_kind or "step" in (kind, other_kind):
                    yield f'"{matcher.pattern}" at {other.location} and at {matcher.location}'
            alike.append((kind, matcher))
