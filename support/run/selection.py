"""From what behave was asked to run to a plan; a selection that cannot be meant is refused."""

import difflib
import fnmatch
import glob
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from behave.model import Feature, Scenario, ScenarioOutline, ScenarioOutlineBuilder
from behave.parser import parse_file

from support.errors import FeatureTagError, PlatformError, SelectionError
from support.ledger.catalogue import Catalogue, Entry
from support.ledger.commit import commit_of
from support.ledger.feature_tags import Terms, terms
from support.ledger.plan import Document, Plan, PlannedFeature, PlannedScenario, clash, slug
from support.platforms.description import FILE, REFERENCE_NAME
from support.platforms.platform import Platform
from support.run.document import document_of


def put_in_order(features: list[Feature], config: Any) -> None:
    """Sorts `features` as the catalogue of the project lists them; what is not in it comes last, as it was.

    Raises FeatureTagError when the catalogue cannot be read.
    """
    places = {capability: place for place, capability in enumerate(Catalogue.of(Path(config.base_dir)).entries)}
    features.sort(key=lambda feature: places.get(Path(feature.filename).stem, len(places)))


def plan(features: Sequence[Feature], config: Any, services: Collection[str], platform: Platform) -> Plan:
    """The plan for `features`, as behave parsed and narrowed them, under behave's `config`; its run is not named yet.

    `services` are the known kinds of containers. What `platform` has no adapter for is left out of `features`, too.
    Raises SelectionError for a tag that exists nowhere in the project, for nothing selected and for two scenarios of
    one id; FeatureTagError when the catalogue cannot be read; PlatformError for what is wrong in platform.toml.
    """
    root = Path(config.base_dir)
    project = _written(root)
    check_expression(config.tag_expression, _tags(project))
    catalogue = Catalogue.of(root)
    # Those of the project last: behave has narrowed the others, and the document needs all.
    worths = {location(f, root): _planned_feature(f, root, services, catalogue) for f in [*features, *project]}
    without = _leave_out(features, worths.values(), platform)
    scenarios = list(_selected(features, config, worths))
    _enter_platform(scenarios, worths.values(), platform)
    _refuse(scenarios, config, without)
    return Plan(
        run="",
        began="",
        tags=config.tag_expression.to_string(),
        features=[*worths.values(), *_unwritten(catalogue, {one["capability"] for one in worths.values()})],
        scenarios=scenarios,
        tiers=catalogue.tiers,
        commit=commit_of(root),
        platform=platform.judged,
    )


def documents_in(root: Path) -> Iterator[Document]:
    """All features of the project in `root` as documents."""
    for feature in _written(root):
        yield document_of(feature, titled_scenarios(feature))


def _written(root: Path) -> list[Feature]:
    return [f for f in map(parse_file, map(str, sorted((root / "features").rglob("*.feature")))) if f]


def _leave_out(features: Iterable[Feature], known: Iterable[PlannedFeature], platform: Platform) -> str:
    """Leaves out of `features` what `platform` is not judged by; says what of them that was, or nothing."""
    for planned in known:
        planned["left_out"] = platform.leaves_out(planned["capability"])
    without = [feature for feature in features if platform.leaves_out(Path(feature.filename).stem)]
    for feature in without:
        feature.mark_skipped()
    names = ", ".join(f"{Path(feature.filename).stem}.py" for feature in without)
    return f"; {platform.name} has no adapter {names} in {platform.folder}" if without else ""


def _enter_platform(scenarios: Iterable[PlannedScenario], known: Iterable[PlannedFeature], platform: Platform) -> None:
    """Notes in each of `scenarios` who is judged, and why it is not promised, if it is not. Raises PlatformError."""
    reasons = not_promised(platform, filter(None, (feature.get("document") for feature in known)))
    for scenario in scenarios:
        scenario["platform"] = platform.name
        scenario["not_promised"] = reasons.get(scenario["id"])


def not_promised(platform: Platform, documents: Iterable[Document]) -> dict[str, str]:
    """Why `platform` does not promise a scenario, by its id; platform.toml names it by its id or its title.

    The title of an outline, as it is written, stands for all its rows. Raises PlatformError with all that is wrong: a
    name, with the nearest, that no scenario of `documents` has, and a title that stands in two features.
    """
    ids: dict[str, dict[str, None]] = {}
    for one in [one for document in documents for rule in document["rules"] for one in rule["scenarios"]]:
        for name in (one["id"], one["name"], one.get("outline", one["id"])):
            ids.setdefault(name, {})[one["id"]] = None
    said = platform.said.not_promised
    wrong = [told for key in said if (told := _not_one(key, list(ids.get(key, ())), ids))]
    if wrong:
        raise PlatformError("\n".join(f"{platform.folder / FILE}: not_promised: {told}" for told in wrong))
    return {meant: reason for key, reason in said.items() for meant in ids[key]}


def _not_one(key: str, meant: Sequence[str], known: Collection[str]) -> str:
    """What is wrong with `key`, if it names none of the `known` scenarios, or, by `meant`, some of several features."""
    features = {one.partition("/")[0] for one in meant}
    if len(features) == 1:
        return ""
    if meant:
        return f"{key!r} is the title of several scenarios; name one by its id: {' or '.join(meant)}"
    near = difflib.get_close_matches(key, known, 1, 0.3)
    mend = f"did you mean {near[0]!r}?" if near else "name it by its title or its id"
    return f"there is no scenario {key!r}; {mend}"


def _refuse(scenarios: Collection[PlannedScenario], config: Any, without: str) -> None:
    if not scenarios:
        raise SelectionError(f"nothing is selected by {_asked(config)}; expected at least one scenario{without}")
    if problem := clash(scenarios):
        raise SelectionError(problem)


def check_expression(expression: Any, known: Collection[str]) -> None:
    """Raises SelectionError for a tag in `expression` that is not `known`, or a wildcard that matches none of these."""
    for pattern in _patterns(expression):
        if not fnmatch.filter(known, pattern):
            near = difflib.get_close_matches(pattern, known, 3, 0.5) or sorted(known)[:8]
            nearest = ", ".join(f"@{tag}" for tag in near)
            raise SelectionError(f"no feature and no scenario has the tag @{pattern}; the nearest are {nearest}")


def titled_scenarios(feature: Feature) -> Iterator[tuple[Scenario, str]]:
    """Every scenario of `feature`, rows of outlines one by one, each with a title that no row number is part of."""
    for item in feature.walk_scenarios(with_outlines=True):
        if isinstance(item, ScenarioOutline):
            yield from ((scenario, _row_title(item.name, scenario)) for scenario in item.scenarios)
        elif item._row is None:
            yield item, item.name


def location(statement: Any, root: Path) -> str:
    """Where `statement` stands: path:line for a scenario, the path alone for a feature, below `root`."""
    path = Path(statement.filename).resolve()
    shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
    return shown if isinstance(statement, Feature) else f"{shown}:{statement.line}"


def _row_title(template: str, scenario: Scenario) -> str:
    """The outline's name for this row; the values that the name does not mention follow in brackets."""
    row: Any = scenario._row
    rest = [value for heading, value in row.items() if f"<{heading}>" not in template]
    name = str(ScenarioOutlineBuilder.render_template(template, row))
    return f"{name} ({', '.join(rest)})" if rest else name


def _planned_feature(feature: Feature, root: Path, services: Collection[str], catalogue: Catalogue) -> PlannedFeature:
    entry = catalogue.entries.get(Path(feature.filename).stem)
    found, problem = _worth(feature, services, entry)
    return PlannedFeature(
        capability=Path(feature.filename).stem,
        path=location(feature, root),
        title=feature.name,
        tier=found.tier,
        mrr=found.mrr,
        saving=found.saving,
        scenarios=len(feature.walk_scenarios()),
        problem=problem,
        document=document_of(feature, titled_scenarios(feature)),
    )


def _worth(feature: Feature, services: Collection[str], entry: Entry | None) -> tuple[Terms, str | None]:
    """What a feature is worth, and what is wrong with its tags; where they cannot be taken, the catalogue tells."""
    otherwise = Terms(entry.tier, entry.mrr, entry.saving, ()) if entry else Terms(0, 0, 0, ())
    try:
        found = terms(feature.tags, services)
    except FeatureTagError as error:
        return otherwise, str(error)
    contradiction = entry.contradicts(found) if entry else None
    return (otherwise, contradiction) if contradiction else (found, None)


def _unwritten(catalogue: Catalogue, written: Collection[str]) -> Iterator[PlannedFeature]:
    """A feature without scenarios for every capability that nobody has written yet: its worth is not told."""
    for key, entry in catalogue.entries.items():
        if key not in written:
            yield PlannedFeature(
                capability=key,
                path="",
                title=entry.name,
                tier=entry.tier,
                mrr=entry.mrr,
                saving=entry.saving,
                scenarios=0,
                problem=None,
                document=None,
            )


def _selected(
    features: Iterable[Feature], config: Any, worths: Mapping[str, PlannedFeature]
) -> Iterator[PlannedScenario]:
    root = Path(config.base_dir)
    for feature in features:
        for scenario, title in titled_scenarios(feature):
            if scenario.should_run(config):
                yield _planned_scenario(scenario, title, worths[location(feature, root)], root)


def _planned_scenario(scenario: Scenario, title: str, feature: PlannedFeature, root: Path) -> PlannedScenario:
    return PlannedScenario(
        id=f"{feature['capability']}/{slug(title)}",
        scenario=location(scenario, root),
        name=title,
        capability=feature["capability"],
        tier=feature["tier"],
        tags=sorted(map(str, scenario.effective_tags)),
        mrr=feature["mrr"],
        saving=feature["saving"],
        platform=REFERENCE_NAME,
        not_promised=None,
    )


def _tags(features: Iterable[Feature]) -> set[str]:
    found = {str(tag) for feature in features for tag in feature.tags}
    return found | {str(t) for f in features for s in f.walk_scenarios(with_rules=True) for t in s.tags}


def _patterns(expression: Any) -> Iterator[str]:
    """The tags and wildcards in an expression, whichever way they are joined."""
    parts = getattr(expression, "terms", None) or [getattr(expression, "term", None)]
    for part in filter(None, parts):
        yield from _patterns(part)
    if pattern := getattr(expression, "pattern", None):
        yield pattern
    elif name := getattr(expression, "name", None):
        yield glob.escape(name)


def _asked(config: Any) -> str:
    """The selection in the words of the command line."""
    names = [f"--name '{name}'" for name in config.name or []]
    return " ".join([f"--tags '{config.tag_expression.to_string()}'", *names, *map(str, config.paths)])
