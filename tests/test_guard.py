"""Nothing is left by a run that was killed: its guard cleans, and the next start sweeps what no guard could."""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import docker
import pytest

from support import footing
from support.cli import clean as cli_clean
from support.cli import doctor
from support.containers import admission, labels, sweep
from support.errors import FleetError, SuiteError
from support.images.resolution import Image
from support.polling import poll
from support.run import guard

ROOT = Path(__file__).resolve().parents[1]
# A run reduced to its containers: a guard, a fleet, and then it hangs until it is killed.
RUN = """
import sys, time
from pathlib import Path
from support.containers.engine import connect
from support.containers.fleet import Fleet, Order
from support.containers.layout import Layout
from support.run.guard import Guard
from support.images.resolution import resolve_all
run, folder = sys.argv[1:]
guard = Guard(run, Path(folder))
images = resolve_all(["redis", "toxiproxy"], connect(), print)
fleet = Fleet(connect(), Order(run, "small", ("redis", "toxiproxy"), images, Layout(), {}, 8 << 30), print)
print("starting", flush=True)
fleet.start()
print("started", flush=True)
time.sleep(60)
"""


def left(client: docker.DockerClient, run: str) -> list[str]:
    label = f"{labels.RUN}={run}"
    listed = sweep.containers(client, label) + list(client.api.networks(filters={"label": label}))
    return [sweep.name_of(thing) for thing in listed]


@pytest.fixture
def running(run: str, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    plan = {"run": run, "scenarios": []}
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    command = [sys.executable, "-c", RUN, run, str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.mark.parametrize("command", [["false"], ["sleep", "60"], ["echo", "something else"]])
def test_a_guard_that_is_not_seen_to_be_alive_ends_the_run(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(footing, "helper", lambda *words: command)
    monkeypatch.setattr(guard, "_ALIVE_WITHIN_S", 0.5)
    with pytest.raises(SuiteError, match="the guard, which cleans when a run is killed, did not start"):
        guard.Guard("a-run", tmp_path)


def await_line(process: "subprocess.Popen[str]", wanted: str) -> None:
    assert process.stdout
    assert any(line.strip() == wanted for line in process.stdout), f"the run ended before it said {wanted!r}"


@pytest.mark.parametrize("delay_s", [0.0, 0.1, 0.2, 0.3, 0.4, 0.6])
def test_a_run_killed_while_its_fleet_starts_leaves_nothing(
    running: "subprocess.Popen[str]", client: docker.DockerClient, run: str, delay_s: float
) -> None:
    await_line(running, "starting")
    time.sleep(delay_s)  # not a wait for anything: the moment of death is what is varied
    os.killpg(running.pid, signal.SIGKILL)
    assert_gone(client, run)


def test_a_run_killed_with_a_fleet_leaves_nothing(
    running: "subprocess.Popen[str]", client: docker.DockerClient, run: str
) -> None:
    await_line(running, "started")
    assert len(left(client, run)) == 3
    os.killpg(running.pid, signal.SIGKILL)
    assert_gone(client, run)


def assert_gone(client: docker.DockerClient, run: str) -> None:
    """Within 10 s everything of the run is gone and so is its guard, after which nothing can appear any more."""
    end = time.monotonic() + 10
    assert poll(lambda: not left(client, run) and not guards(run), 10, every_s=0.1), (
        left(client, run),
        guards(run),
    )
    assert time.monotonic() < end + 1 and left(client, run) == []


def guards(run: str) -> list[str]:
    """The command lines of the live guards of `run`."""
    lines = map(_read, Path("/proc").glob("[0-9]*/cmdline"))
    return [line.decode() for line in lines if b"support.run.guard" in line and run.encode() in line]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended since it was listed
        return b""


@pytest.mark.alone
def test_a_live_run_is_not_swept_and_a_dead_one_is(client: docker.DockerClient, run: str) -> None:
    mine = labels.owned_by_this_process(run)
    for name, owner in {
        "live": mine,
        "dead": mine | {labels.BOOT: "another"},
        "far": mine | {labels.HOST: "far"},
    }.items():
        client.networks.create(f"{run}-{name}", labels=owner)
    removed = sweep.remove_dead(client)
    assert f"{run}-dead" in removed
    assert sorted(left(client, run)) == [f"{run}-far", f"{run}-live"]


@pytest.fixture
def orphan(client: docker.DockerClient, images: Mapping[str, Image], run: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a container whose owner was in a container of its own, which is gone. Nobody else's are looked at."""
    owner = labels.owned_by_this_process(run) | {labels.HOST: "ci-7f3a", labels.NAMESPACE: "pid:[1]"}
    name = f"{run}-orphan"
    client.api.create_container(images["redis"].reference, name=name, labels=owner | {labels.MEMORY: str(300 << 20)})
    monkeypatch.setattr(labels, "RUN", f"{labels.RUN}={run}")
    return name


def clean(**options: bool) -> int:
    return cli_clean.execute(argparse.Namespace(**{"orphans": False, "yes": False} | options))


def test_what_a_run_left_of_which_nothing_is_known_is_named_and_removed_when_asked_for(
    client: docker.DockerClient, orphan: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "WAIT_S", 0)
    assert clean() == 0
    assert f"{orphan} (0.0 h)" in capfd.readouterr().out
    finding = doctor._leftovers(doctor.Engine())
    assert f"{orphan} (0.0 h)" in finding.seen and finding.mend is None
    assert clean(orphans=True) == 2, "nobody can be asked here"
    assert sweep.containers(client, labels.RUN)
    with (
        pytest.raises(FleetError, match=r"300 MiB of them for runs of which nothing is known: ./l3 clean --orphans"),
        admission.admitted(client, 300 << 20, 400 << 20, print),
    ):
        pass
    assert clean(orphans=True, yes=True) == 0
    assert not sweep.containers(client, labels.RUN)


def test_an_owner_of_another_boot_is_dead_on_this_machine_and_not_known_on_another_of_its_name() -> None:
    mine = labels.owned_by_this_process("any") | {labels.BOOT: "another"}
    assert labels.owner_is_dead(mine)
    assert labels.owner_is_unknown(mine | {labels.HOST: f"{socket.gethostname()} 0123456789abcdef"})


def test_an_owner_whose_pid_went_to_another_process_is_dead() -> None:
    mine = labels.owned_by_this_process("any")
    assert not labels.owner_is_dead(mine)
    assert labels.owner_is_dead(mine | {labels.BORN: "1"})
    ended = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], check=True, stdout=subprocess.PIPE, text=True
    )
    assert labels.owner_is_dead(mine | {labels.PID: ended.stdout.strip()})
