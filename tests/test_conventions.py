"""What holds without being registered anywhere: told in time where it does not, and who may import whom."""

import ast
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
from behave_runs import TESTS, Run, behave, launch

from support.containers import labels
from support.containers.layout import layout_of
from support.errors import FleetError
from support.settings import ROOT

KEY = "websocket_redis_pubsub"
FEATURE = next(ROOT.glob(f"features/*/{KEY}.feature")).relative_to(ROOT)
FOLDER = f"support/capabilities/{KEY}"


# What is missing or wrong, told before a container starts


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project, to break something in."""
    copy = tmp_path / "project"
    for name in ("support", "steps", "features"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("environment.py", "behave.ini"):
        shutil.copy(ROOT / name, copy)
    return copy


def run(project: Path) -> Run:
    """Runs the feature with plain behave, to its end."""
    reports = project.parent / "reports"
    done = subprocess.run(
        [sys.executable, "-m", "behave", str(FEATURE)],
        cwd=project,
        env={**os.environ, "L3_REPORTS": str(reports)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Run(done.returncode, done.stdout + done.stderr, reports)


def reason_of(run: Run) -> str:
    """The one reason for which all scenarios are unknown."""
    assert set(run.verdicts.values()) == {"unknown"}, run.output
    assert run.code == 3, run.output
    (reason,) = {row["reason"] for row in run.rows.values()}
    return str(reason)


def made(client: docker.DockerClient, run: Run, since: float) -> list[object]:
    """What the engine tells of containers of the run."""
    label = f"{labels.RUN}={run.folder.resolve().name}"
    filters = {"label": label, "type": "container"}
    return list(client.events(since=int(since), until=int(time.time()) + 1, filters=filters, decode=True))


def rename(path: Path) -> None:
    path.rename(path.with_name("nods.toml"))


def misspell(path: Path) -> None:
    path.write_text(path.read_text().replace("[settings]", "[setings]"))


def stand_alone(path: Path) -> None:
    path.write_text("class World:\n    pass\n")


@pytest.mark.parametrize(
    ("file", "breaks", "told"),
    [
        ("nodes.toml", Path.unlink, f"there is no {FOLDER}/nodes.toml; it says how many nodes there are"),
        ("nodes.toml", rename, f"there is no {FOLDER}/nodes.toml; rename nods.toml"),
        ("nodes.toml", misspell, f"{FOLDER}/nodes.toml: setings is no key; did you mean settings?"),
        ("world.py", Path.unlink, f"there is no {FOLDER}/world.py; it holds the class World of the scenarios"),
        ("world.py", stand_alone, f"{FOLDER}/world.py has no class World that is built on support.worlds.world.World"),
    ],
)
def test_what_a_capability_lacks_is_told_as_unknown_before_a_container_starts(
    project: Path, client: docker.DockerClient, file: str, breaks: Callable[[Path], None], told: str
) -> None:
    breaks(project / FOLDER / file)
    began = time.time()
    ended = run(project)
    assert told in reason_of(ended)
    assert made(client, ended, began) == []


def test_a_setting_that_no_node_knows_is_told_by_the_node_as_unknown(project: Path) -> None:
    nodes = project / FOLDER / "nodes.toml"
    nodes.write_text(nodes.read_text().replace("HISTORY_SIZE", "HISTORY_SIZ"))
    assert "HISTORY_SIZ: there is no such setting; did you mean HISTORY_SIZE?" in reason_of(run(project))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "expected a [roles.NOUN] for each kind of node, such as [roles.gateway]"),
        ("[role.gateway]", "role is no key; did you mean roles?"),
        ("[roles]\ngateway = 2", "roles.gateway: expected a table [roles.gateway], got 2"),
        ("[roles.gateway]\ncuont = 3", "cuont is no key of the role gateway; did you mean count?"),
        ("[roles.gateway]\ncount = 0", "gateway.count: expected a number of containers, got 0"),
        ("[roles.gateway]\nmovable_clock = 3", "gateway.movable_clock: expected true or false, got 3"),
        ("[roles.gateway]\nsettings = 3", "roles.gateway.settings: expected a table"),
        ("[roles.gateway]\n[settings]\nSIZE = 3", 'settings.SIZE: expected a text such as "2", got 3'),
        ("[roles.gateway", "cannot be read"),
    ],
)
def test_a_layout_that_cannot_be_meant_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / KEY).mkdir()
    (tmp_path / KEY / "nodes.toml").write_text(text)
    with pytest.raises(FleetError) as raised:
        layout_of(KEY, tmp_path)
    assert told in str(raised.value) and f"{KEY}/nodes.toml" in str(raised.value)


# A sentence that stands twice


@pytest.fixture
def sentences(tmp_path: Path) -> Callable[[str, str], Path]:
    """Makes a project in which one sentence is written as the one and as the other decorator."""

    def make(one: str, other: str) -> Path:
        project = tmp_path / "project"
        shutil.copytree(TESTS / "projects" / "selection", project)
        (project / "environment.py").write_text(
            "from behave import register_type\nfrom support.sentences import count\nregister_type(Count=count)\n"
            + (project / "environment.py").read_text()
        )
        for name, decorator in (("one", one), ("two", other)):
            step = f"from behave import given, step\n\n@{decorator}\ndef {name}(context, **more):\n    pass\n"
            (project / "steps" / f"{name}.py").write_text(step)
        (project / "features").mkdir(exist_ok=True)
        (project / "features" / "some.feature").write_text(
            "@L3 @tier1 @mrr.1000\nFeature: Some\n  Scenario: One\n    Given 3 of them are there\n"
        )
        return project

    return make


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('given("{n:Count} of them are there")', 'given("{n:Count} of them are there")'),
        ('given("{n:Count} of them are there")', 'given("{count:Count} of them are there")'),
        ('given("{n:Count} of them are there")', 'step("{n:Count} of them are there")'),
        ('given("3 of them are there")', 'given("3 of them are there")'),
    ],
)
@pytest.mark.parametrize("words", [[], ["--jobs", "2"]])
def test_a_sentence_that_is_defined_twice_is_unknown_and_both_places_are_named(
    sentences: Callable[[str, str], Path], one: str, other: str, words: list[str], tmp_path: Path
) -> None:
    ended = launch(sentences(one, other), tmp_path / "reports", "features/some.feature", *words)
    reason = reason_of(ended)
    assert "a sentence stands twice" in reason and "delete one of them" in reason
    assert "steps/one.py:3" in reason and "steps/two.py:3" in reason


def test_a_sentence_with_two_kinds_of_parameters_or_of_steps_stands_once(
    sentences: Callable[[str, str], Path], tmp_path: Path
) -> None:
    project = sentences('given("{n:Count} of them are there")', 'then("{n:Count} of them are there")')
    (project / "steps" / "two.py").write_text(
        'from behave import then\n\n@then("{n:Count} of them are there")\ndef two(context, n):\n    pass\n'
    )
    ended = behave(project, tmp_path / "reports", "features/some.feature")
    assert set(ended.verdicts.values()) == {"passed"}, ended.output


# A run of several features at once loads each with its own sentences only, and one of all loads them together.
_SENTENCES = """
from pathlib import Path
from behave.configuration import Configuration
from behave.runner import Runner
from behave.step_registry import registry
from support.run.prelude import features
from support.run.sentences import refuse_twins

runner = Runner(Configuration(["-f", "null"]))
runner.setup_paths()
with runner.path_manager:
    runner.load_hooks()
    runner.load_step_definitions()
refuse_twins(registry)
for feature in features(runner.feature_locations()):
    for scenario in feature.walk_scenarios():
        for step in scenario.all_steps:
            place = registry.find_match(step).location
            print(Path(feature.filename).stem, Path(place.filename).stem)
"""


def test_no_sentence_stands_twice_and_no_feature_needs_one_of_another() -> None:
    done = subprocess.run([sys.executable, "-c", _SENTENCES], cwd=ROOT, capture_output=True, text=True, check=True)
    used = {tuple(line.split()) for line in done.stdout.splitlines()}
    keys = {path.name for path in (ROOT / "support" / "capabilities").iterdir()}
    assert {feature for feature, _ in used} == {path.stem for path in ROOT.glob("features/*/*.feature")}
    assert not [(feature, steps) for feature, steps in used if steps != feature and steps in keys]


# Who may import whom

# From above to below: a room imports from those below it, and from its own row.
ORDER = [
    ["cli"],
    ["proof"],
    ["run"],
    ["report"],
    ["ledger"],
    ["adapters"],  # support/platforms/<platform>/
    ["capabilities"],
    ["worlds"],
    ["platforms", "clients", "probes", "faults"],
    ["sentences"],
    ["containers"],
    ["images"],
    ["nouns", "origin", "progress", "promise", "settings", "turn"],
    ["footing", "polling"],
    ["errors"],
]
ROWS = {room: row for row, rooms in enumerate(ORDER) for room in rooms}
APART = ("reference", "providers")  # they become images, and what they have is theirs


def modules() -> Iterator[tuple[Path, list[str]]]:
    """Every module below support/, by its path from there, with what it imports by full name."""
    for path in sorted((ROOT / "support").rglob("*.py")):
        yield path.relative_to(ROOT / "support"), list(imported(path))


def imported(path: Path) -> Iterator[str]:
    """The full names of what a module imports, relative ones from the project's root, also those for types alone."""
    package = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, [start, node.module]))
            yield from (f"{module}.{alias.name}" for alias in node.names)


def room_of(parts: tuple[str, ...]) -> str:
    """The room of a module, by its parts below support/."""
    if parts[0] == "platforms" and len(parts) > 2:
        return "adapters"
    return parts[0].removesuffix(".py")


def room_named(name: str) -> str:
    """The room of something that is imported by its full name, which begins with `support.`."""
    parts = name.split(".")[1:]
    is_folder = len(parts) > 2 and (ROOT / "support" / parts[0] / parts[1]).is_dir()
    return "adapters" if parts[0] == "platforms" and is_folder else parts[0]


def test_imports_go_one_way() -> None:
    for path, names in modules():
        room = room_of(path.parts)
        if room in (*APART, "__init__", "__main__"):
            continue
        assert room in ROWS, f"support/{room} has no place in the order of rooms yet; give it one in ORDER"
        for name in (name for name in names if name.startswith("support.")):
            other = room_named(name)
            assert other not in APART, f"support/{path} imports {name}: the suite meets it on the network only"
            below = ROWS[room] < ROWS[other] or room == other or other in ORDER[ROWS[room]]
            assert below, f"support/{path} imports {name}, and {other} stands above {room}"


def test_no_capability_imports_another_and_no_shared_room_imports_one() -> None:
    for path, names in modules():
        own = {"capabilities": path.parts[1:2], "adapters": (path.stem,)}.get(room_of(path.parts), ())
        for name in (name for name in names if name.startswith("support.capabilities.")):
            assert name.split(".")[2] in own, f"support/{path} imports {name}"


def test_what_becomes_an_image_imports_nothing_of_the_suite() -> None:
    inside = {"support", "steps", "environment", "tests"}
    for path, names in modules():
        if path.parts[0] in APART:
            own = f"support.{path.parts[0]}."
            strangers = [n for n in names if n.partition(".")[0] in inside and not f"{n}.".startswith(own)]
            assert not strangers, f"support/{path} imports {strangers}"


def test_each_step_module_speaks_of_its_own_capability_alone() -> None:
    for path in sorted((ROOT / "steps").glob("*.py")):
        others = [n for n in imported(path) if n.startswith("support.capabilities.") and n.split(".")[2] != path.stem]
        assert not others, f"steps/{path.name} imports {others}"
