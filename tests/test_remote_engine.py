"""A run against an engine of another machine: judged as on this one, and nothing is left, here or there."""

import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import docker
import pytest
import second_engine
from behave_runs import Run, start
from second_engine import SecondEngine
from test_guard import guards

from support.cli import doctor
from support.containers.fleet import fetch_images
from support.polling import poll

ROOT = Path(__file__).resolve().parents[1]
FEATURE = ROOT / "features/tier2_security_and_sessions/rate_limiting_redis.feature"
LASTS = "A customer who keeps calling never gets more than the limit, and is never refused too early"
KINDS = ("redis", "toxiproxy", "upstream", "platform")
# In the place of ssh: what it is to run on the other machine asks for the engine that a user of that machine has.
SSH = """#!/bin/sh
while [ "$1" != -- ]; do shift; done
[ "$2" = {name} ] || {{ echo "there is no $2" >&2; exit 255; }}
shift 2
DOCKER_HOST=unix://{socket} exec "$@"
"""
LACK = second_engine.lack()

pytestmark = [
    pytest.mark.long,
    pytest.mark.xdist_group("far"),
    pytest.mark.skipif(LACK is not None, reason=str(LACK)),
]


@pytest.fixture(scope="module")
def far(client: docker.DockerClient) -> Iterator[SecondEngine]:
    """An engine that is as far as another machine's, with the images of one feature."""
    images = fetch_images(KINDS, client, print)
    with second_engine.second_engine() as engine:
        second_engine.hand_over({image.reference for image in images.values()}, client, engine.client())
        yield engine


@pytest.fixture
def over_tls(far: SecondEngine) -> dict[str, str]:
    """What names it by its address and certificates; another authority, for other programs, is nobody's concern."""
    return {**far.environ, "REQUESTS_CA_BUNDLE": f"{far.environ['DOCKER_CERT_PATH']}/cert.pem"}


@pytest.fixture
def over_ssh(far: SecondEngine, tmp_path: Path) -> dict[str, str]:
    """What names it by ssh."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ssh").write_text(SSH.format(name=second_engine.NAME, socket=far.socket))
    (tmp_path / "bin" / "ssh").chmod(0o755)
    path = f"{tmp_path}/bin:{os.environ['PATH']}"
    return {"DOCKER_HOST": f"ssh://ada@{second_engine.NAME}", "DOCKER_TLS_VERIFY": "", "PATH": path}


class Begun:
    """A run of one scenario in a process of its own, whose files are all below `folder`."""

    def __init__(self, folder: Path, title: str, environ: Mapping[str, str]) -> None:
        lines = FEATURE.read_text(encoding="utf-8").splitlines()
        place = next(number for number, line in enumerate(lines, 1) if line.strip() == f"Scenario: {title}")
        self.reports, self.files = folder / "reports", folder / "files"
        self.files.mkdir(parents=True)
        words = ["--format=plain", f"{FEATURE}:{place}"]
        own = {"L3_NO_BOOTSTRAP": "1", "TMPDIR": str(self.files), **environ}
        self.process = start(ROOT, self.reports, words, environ=own)
        self.said = ""

    def await_step(self) -> None:
        """Returns when the first step is over."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.said += line
            if "Given ada" in line:
                return
        pytest.fail(self.said)

    def ended(self) -> Run:
        """How it ended."""
        said, _ = self.process.communicate(timeout=60)
        return Run(self.process.returncode, self.said + said, self.reports)


def expect_nothing_left(far: SecondEngine, begun: Begun) -> None:
    """Nothing there, and of the run's processes and files nothing here but its reports; a guard may need a moment."""
    run = (begun.reports / "latest").resolve().name
    there = far.client()
    gone = poll(lambda: not (guards(run) or _left(there) or processes_of(far)), 20, every_s=0.1)
    assert gone, (guards(run), _left(there), processes_of(far))
    assert not list(begun.files.iterdir())


def _left(there: docker.DockerClient) -> list[object]:
    own = [network for network in there.networks.list() if network.name not in ("bridge", "host", "none")]
    return [*there.containers.list(all=True), *own, *there.volumes.list()]


def processes_of(far: SecondEngine) -> list[str]:
    """The processes that were started to reach it by ssh."""
    wanted = f"DOCKER_HOST=unix://{far.socket}".encode()
    return [path.parent.name for path in Path("/proc").glob("[0-9]*/environ") if wanted in _read(path)]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended since it was listed
        return b""


def test_scenarios_are_judged_as_on_this_machine_also_side_by_side(
    far: SecondEngine, tmp_path: Path, over_tls: dict[str, str], over_ssh: dict[str, str]
) -> None:
    both = [Begun(tmp_path / way, LASTS, environ) for way, environ in (("tls", over_tls), ("ssh", over_ssh))]
    for run in [begun.ended() for begun in both]:
        assert (run.code, list(run.verdicts.values())) == (0, ["passed"]), run.output
        containers = (run.folder / "containers.jsonl").read_text(encoding="utf-8").splitlines()
        assert len(containers) == 5 and not any('"peak_memory": null' in line for line in containers)
    for begun in both:
        expect_nothing_left(far, begun)


def test_what_is_cut_off_is_unknown_and_not_held_against_the_platform(
    far: SecondEngine, tmp_path: Path, over_tls: dict[str, str]
) -> None:
    begun = Begun(tmp_path, LASTS, over_tls)
    begun.await_step()
    (relay,) = [one for one in far.client().containers.list() if str(one.name).endswith("-relay")]
    relay.kill()
    run = begun.ended()
    assert list(run.verdicts.values()) == ["unknown"], run.output
    assert "the suite was cut off: the relay to tcp://" in str(run.rows)
    expect_nothing_left(far, begun)


@pytest.mark.parametrize(("number", "way"), [(signal.SIGINT, "over_ssh"), (signal.SIGKILL, "over_tls")])
def test_a_run_that_is_ended_leaves_nothing(
    number: signal.Signals, way: str, far: SecondEngine, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    begun = Begun(tmp_path, LASTS, request.getfixturevalue(way))
    begun.await_step()
    os.killpg(begun.process.pid, number)
    run = begun.ended()
    expect_nothing_left(far, begun)
    assert list(run.verdicts.values()) == ["unknown"], run.output


def test_the_doctor_says_whose_engine_it_is_and_what_is_not_seen_from_here(
    far: SecondEngine, over_tls: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in over_tls.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(doctor, "_WITHIN_S", 30.0)
    found = {one.what: one for one in doctor._engine()}
    assert found["engine"].seen.endswith(far.environ["DOCKER_HOST"]) and not found["engine"].mend
    assert second_engine.NAME in found["engine's machine"].seen
    assert not found["clocks"].mend and "space for images" not in found


def test_an_ssh_that_does_not_connect_is_told_in_its_own_words(
    over_ssh: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", over_ssh["PATH"])
    monkeypatch.setenv("DOCKER_HOST", "ssh://elsewhere")
    (finding,) = doctor._engine()
    assert "there is no elsewhere" in finding.seen and "let ssh reach docker there" in str(finding.mend)


def test_certificates_that_are_not_the_engines_are_told(
    far: SecondEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(far.environ["DOCKER_CERT_PATH"], tmp_path / "own")
    for name, value in {**far.environ, "DOCKER_CERT_PATH": str(tmp_path / "own")}.items():
        monkeypatch.setenv(name, value)
    shutil.copy(tmp_path / "own" / "cert.pem", tmp_path / "own" / "ca.pem")
    (finding,) = doctor._engine()
    assert "certificate verify failed" in finding.seen and finding.mend
