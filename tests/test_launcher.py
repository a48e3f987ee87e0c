"""The launcher on machines that lack something: real processes, in copies of the tree."""

import ast
import fcntl
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.cli import bootstrap, engine_start, pip
from support.cli.main import COMMANDS
from support.containers import address
from support.errors import EngineError
from support.polling import poll

ROOT = Path(__file__).resolve().parents[1]
ENGINE = address.find(os.environ).url
NOWHERE = "unix:///nowhere/docker.sock"
# A Python as the launcher finds it on a machine: not in the environment that the tests run in.
PYTHON = os.path.realpath(sys.executable)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of the launcher and its code, whose requirements ask for nothing, so that they install at once."""
    return copy_to(tmp_path / "clone")


def copy_to(copy: Path) -> Path:
    """Copies the launcher and its code to `copy`."""
    shutil.copytree(ROOT / "support", copy / "support", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "l3", copy / "l3")
    (copy / "tests").mkdir()
    (copy / "requirements.txt").write_text("# nothing\n")
    (copy / "tests" / "requirements.txt").write_text("-r ../requirements.txt\n")
    # A command in the place of one that would need the real requirements.
    (copy / "support" / "cli" / "clean.py").write_text(
        "import sys\n\ndef add_arguments(parser): pass\n\ndef execute(options):\n    print(sys.prefix)\n    return 0\n"
    )
    return copy


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One such clone whose environment is made, once: that takes 6 s. Tests of one group change what it asks for."""
    clone = copy_to(tmp_path_factory.mktemp("made") / "clone")
    assert l3(clone, "clean").returncode == 0
    return clone


def l3(root: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Runs the launcher in `root` to its end."""
    return subprocess.run(
        [PYTHON, str(root / "l3"), *words],
        env=_environ(environ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def l3_within(seconds: float, root: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The same, in less than so many seconds: a machine may be slow now and then, a launcher that is slow always is."""
    for _ in range(3):
        began = time.monotonic()
        done = l3(root, *words, **environ)
        if time.monotonic() - began < seconds:
            return done
    pytest.fail(f"./l3 {' '.join(words)} took {seconds} s or more, three times")


def begin(root: Path, *words: str) -> subprocess.Popen[str]:
    """Starts the launcher in `root`, in a session of its own; it says all on one pipe."""
    return subprocess.Popen(
        [PYTHON, str(root / "l3"), *words],
        env=_environ({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _environ(more: Mapping[str, str]) -> dict[str, str]:
    """This process's environment, but for what would forbid the launcher to set anything up."""
    return {name: value for name, value in os.environ.items() if name != bootstrap.OFF} | dict(more)


@pytest.mark.alone
@pytest.mark.parametrize("words", [["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_answers_at_once_and_sets_nothing_up(clone: Path, words: list[str]) -> None:
    shutil.copy(ROOT / "support" / "cli" / "clean.py", clone / "support" / "cli" / "clean.py")
    done = l3_within(2, clone, *words, DOCKER_HOST=NOWHERE)
    assert (done.returncode, done.stderr) == (0, "")
    assert "usage: ./l3" in done.stdout
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["rum"], "no command rum; did you mean run?"),
        (["run", "--tag", "@L3"], "--tag is not understood; did you mean --tags?"),
        (["run", "--jobs", "0"], "--jobs"),
        (["images", "lost"], "lost"),
        (["doctor", "more"], "more is not understood"),
        ([], None),
    ],
)
def test_a_wrong_command_line_ends_with_2_before_anything_is_set_up(
    clone: Path, words: list[str], told: str | None
) -> None:
    done = l3(clone, *words, DOCKER_HOST=NOWHERE)
    assert done.returncode == 2
    assert told is None or (told in done.stderr and "--help" in done.stderr)
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize("version", [(3, 4), (3, 7), (3, 10)])
def test_an_old_python_can_read_the_launcher_and_is_told_what_to_install(version: tuple[int, int]) -> None:
    source = (ROOT / "l3").read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=version)
    check = ast.Module(tree.body[: _position_of_the_check(tree) + 1], type_ignores=[])
    pretended = f"import sys; sys.version_info = {version}\n" + ast.unparse(check)
    done = subprocess.run([PYTHON, "-c", pretended], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert f"needs Python 3.11 or newer, and {PYTHON} is Python {version[0]}.{version[1]}" in done.stderr


def _position_of_the_check(tree: ast.Module) -> int:
    """Where the version is looked at; nothing of the suite may be imported before that."""
    position = next(number for number, statement in enumerate(tree.body) if isinstance(statement, ast.If))
    assert not any(isinstance(statement, ast.ImportFrom) for statement in tree.body[:position])
    return position


def test_without_bootstrap_what_is_missing_is_told_and_nothing_is_made(clone: Path) -> None:
    done = l3(clone, "clean", "--no-bootstrap", DOCKER_HOST=NOWHERE)
    assert done.returncode == 3
    assert f"the virtual environment {clone}/.venv is missing" in done.stderr
    assert f"no container engine answers at {NOWHERE} (no such file or directory)" in done.stderr
    assert "changing DOCKER_HOST" in done.stderr
    assert not (clone / ".venv").exists()


@pytest.mark.xdist_group("made")
def test_an_engine_that_the_user_named_is_never_replaced_by_another(made: Path) -> None:
    done = l3(made, "clean", DOCKER_HOST=NOWHERE)
    assert done.returncode == 3
    assert "start that engine, or take another by changing DOCKER_HOST" in done.stderr
    assert "installing docker" not in done.stderr


@pytest.mark.xdist_group("made")
def test_pip_installs_where_we_say_whatever_the_machine_has_set(made: Path, tmp_path: Path) -> None:
    conf = tmp_path / "pip.conf"
    conf.write_text(f"[install]\ntarget = {tmp_path / 'elsewhere'}\nuser = true\n")
    settings = {"PIP_TARGET": str(tmp_path / "elsewhere"), "PIP_DRY_RUN": "1", "PIP_CONFIG_FILE": str(conf)}
    for version, (name, value) in zip(["1.15.0", "1.16.0", "1.17.0"], settings.items(), strict=True):
        (made / "requirements.txt").write_text(f"six=={version}\n")
        done = l3(made, "clean", **{name: value})
        assert done.returncode == 0, done.stderr
        assert list(made.glob(f".venv/lib/python3*/site-packages/six-{version}.dist-info"))
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.xdist_group("made")
def test_what_is_not_seen_to_be_installed_is_not_stamped(made: Path) -> None:
    module = made / "support" / "cli" / "pip.py"
    text = module.read_text(encoding="utf-8")
    module.write_text(text.replace('"install", *', '"install", "--dry-run", *'))
    (made / "requirements.txt").write_text("idna==3.10\n")
    done = l3(made, "clean")
    module.write_text(text)
    assert done.returncode == 3
    assert "lacks idna==3.10 (there is nothing)" in done.stderr
    assert "missing  requirements" in l3(made, "doctor").stdout


def test_pip_is_told_by_the_machine_where_packages_come_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = http://a.example\n[install]\ntarget = /elsewhere\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_TRUSTED_HOST", "b.example")
    monkeypatch.setenv("PIP_PREFIX", "/elsewhere")
    told = {name: value for name, value in pip.environ(Path(sys.executable)).items() if name.startswith("PIP_")}
    assert told["PIP_INDEX_URL"] == "http://a.example" and told["PIP_TRUSTED_HOST"] == "b.example"
    assert not {"PIP_TARGET", "PIP_PREFIX"} & set(told)


@pytest.mark.long
def test_two_at_once_set_up_one_environment_and_the_second_says_that_it_waits(clone: Path) -> None:
    processes = [begin(clone, "clean"), begin(clone, "clean")]
    told = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], told
    assert sum("making the virtual environment: done" in text for text in told) == 1
    assert sum("another process is setting up the virtual environment" in text for text in told) == 1
    assert all(f"{clone}/.venv" in text for text in told)
    _nothing_is_done_twice(clone)
    _a_change_of_the_requirements_is_installed(clone)
    _a_clone_that_was_moved_gets_an_environment_of_its_own(clone)


def _nothing_is_done_twice(clone: Path) -> None:
    assert l3(clone, "clean").stderr == ""


def _a_change_of_the_requirements_is_installed(clone: Path) -> None:
    (clone / "requirements.txt").write_text("# still nothing\n")
    told = l3(clone, "clean").stderr
    assert "installing what requirements.txt asks for: done" in told
    assert "making the virtual environment" not in told


def _a_clone_that_was_moved_gets_an_environment_of_its_own(clone: Path) -> None:
    clone.rename(clone.with_name("moved"))
    assert "making the virtual environment: done" in l3(clone.with_name("moved"), "clean").stderr


@pytest.mark.long
def test_an_environment_whose_making_was_killed_is_made_anew(clone: Path) -> None:
    process = begin(clone, "clean")
    assert poll(lambda: (clone / ".venv" / "bin" / "python").exists(), 20)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=10)
    assert "missing or incomplete" in l3(clone, "clean", "--no-bootstrap").stderr
    done = l3(clone, "clean")
    assert (done.returncode, done.stdout.strip()) == (0, str(clone / ".venv"))


def test_ctrl_c_ends_a_launcher_that_waits_for_another_one(clone: Path) -> None:
    handle = os.open(clone, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    process = begin(clone, "clean")
    assert process.stdout and "waiting for it" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=5)
    assert (process.returncode, told) == (3, "./l3 clean: interrupted\n")
    os.close(handle)


@pytest.mark.xdist_group("made")
def test_requirements_that_cannot_be_installed_are_told_with_the_words_of_pip(made: Path) -> None:
    (made / "requirements.txt").write_text("./no-such-package\n")
    done = l3(made, "clean")
    assert done.returncode == 3
    assert "pip, for requirements.txt, ended with 1" in done.stderr and "no-such-package" in done.stderr
    (made / "requirements.txt").write_text("# nothing\n")
    assert l3(made, "clean").returncode == 0


@pytest.mark.alone
@pytest.mark.parametrize("host", [ENGINE, NOWHERE, "tcp://127.0.0.1:1"])
def test_the_doctor_answers_within_2_s_and_names_the_mend_of_what_is_missing(clone: Path, host: str) -> None:
    done = l3_within(2, clone, "doctor", DOCKER_HOST=host)
    assert done.returncode == 1
    assert "missing  requirements" in done.stdout and "mend: ./l3 run does it" in done.stdout
    if host == ENGINE:
        assert "ok       engine" in done.stdout and "image redis" in done.stdout
    else:
        assert f"missing  engine               does not answer at {host}" in done.stdout
    assert not (clone / ".venv").exists()


@pytest.mark.alone
def test_the_doctor_gives_up_on_an_engine_that_says_nothing(clone: Path, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "mute"))
        listener.listen()
        done = l3_within(2, clone, "doctor", DOCKER_HOST=f"unix://{tmp_path}/mute")
    assert "timed out" in done.stdout


def test_the_engine_is_the_one_that_dockers_own_client_would_take(tmp_path: Path) -> None:
    folder = tmp_path / "contexts" / "meta" / hashlib.sha256(b"far").hexdigest()
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(json.dumps({"Endpoints": {"docker": {"Host": "tcp://far:2375"}}}))
    config = {"DOCKER_CONFIG": str(tmp_path)}
    assert address.find(config).url == address.DEFAULT
    (tmp_path / "config.json").write_text('{"currentContext": "far"}')
    assert address.find(config) == address.Address("tcp://far:2375", "the docker context far")
    assert address.find(config | {"DOCKER_CONTEXT": "default"}).url == address.DEFAULT
    assert address.find(config | {"DOCKER_HOST": NOWHERE}).named_by == "DOCKER_HOST"
    (tmp_path / "config.json").unlink()
    environ = config | {"DOCKER_CONTEXT": "far", "DOCKER_TLS_VERIFY": "1"}
    assert address.settle(environ).url == "tcp://far:2375"
    assert environ == config | {"DOCKER_HOST": "tcp://far:2375", "DOCKER_TLS_VERIFY": "1"}


def test_a_name_that_leads_to_no_engine_is_refused_with_that_name(clone: Path, tmp_path: Path) -> None:
    config = {"DOCKER_CONFIG": str(tmp_path)}
    with pytest.raises(EngineError, match="DOCKER_CONTEXT names the docker context nobody, and there is none"):
        address.find(config | {"DOCKER_CONTEXT": "nobody"})
    for wrong in ("far:2375", "tcp://", "tcp://far:port", "tcp://far:0", "ssh://", "ssh://far/var/run", "unix://"):
        with pytest.raises(EngineError, match=f"DOCKER_HOST names {wrong}, which is no engine's address"):
            address.find(config | {"DOCKER_HOST": wrong})
    (tmp_path / "config.json").write_text('{"currentContext": "lost"}')
    for command in ("clean", "doctor"):
        done = l3(clone, command, DOCKER_HOST="", **config)  # which others of these tests may have settled
        assert done.returncode in (1, 3) and not done.stderr.startswith("Traceback")
        assert f"{tmp_path}/config.json names the docker context lost" in done.stdout + done.stderr


def test_the_pid_file_of_a_dead_daemon_is_forgotten_and_that_of_a_live_one_is_not(tmp_path: Path) -> None:
    file = tmp_path / "docker.pid"
    file.write_text(str(os.getpid()))
    engine_start.forget_dead_daemon("dockerd", file)
    assert not file.exists(), "this process is no daemon"
    daemon = tmp_path / "dockerd"
    daemon.symlink_to("/bin/sleep")
    with subprocess.Popen([daemon, "30"]) as process:
        file.write_text(str(process.pid))
        assert poll(lambda: b"dockerd" in Path(f"/proc/{process.pid}/comm").read_bytes(), 5)
        engine_start.forget_dead_daemon("dockerd", file)
        assert file.exists(), "it runs"
        process.kill()
        assert poll(lambda: ") Z " in Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8"), 5)
        engine_start.forget_dead_daemon("dockerd", file)
        assert not file.exists(), "it is a zombie"
