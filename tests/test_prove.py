"""Proofs against the real engine: every fate that a mutant can have, and what a proof leaves behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docker
import pytest

from support.containers import labels, sweep
from support.polling import poll
from support.settings import ROOT

ONE_PROOF = pytest.mark.xdist_group("one proof")  # one process makes it, and all that look at it
pytestmark = pytest.mark.long
CAPABILITY = "websocket_redis_pubsub"
NO_SESSION = "A connection with no token is refused"
EXPIRED = "A connection with an expired token is refused"
# Scenarios that take milliseconds, so that these proofs take little more than their containers.
MUTANTS = f'''
[[mutant]]
id = "seen"
title = "Sessions that had expired still opened connections"
file = "support/reference/sessions.py"
before = """{{"require": REQUIRED_CLAIMS}}"""
after = """{{"require": REQUIRED_CLAIMS, "verify_exp": False}}"""
scenarios = ["{NO_SESSION}", "{EXPIRED}"]

[[mutant]]
id = "not seen"
title = "The same, and named for a scenario that cannot see it"
file = "sessions.py"
before = """{{"require": REQUIRED_CLAIMS}}"""
after = """{{"require": REQUIRED_CLAIMS, "verify_exp": False}}"""
scenarios = ["{NO_SESSION}"]

[[mutant]]
id = "does-not-start"
title = "The node does not take its own settings"
file = "settings.py"
before = """int(positive(environ, "PORT", 8000))"""
after = """int(positive(environ, "PORT", -1))"""
scenarios = ["{NO_SESSION}"]
'''


class Ended:
    """A proof that has ended: its exit code, what it printed, its reports."""

    def __init__(self, code: int, output: str, reports: Path) -> None:
        self.code, self.output, self.reports = code, output, reports

    @property
    def matrix(self) -> Any:
        """The kill matrix of the newest proof."""
        return json.loads((self.reports / "latest-proof" / "kill_matrix.json").read_text(encoding="utf-8"))


def begin(reports: Path, *words: str, **environ: str) -> subprocess.Popen[str]:
    """Starts `./l3 prove`."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "l3"), "prove", *words],
        env={**os.environ, "L3_REPORTS": str(reports), **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def end(process: subprocess.Popen[str], reports: Path) -> Ended:
    """Waits for its end, at most 90 s."""
    output, _ = process.communicate(timeout=90)
    return Ended(process.returncode, output, reports)


def prove(reports: Path, *words: str, **environ: str) -> Ended:
    """Runs `./l3 prove` to its end."""
    return end(begin(reports, *words, **environ), reports)


def left(client: docker.DockerClient, reports: Path) -> list[str]:
    """The containers and networks of the newest proof in `reports` that are still there."""
    label = f"{labels.RUN}={(reports / 'latest-proof').resolve().name}"
    listed = sweep.containers(client, label) + list(client.api.networks(filters={"label": label}))
    return [sweep.name_of(thing) for thing in listed]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody else's mutants, one for each fate."""
    path = tmp_path_factory.mktemp("mutants")
    (path / f"{CAPABILITY}.toml").write_text(MUTANTS)
    return path


@pytest.fixture(scope="module")
def proof(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """A proof of these."""
    return prove(tmp_path_factory.mktemp("reports"), "--mutants", str(folder))


@ONE_PROOF
def test_each_mutant_has_the_fate_that_its_scenarios_told(proof: Ended) -> None:
    assert proof.code == 1, proof.output
    fates = {mutant["id"]: (mutant["verdict"], mutant["caught_by"]) for mutant in proof.matrix["mutants"]}
    by = f"{CAPABILITY}/a-connection-with-an-expired-token-is-refused"
    assert fates == {"seen": ("caught", [by]), "not seen": ("survived", []), "does-not-start": ("unknown", [])}


@ONE_PROOF
def test_the_matrix_has_a_cell_for_each_scenario_and_mutant(proof: Ended) -> None:
    cells = {row["name"]: row["mutants"] for row in proof.matrix["scenarios"]}
    assert cells[NO_SESSION] == {"seen": "let through", "not seen": "let through", "does-not-start": "unknown"}
    assert cells[EXPIRED] == {"seen": "caught", "not seen": "not run", "does-not-start": "not run"}
    assert len(cells) > 2
    assert all(mutant["seconds"] > 0 for mutant in proof.matrix["mutants"])
    assert proof.matrix == json.loads((proof.reports / "kill_matrix.json").read_text(encoding="utf-8"))


@ONE_PROOF
def test_a_survivor_is_shown_with_its_change_and_who_let_it_through(proof: Ended) -> None:
    told = proof.output.partition("✘ survived: ")[2]
    assert told.startswith(f"{CAPABILITY}/not seen: The same")
    assert '"verify_exp": False' in told
    assert f"let through: {NO_SESSION}" in told


@ONE_PROOF
def test_a_mutant_that_does_not_start_is_unknown_and_says_why(proof: Ended) -> None:
    (reason,) = [mutant["reason"] for mutant in proof.matrix["mutants"] if mutant["id"] == "does-not-start"]
    assert "its nodes did not start" in reason
    assert "PORT: expected a number above 0, got '-1'" in reason


@ONE_PROOF
def test_only_what_was_not_caught_leaves_evidence(proof: Ended, client: docker.DockerClient) -> None:
    kept = [path.name for path in (proof.reports / "latest-proof" / "evidence").iterdir()]
    assert not [name for name in kept if name.startswith(f"{CAPABILITY}.seen-")]
    assert not (proof.reports / "latest").exists(), "a proof is no run of the suite"
    assert left(client, proof.reports) == []


@ONE_PROOF
def test_a_share_is_a_proof_and_what_is_not_proved_again_keeps_its_verdict(
    proof: Ended, folder: Path, tmp_path: Path
) -> None:
    shutil.copy(proof.reports / "kill_matrix.json", tmp_path)
    ended = prove(tmp_path, "--mutants", str(folder), "--shard", "1/3")
    (row,) = ended.matrix["mutants"]
    others = {other["id"] for other in ended.matrix["share"]["others"]}
    assert {row["id"]} | others == {"seen", "not seen", "does-not-start"} and len(others) == 2
    kept = json.loads((tmp_path / "kill_matrix.json").read_text(encoding="utf-8"))
    began, earlier = ended.matrix["began"], proof.matrix["began"]
    assert {mutant["id"]: mutant["proved"] for mutant in kept["mutants"]} == dict.fromkeys(others, earlier) | {
        row["id"]: began
    }
    cells = {scenario["name"]: scenario["mutants"] for scenario in kept["scenarios"]}
    assert cells[NO_SESSION] == {"seen": "let through", "not seen": "let through", "does-not-start": "unknown"}
    alone = merged(tmp_path / "merged", tmp_path)
    for other in others:
        assert f"{CAPABILITY}/{other}  (0.0 s)  share 2/3 and 3/3 of the proof did not report" in alone.stdout
    whole = merged(tmp_path / "merged", tmp_path, proof.reports)
    assert (alone.returncode, whole.returncode) == (3 if row["verdict"] != "survived" else 1, 1)
    assert "did not report" not in whole.stdout and f"✘ survived  {CAPABILITY}/not seen" in whole.stdout


def merged(reports: Path, *parts: Path) -> subprocess.CompletedProcess[str]:
    """Runs `./l3 report --merge` on `parts` to its end."""
    return subprocess.run(
        [sys.executable, str(ROOT / "l3"), "report", "--merge", *map(str, parts)],
        env={**os.environ, "L3_REPORTS": str(reports)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_proof_stops_when_the_unchanged_platform_does_not_pass(folder: Path, tmp_path: Path) -> None:
    ended = prove(tmp_path, "--mutants", str(folder), L3_SCENARIO_DEADLINE="50 ms")
    assert ended.code == 3, ended.output
    assert f"the unchanged platform: unknown  {NO_SESSION}" in ended.output
    assert "did not end within 0.05 s" in ended.output
    assert {mutant["verdict"] for mutant in ended.matrix["mutants"]} == {"unknown"}
    assert not (tmp_path / "kill_matrix.json").exists(), "a proof that was stopped replaces no matrix"


@pytest.mark.parametrize(
    ("words", "environ", "told"),
    [
        (["--mutants", "{folder}", "--mutant", "scene"], {}, "no mutant called scene; did you mean 'seen'?"),
        (["--capability", "billing"], {}, "no mutant of the capability billing"),
        (["--mutants", "/nowhere"], {}, "/nowhere has no mutants"),
        (["--jobs", "0"], {}, "--jobs"),
        ([], {"L3_IMAGE_PLATFORM": "registry.example/platform:1"}, "L3_IMAGE_PLATFORM"),
    ],
)
def test_what_cannot_be_meant_ends_with_2_and_starts_nothing(
    words: list[str], environ: Mapping[str, str], told: str, folder: Path, tmp_path: Path
) -> None:
    ended = prove(tmp_path, *(word.format(folder=folder) for word in words), **environ)
    assert ended.code == 2, ended.output
    assert told in ended.output
    assert list(tmp_path.iterdir()) == []


def test_a_mutant_that_does_not_apply_ends_with_2_and_starts_nothing(tmp_path: Path) -> None:
    mutants, reports = tmp_path / "mutants", tmp_path / "reports"
    mutants.mkdir()
    (mutants / f"{CAPABILITY}.toml").write_text(MUTANTS.replace("int(positive(", "float(positive("))
    ended = prove(reports, "--mutants", str(mutants))
    assert ended.code == 2, ended.output
    assert "mutant 'does-not-start': its text is not in support/reference/settings.py" in ended.output
    assert 'port=int(positive(environ, "PORT", 8000))' in ended.output
    assert not reports.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_proof_leaves_nothing(
    number: signal.Signals, folder: Path, tmp_path: Path, client: docker.DockerClient
) -> None:
    process = begin(tmp_path, "--mutants", str(folder))
    try:
        assert poll(lambda: (tmp_path / "latest-proof").exists() and len(left(client, tmp_path)) >= 4, 30)
        os.kill(process.pid, number)
        ended = end(process, tmp_path)
    finally:
        process.kill()
    assert ended.code == (3 if number != signal.SIGKILL else -number), ended.output
    assert poll(lambda: not left(client, tmp_path), 15) or not left(client, tmp_path)
