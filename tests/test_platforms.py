"""Platforms: what a folder says of itself, what is told of one that is wrong, a small foreign one that is judged."""

import json
import os
import re
import shutil
import subprocess
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import docker
import pytest
from behave.parser import parse_file
from behave_runs import Run, launch
from docker.models.containers import ExecResult
from ledgers import all_passed, but, ledger, plan_of

from support.capabilities.rate_limiting_redis.calls import Call, see_in_one_window
from support.capabilities.rate_limiting_redis.client import Answer, Resource, Verdict
from support.containers.fleet import fetch_images
from support.containers.platform import Node
from support.containers.target import Target
from support.errors import FaultError, FleetError, ImageError, PlatformError, ProbeError, SelectionError
from support.faults.clock import move
from support.ledger import history, terminal
from support.ledger.plan import Plan
from support.platforms.description import Judged, read
from support.platforms.platform import Platform
from support.probes.node import time_of_day
from support.report.merge import merge
from support.run.document import document_of
from support.run.selection import not_promised, titled_scenarios
from support.settings import REFERENCE

ROOT = Path(__file__).resolve().parents[1]
TOLLGATE = ROOT / "tests" / "platforms" / "tollgate"
LIMITS = "rate_limiting_redis"
FEATURE = f"features/tier2_security_and_sessions/{LIMITS}.feature"
STEADY = "A customer who keeps calling never gets more than the limit, and is never refused too early"
APART = "A customer who has used up everything takes nothing from the others"
GIVEN = {"REDIS_URL", "NODE_NAME", "JWT_SECRET"}
WITHIN_S = 240  # a fleet's start, on a machine that is busy with other tests


def said(folder: Path, text: str) -> Path:
    """A folder whose platform.toml is `text`."""
    folder.mkdir(exist_ok=True)
    (folder / "platform.toml").write_text(text)
    return folder


# platform.toml


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "name is missing"),
        ('name = ""', "name: expected \"Our platform\", got ''"),
        ("name = 3", 'name: expected "Our platform", got 3'),
        ('name = "a"\nimge = "x:1"', "imge is no key of it; did you mean image?"),
        ('name = "a"\nhealth = "healthz"', 'health: expected a path such as "/health"'),
        ('name = "a"\nsecrets = [1]', 'secrets: expected names such as "API_KEY", got 1'),
        ('name = "a"\n[environment]\nX = 3', r'environment.X: expected a text such as "{REDIS_URL}", got 3'),
        (
            'name = "a"\n[environment]\nX = "{REDIS}"',
            "environment.X: the suite gives nothing called REDIS; did",
        ),
        ('name = "a"\n[environment]\nX = "{}"', "environment.X: the suite gives nothing called {}; there are"),
        ('name = "a"\n[environment]\nX = "{"', "environment.X: .* a brace is written twice"),
        ('name = "a"\n[environment]\nX = "{A.b}"', "is no template of names alone"),
        ('name = "a"\n[not_promised]\nX = ""', "not_promised.X: expected a text"),
        ("name = a", "cannot be read: "),
    ],
)
def test_what_is_wrong_in_a_description_is_told_with_its_place_and_mend(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match=told) as error:
        read(said(tmp_path, text), GIVEN)
    assert str(tmp_path / "platform.toml") in str(error.value)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(PlatformError) as error:
        read(said(tmp_path, 'imge = "x:1"\nhealth = 3'), GIVEN)
    assert len(str(error.value).splitlines()) == 3


def test_a_folder_without_a_description_is_told(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match=r"there is no .*/no/platform.toml; write one with a line name = "):
        read(tmp_path / "no", GIVEN)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('name = "Reference platform"', "is taken"),
        ('name = "a"\nbase = "alpine"', "base: there is no image alpine to build on; there are debian"),
    ],
)
def test_what_only_the_project_knows_is_told_too(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match=told):
        print(Platform(said(tmp_path, text)).name)


def test_templates_are_filled_and_what_a_node_is_not_given_is_left_out() -> None:
    target = Target(environment={"A": "redis at {URL}, {{as is}}", "B": "{OTHER}", "C": "3"})
    assert target.told({"URL": "redis://r:1", "MORE": "x"}) == {"A": "redis at redis://r:1, {as is}", "C": "3"}
    assert Target().told({"URL": "u"}) == {"URL": "u"}


def test_the_digest_is_of_the_adapters_and_the_description_and_not_of_the_image(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(TOLLGATE, tmp_path / "own"))
    digest = Platform(folder).judged["digest"]
    (folder / "image" / "Dockerfile").write_text("FROM other\n")
    assert Platform(folder).judged["digest"] == digest
    with (folder / "platform.toml").open("a") as file:
        file.write(f'# what is not promised is judged all the same\n[not_promised]\n"{APART}" = "one purse for all"\n')
    assert Platform(folder).judged["digest"] == digest
    said(folder, (TOLLGATE / "platform.toml").read_text().replace("TOLL_STORE", "TOLL_STORE_TOO"))
    changed = Platform(folder).judged["digest"]
    (folder / f"{LIMITS}.py").write_text("# mended\n")
    assert len({digest, changed, Platform(folder).judged["digest"]}) == 3


def test_each_fleet_has_secrets_of_its_own() -> None:
    first, second = Platform(TOLLGATE).fresh_secrets(), Platform(TOLLGATE).fresh_secrets()
    assert first.keys() == {"JWT_SECRET", "SIGNING_KEY"} and not set(first.values()) & set(second.values())


def test_the_image_is_its_own_or_the_manifests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (entry,) = Platform(TOLLGATE).image()
    assert (entry.official, entry.base and entry.base.service) == (None, "platform-runtime")
    assert Platform(REFERENCE).image() == []
    named = Platform(said(tmp_path, 'name = "a"\nimage = "ours:1"')).image()
    assert [(one.official, one.base) for one in named] == [("ours:1", None)]
    monkeypatch.setenv("L3_IMAGE_PLATFORM", "theirs:2")
    assert named[0].override(os.environ) == "theirs:2"


def test_an_image_of_its_own_that_is_nowhere_is_told_with_its_mend(
    tmp_path: Path, client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("L3_NO_BOOTSTRAP", "1")  # so that no registry is asked
    own, heard = Platform(said(tmp_path, 'name = "a"\nimage = "nobody.invalid/ours:1"')), list[str]()
    with pytest.raises(ImageError, match=r"the engine has not nobody\.invalid/ours:1\n") as error:
        fetch_images(["platform"], client, heard.append, own.image())
    mend = f"correct image in {tmp_path}/platform.toml, or make it by docker build -t nobody.invalid/ours:1 FOLDER"
    assert mend in str(error.value) and not any("stand-in" in line for line in heard)


OUTLINE = "Orders are refused and the catalogue is shown, with a limit on each gateway, while <outage>"


def test_the_title_of_an_outline_stands_for_all_its_rows(tmp_path: Path) -> None:
    text = f'name = "a"\n[not_promised]\n"{OUTLINE}" = "why"\n"{STEADY}" = "so"'
    feature = parse_file(str(ROOT / FEATURE))
    reasons = not_promised(Platform(said(tmp_path, text)), [document_of(feature, titled_scenarios(feature))])
    assert sorted(reasons.values()) == ["so", "why", "why", "why"]


class Starting(Node):
    """A node whose container is not made: what it answers and what the engine says of it is given."""

    ready_within_s = 5.0

    def __init__(self, port: int, **state: Any) -> None:
        self.name, self.health, self.abandoned, self._port, self._state = "gate-1", "/healthz", False, port, state

    def address(self, port: int | None = None) -> tuple[str, int]:
        return "127.0.0.1", self._port

    def state(self) -> dict[str, Any]:
        return self._state

    def last_lines(self, count: int = 15) -> str:
        return "I serve"


def test_a_path_of_health_that_the_node_does_not_know_is_told_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("support.containers.platform._FINAL_AFTER_S", 0.3)
    with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        told = (
            r"answered 404 to GET /healthz at .* within (0\.[3-9]|[1-4](\.\d)?) s: is `health` in platform.toml right?"
        )
        with pytest.raises(FleetError, match=told):
            Starting(server.server_port, Status="running").wait_ready()
        server.shutdown()


def test_a_node_that_ended_is_told_with_its_exit_code() -> None:
    told = r"gate-1 \(it ended with exit code 3\) said last:\nI serve\nand gave no answer to GET /healthz"
    with pytest.raises(FleetError, match=told + r" .* within (0|[0-4]\.\d|[1-4]) s"):
        Starting(9, Status="exited", ExitCode=3).wait_ready()


def test_what_the_linker_says_of_a_library_that_is_not_there_is_no_time_of_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node = Starting(9)
    printed = b"1ERROR: ld.so: object '/libfaketime.so.1' from LD_PRELOAD cannot be preloaded: ignored.\n.5\n"
    monkeypatch.setattr(node, "exec", lambda command: ExecResult(0, printed), raising=False)
    assert time_of_day(node) == 1.5
    with pytest.raises(FaultError, match="the clock of gate-1 cannot be moved, it has not loaded libfaketime: "):
        move(node, 5)


def test_calls_that_took_too_long_are_told_with_the_slowest_gateway() -> None:
    asked = [("gateway-1", 0.0, 0.1), ("gateway-1", 0.0, 0.3), ("gateway-2", 0.1, 2.4)]
    calls = [
        Call(10, name, Resource.ORDERS, 1, sent, answered, Answer(Verdict.ADMITTED)) for name, sent, answered in asked
    ]
    see_in_one_window(calls[:2])
    told = "3 calls took 2.40 s, .* was gateway-2's, after 2.30 s .at the median gateway-1 0.20 s, gateway-2 2.30 s"
    with pytest.raises(ProbeError, match=told):
        see_in_one_window(calls)


# The command line, and what is told before anything is started


def refused(folder: Path, tmp_path: Path, *words: str) -> Run:
    """A run that begins nothing."""
    return launch(ROOT, tmp_path / "reports", "--platform", str(folder), *(words or [FEATURE]))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('name = "a"\ncolour = "red"', "colour is no key of it"),
        (f'name = "a"\n[not_promised]\n"{STEADY}!" = "why"', f"there is no scenario '{STEADY}!'; did you mean"),
        ('name = "a"', f"a has no adapter {LIMITS}.py in "),
    ],
)
def test_a_platform_that_cannot_be_judged_ends_with_2(text: str, told: str, tmp_path: Path) -> None:
    run = refused(said(tmp_path / "own", text), tmp_path)
    assert run.code == 2 and told in run.output, run.output
    assert not run.reports.exists()


def test_a_folder_that_is_not_there_ends_with_2(tmp_path: Path) -> None:
    run = refused(tmp_path / "nowhere", tmp_path)
    assert run.code == 2 and f"there is no {tmp_path}/nowhere/platform.toml" in run.output, run.output


def test_a_proof_plants_bugs_into_the_reference_platform_alone() -> None:
    done = l3("prove", L3_PLATFORM=str(TOLLGATE))
    assert done.returncode == 2 and "unset it" in done.stderr, done.stderr


def test_all_titles_that_no_scenario_has_are_told_before_an_adapter_is_tried(tmp_path: Path) -> None:
    text = f'name = "a"\n[not_promised]\n"{STEADY}!" = "a"\n"No such promise" = "b"\n"{APART}" = "c"'
    done = l3("adapt", str(said(tmp_path, text)))
    assert done.returncode == 2 and f"no scenario '{STEADY}!'; did you mean" in done.stderr, done.stderr
    assert "'No such promise'" in done.stderr and f"no scenario '{APART}'" not in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["adapt", str(TOLLGATE), "--capability", "vector_search"], f"has adapters for {LIMITS}"),
        (["adapt", "/nowhere"], "there is no /nowhere/platform.toml"),
    ],
)
def test_what_cannot_be_tried_ends_with_2(words: list[str], told: str) -> None:
    done = l3(*words)
    assert done.returncode == 2 and told in done.stderr, done.stderr


def l3(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The launcher, with the requirements that are there."""
    return subprocess.run(
        [sys.executable, "l3", *words, "--no-bootstrap"],
        cwd=ROOT, env={**os.environ, **environ}, capture_output=True, text=True, timeout=WITHIN_S, check=False,
    )  # fmt: skip


# A foreign platform, on real fleets


def judge(folder: Path, tmp_path: Path, *titles: str, deadline: str = "120 s") -> Run:
    """A run of these scenarios of rate limits, by plain behave."""
    environ = {"L3_PLATFORM": str(folder), "L3_REPORTS": str(tmp_path / "reports"), "L3_SCENARIO_DEADLINE": deadline}
    names = [word for title in titles for word in ("--name", f"^{title}")]
    done = subprocess.run(
        [sys.executable, "-m", "behave", FEATURE, *names],
        cwd=ROOT, env={**os.environ, **environ}, text=True, timeout=WITHIN_S, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return Run(done.returncode, done.stdout, tmp_path / "reports")


@pytest.fixture
def own(tmp_path: Path, client: docker.DockerClient) -> Path:
    """A copy of the small foreign platform that a test may change; its image is there."""
    fetch_images(["platform"], client, print, Platform(TOLLGATE).image())
    return Path(shutil.copytree(TOLLGATE, tmp_path / "own"))


def spoil(folder: Path, text: str, instead: str) -> None:
    """Replaces `text` in the adapter."""
    adapter = folder / f"{LIMITS}.py"
    assert text in adapter.read_text()
    adapter.write_text(adapter.read_text().replace(text, instead))


def test_a_foreign_platform_is_judged_through_its_folder(own: Path, tmp_path: Path) -> None:
    with (own / "platform.toml").open("a") as file:
        file.write(f'\n[not_promised]\n"{APART}" = "one purse for all"\n')
    run = judge(own, tmp_path, STEADY, APART)
    steady, apart = run.rows.values()
    assert (run.code, steady["verdict"], apart["verdict"]) == (0, "passed", "not promised"), run.output
    assert apart["judged"] == "passed" and apart["reason"].startswith("not promised: one purse for all (judged all")
    assert {row["platform"] for row in run.rows.values()} == {"Tollgate"}
    assert run.summary["verdicts"] == {"passed": 1, "failed": 0, "unknown": 0, "not promised": 1}
    judged = Platform(own).judged
    assert run.summary["platform"] == judged and f"platform: Tollgate ({judged['digest']}), {own}" in run.output
    lines = [json.loads(line) for line in (run.reports / "history.jsonl").read_text().splitlines()]
    assert {(line["platform"], line["adapters"]) for line in lines} == {("Tollgate", judged["digest"])}
    assert all(word in (run.folder / "index.html").read_text() for word in ("Tollgate", judged["digest"], "one purse"))


def test_what_an_adapter_does_wrong_is_unknown_and_never_failed(own: Path, tmp_path: Path) -> None:
    # Two gateways are met in the trial, and two in each scenario.
    spoil(own, "class Adapter", "_met = []\n\n\nclass Adapter")
    spoil(own, "        self._key =", "        _met.append(self)\n        self._key =")
    fault = """
        match len(_met) // 2:
            case 2:
                return {}["left"]
            case 3:
                return "passed"
            case 4:
                import time
                time.sleep(30)
        traveller ="""
    spoil(own, "\n        traveller =", fault)
    run = judge(own, tmp_path, "Four times", STEADY, APART, deadline="8 s")
    assert run.code == 3 and set(run.verdicts.values()) == {"unknown"}, run.output
    reasons = [row["reason"] for row in run.rows.values()]
    assert f"AdapterError: the adapter, call: {LIMITS}.py:" in reasons[0] and "KeyError: 'left'" in reasons[0]
    assert "AdapterError: the adapter, call " in reasons[1] and "expected Answer, got str 'passed'" in reasons[1]
    assert "did not end within 8 s: hung in step" in reasons[2]
    evidence = "".join(path.read_text() for path in run.folder.glob("evidence/*/gateway-*.json"))
    assert "TOLL_KEY=***" in evidence and "TOLL_NAME=gateway-1" in evidence


@pytest.mark.parametrize(
    ("text", "instead", "told"),
    [
        ("import hmac", "import hmac\nimport nothing_of_that_name", "does not load: "),
        ("def call(", "def calls(", "Adapter has no method call("),
    ],
)
def test_an_adapter_that_cannot_be_used_makes_all_unknown(
    text: str, instead: str, told: str, own: Path, tmp_path: Path
) -> None:
    spoil(own, text, instead)
    run = judge(own, tmp_path, STEADY, APART)
    assert run.code == 3 and set(run.verdicts.values()) == {"unknown"}, run.output
    assert all(told in row["reason"] and f"{LIMITS}.py" in row["reason"] for row in run.rows.values()), run.output
    assert not (run.folder / "containers.jsonl").exists()


def test_an_adapter_that_fails_its_trial_makes_all_unknown(own: Path, tmp_path: Path) -> None:
    spoil(own, '"/v2/passages"', "3")
    run = judge(own, tmp_path, STEADY, APART)
    assert run.code == 3 and set(run.verdicts.values()) == {"unknown"}, run.output
    reason = run.rows.popitem()[1]["reason"]
    assert "the adapter was tried before the first scenario, and “lets a customer in at each gateway" in reason
    assert f"./l3 adapt {own} --capability {LIMITS} tries it alone" in reason


def test_adapters_are_tried_alone_and_nothing_is_left(own: Path) -> None:
    done = l3("adapt", str(own))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lets a customer in at each gateway" in done.stdout and "ok" in done.stdout
    assert "understood: ADMITTED; left 8; not told: limit, window, more in, ask again in" in done.stdout
    assert "understood: LIMITED; ask again in 2; " in done.stdout and "understood: UNAUTHENTICATED;" in done.stdout
    assert "the clock of gateway-1 can be set ahead" in done.stdout and not [*own.rglob("__pycache__")]
    spoil(own, "420: Verdict.LIMITED", "420: Verdict.UNAVAILABLE")
    done = l3("adapt", str(own), "--capability", LIMITS)
    assert done.returncode == 1 and "the platform answered wrongly: AssertionError" in done.stdout
    spoil(own, '"/v2/passages"', "3")
    done = l3("adapt", str(own), "--capability", LIMITS)
    assert done.returncode == 3 and "the adapter: AdapterError: the adapter, call: " in done.stdout


# What is kept of a platform


def planned(name: str = "", digest: str = "d1", **more: Any) -> Plan:
    """A plan for the platform `name`; of before platforms had names, if it has none."""
    plan = plan_of([LIMITS], **more)
    if name:
        plan["platform"] = Judged(name=name, digest=digest, folder="/own")
    return plan


def failing_first(verdict: Any) -> Any:
    return but({f"{LIMITS}/0": (verdict, None if verdict == "passed" else "why")})


def test_a_reason_of_two_rows_is_told_once_and_many_features_without_an_adapter_are_counted(tmp_path: Path) -> None:
    plan = plan_of([LIMITS, "circuit_breaker_service_failures"])
    for feature in plan["features"]:
        feature["left_out"] = feature["capability"] != LIMITS
    broken = but({f"{LIMITS}/0": ("failed", "it was late"), f"{LIMITS}/1": ("failed", "it was late")})
    told = terminal.text(ledger(tmp_path, plan, broken), sys.stdout)
    assert told.count("it was late") == 1 and re.search(r"it was late\n.*\n +as above\n", told), told
    left_out = len(plan["features"]) - 1
    assert f"has no adapter: {left_out} features, which the page names\n" in told and left_out > 3


def test_another_platform_has_another_history(tmp_path: Path) -> None:
    ledger(tmp_path, planned(), failing_first("failed"))
    ledger(tmp_path, planned("Other"), failing_first("failed"))
    third = ledger(tmp_path, planned("Other", "d2"))
    first = third.lines[0]
    assert third.rates[first["id"]] == (1, 0), "mending the adapter is another ground"
    assert [line["platform"] for line in third.past.before(first)] == ["Other"]
    again = ledger(tmp_path, planned("Other", "d2"), failing_first("failed"))
    assert again.rates[first["id"]] == (1, 1) and again.summary["flaky"]


def test_lines_of_before_platforms_had_names_are_the_references(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    ledger(tmp_path, planned())
    old = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps({k: v for k, v in line.items() if k != "platform"}) + "\n" for line in old))
    lines = history.read(path).lines
    assert {line["platform"] for some in lines.values() for line in some} == {"Reference platform"}


def test_what_is_not_promised_neither_passes_nor_fails(tmp_path: Path) -> None:
    plan = planned("Other")
    for scenario in plan["scenarios"][:2]:
        scenario["not_promised"] = "we never said so"
    broken = but({f"{LIMITS}/0": ("not promised", "not promised: we never said so (judged all the same: it failed)")})
    outcome = ledger(tmp_path, plan, broken)
    assert outcome.exit_code == 0
    assert (outcome.summary["mrr"]["exposed"], outcome.summary["mrr"]["verified"]) == (0, 0)
    assert outcome.summary["verdicts"]["not promised"] == 1


def test_runs_of_two_platforms_are_not_merged(tmp_path: Path) -> None:
    one, other = ledger(tmp_path, planned("One"), all_passed), ledger(tmp_path, planned("Other"), all_passed)
    with pytest.raises(SelectionError, match=r"different platforms, One \(d1\) and Other \(d1\)"):
        merge([one.path, other.path], tmp_path / "merged", tmp_path / "history.jsonl")
