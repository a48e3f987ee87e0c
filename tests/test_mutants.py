"""Mutants as they are written: the project's own are complete and apply, and what is wrong in a file is told."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from behave.parser import parse_file

from support.errors import MutantError
from support.ledger.plan import slug
from support.proof import source
from support.proof.mutants import Mutant, chosen, load, load_own, promises
from support.run.selection import titled_scenarios
from support.settings import ROOT

KNOWN = promises()
CLAIM = "A connection with no token is refused"
SOUND = {
    "id": "a-bug",
    "title": "What happened",
    "file": "json_text.py",
    "before": "nested too deeply",
    "after": "too deep",
    "scenarios": [CLAIM],
}


def written(folder: Path, *entries: object, name: str = "websocket_redis_pubsub") -> Path:
    """A folder with one file of mutants. A text is written as it is; JSON's texts and lists are TOML's, too."""
    lines = []
    for entry in entries:
        if isinstance(entry, dict):
            lines += ["[[mutant]]", *(f"{field} = {json.dumps(said)}" for field, said in entry.items())]
        else:
            lines.append(str(entry))
    (folder / f"{name}.toml").write_text("\n".join(lines))
    return folder


def rules_of(feature: str) -> dict[str, set[str]]:
    """The ids of the scenarios of each rule of a feature."""
    path = ROOT / feature
    rules = parse_file(str(path)).rules
    return {rule.name: {f"{path.stem}/{slug(title)}" for _, title in titled_scenarios(rule)} for rule in rules}


@pytest.fixture(scope="module")
def own() -> list[Mutant]:
    """The project's mutants."""
    return load_own(KNOWN)


def test_every_mutant_of_the_project_applies_once_and_is_python(own: list[Mutant]) -> None:
    files = source.unchanged()
    for mutant in own:
        for path, content in source.changed(files, mutant).items():
            if content != files[path] and path.endswith(".py"):
                compile(content, f"{mutant}: {path}", "exec")


@pytest.mark.parametrize("capability", KNOWN)
def test_every_scenario_is_named_by_a_mutant(own: list[Mutant], capability: str) -> None:
    named = {claim for mutant in own if mutant.capability == capability for claim in mutant.scenarios}
    assert KNOWN[capability].scenarios.keys() - named == set(), "no mutant shows that these can fail"


@pytest.mark.parametrize("capability", KNOWN)
def test_every_rule_has_scenarios_and_a_mutant_that_only_they_must_catch(own: list[Mutant], capability: str) -> None:
    for rule, scenarios in rules_of(KNOWN[capability].feature).items():
        assert scenarios, f"nothing judges the rule: {rule}"
        alone = [mutant.id for mutant in own if set(mutant.scenarios) <= scenarios]
        assert alone, f"every mutant that is named for the rule is also for others to catch: {rule}"


def test_a_mutant_may_name_its_file_from_the_root_and_its_scenarios_by_id(tmp_path: Path) -> None:
    by_id = f"websocket_redis_pubsub/{slug(CLAIM)}"
    entry = SOUND | {"file": "support/reference/json_text.py", "scenarios": [by_id, CLAIM]}
    (mutant,) = load(written(tmp_path, entry), KNOWN)
    assert mutant.scenarios == (by_id,)
    files = source.unchanged()
    assert b"too deep" in source.changed(files, mutant)["reference/json_text.py"]
    told = source.difference(files, mutant)
    assert "support/reference/json_text.py" in told
    assert '+        raise ValueError("too deep")' in told


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        (["[[mutant]"], "cannot be read as TOML"),
        (["[other]"], "expected [[mutant]] entries and nothing else, got other"),
        ([""], "expected [[mutant]] entries and nothing else, got nothing"),
        ([SOUND | {"scenarios": []}], "expected a list of the scenarios that must catch it, got []"),
        ([SOUND | {"scenarios": [CLAIM + "!"]}], f"has no scenario '{CLAIM}!'; did you mean '{CLAIM}'?"),
        ([SOUND | {"title": " "}], "expected a text for title, got ' '"),
        ([{k: v for k, v in SOUND.items() if k != "before"}], "expected a text for before, got None"),
        ([SOUND | {"after": SOUND["before"]}], "before and after are the same"),
        ([SOUND | {"files": "x"}], "files is no field of a mutant"),
        ([SOUND, SOUND | {"id": "A bug"}], "an earlier one has the same id"),
        ([SOUND | {"id": "…"}], "expected an id with a letter or a digit"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_mend(tmp_path: Path, entries: list[object], told: str) -> None:
    with pytest.raises(MutantError) as raised:
        load(written(tmp_path, *entries), KNOWN)
    assert told in str(raised.value)
    assert "websocket_redis_pubsub.toml" in str(raised.value)


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    written(tmp_path, SOUND, name="websocket_redis_pubsup")
    written(tmp_path, SOUND | {"title": 7}, SOUND | {"id": "other", "file": []})
    with pytest.raises(MutantError) as raised:
        load(tmp_path, KNOWN)
    assert "no capability websocket_redis_pubsup; did you mean 'websocket_redis_pubsub'?" in str(raised.value)
    assert "got 7" in str(raised.value)
    assert "got []" in str(raised.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"file": "json_texts.py"}, "no file json_texts.py in support/reference/; did you mean json_text.py?"),
        ({"file": "../app.py"}, "no file ../app.py"),
        ({"before": "import"}, "once and is there 2 times, from the lines 3, 4 on; take more of what stands around"),
        ({"before": "nested to deeply"}, '   12          raise ValueError("nested too deeply") from error'),
    ],
)
def test_a_mutant_that_does_not_apply_once_is_shown_where(tmp_path: Path, change: dict[str, str], told: str) -> None:
    (mutant,) = load(written(tmp_path, SOUND | change), KNOWN)
    with pytest.raises(MutantError) as raised:
        source.changed(source.unchanged(), mutant)
    assert told in str(raised.value)
    assert "mutant 'a-bug'" in str(raised.value)


@pytest.mark.parametrize(
    ("choose", "told"),
    [
        (lambda all_: chosen(all_, ["billing"], []), "no mutant of the capability billing"),
        (lambda all_: chosen(all_, [], ["a-bag"]), "no mutant called a-bag; did you mean 'a-bug'?"),
        (lambda _: load(Path("/nowhere"), KNOWN), "/nowhere has no mutants"),
    ],
)
def test_a_choice_of_nothing_is_an_error(tmp_path: Path, choose: Callable[[list[Mutant]], object], told: str) -> None:
    mutants = load(written(tmp_path, SOUND), KNOWN)
    with pytest.raises(MutantError, match=told):
        choose(mutants)


def test_a_row_of_an_outline_may_be_named_by_its_title_alone(tmp_path: Path) -> None:
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "sales.feature").write_text(
        "Feature: Sales\n  Scenario Outline: A sale of <what>\n    Given <how> many\n\n    Examples:\n"
        "      | what | how |\n      | tea | 1 |\n      | milk | 2 |\n      | milk | 3 |\n"
    )
    names = promises(tmp_path)["sales"].names
    assert (
        names["A sale of tea"]
        == names["A sale of tea (1)"]
        == names["sales/a-sale-of-tea-1"]
        == "sales/a-sale-of-tea-1"
    )
    assert "A sale of milk" not in names, "it does not say which"
    assert names["A sale of milk (3)"] == "sales/a-sale-of-milk-3"
