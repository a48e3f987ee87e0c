"""An engine on a machine that has none: installed and started where that can be done."""

import os
import shutil
import subprocess
import time
from pathlib import Path

from support.cli import apt
from support.cli.engine_http import ping
from support.containers.address import Address
from support.errors import EngineError
from support.polling import poll
from support.progress import Step, say
from support.turn import turn

_LOG = Path("/var/log/l3-dockerd.log")
_PID_FILES = {
    "dockerd": Path("/var/run/docker.pid"),
    "containerd": Path("/var/run/docker/containerd/containerd.pid"),
}
_STARTS_WITHIN_S = 60.0
_OTHER_WITHIN_S = 5.0
_LAST_LINES = 20
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"  # a daemon's folders are not on every user's path


def trouble(address: Address) -> str | None:
    """Why the engine does not answer, in the system's words; None when it does."""
    try:
        ping(address)
    except OSError as error:
        return f"no container engine answers at {address.url} ({words(error)})"
    return None


def mend(address: Address) -> str:
    """What a person would do about an engine that does not answer."""
    if address.over_ssh:
        return f"let ssh reach docker there and ask nothing, or take another engine by changing {address.named_by}"
    if address.named_by:
        return f"start that engine, or take another by changing {address.named_by}"
    if not _daemon():
        by_hand = "install Docker Engine: https://docs.docker.com/engine/install/"
        return f"{by_hand}, or run ./l3 as root, which installs it on Debian and Ubuntu"
    if _is_forbidden(address):
        return f"add this user to the group docker (sudo usermod -aG docker {_user()}) and log in again"
    return "start it: sudo systemctl start docker, or run ./l3 as root"


def start(address: Address) -> None:
    """Lets an engine answer at `address`: installs and starts it if need be. Raises EngineError.

    Whoever named another engine than the default wants that one, so nothing is installed or started for them.
    """
    told = trouble(address)
    if told is None:
        return
    if address.named_by or os.geteuid() != 0 or not (_daemon() or apt.usable()):
        raise EngineError(f"{told}; {mend(address)}")
    with turn(Path("/run"), "the engine", say):
        if trouble(address):
            if not _daemon():
                apt.install(["docker.io", "iptables", "ca-certificates"])
            with Step("starting the engine"):
                _start_daemon(address)


def _start_daemon(address: Address) -> None:
    """Starts it, and returns when it answers. Raises EngineError with what the daemon said last."""
    began = time.monotonic()
    if Path("/run/systemd/system").is_dir():
        said = _command("systemctl", "start", "docker") or "journalctl -u docker says why"
        running = poll(lambda: trouble(address) is None, _STARTS_WITHIN_S, every_s=0.1)
    else:
        # A daemon that was just killed leaves a containerd that is still ending, and the next daemon waits for that
        # one in vain; a second start finds it gone.
        if not _try_to_start(address):
            _try_to_start(address)
        # The package may have started one itself; ours has then given way to it.
        running = poll(lambda: trouble(address) is None, _OTHER_WITHIN_S, every_s=0.1)
        said = f"{_LOG} ends with:\n{_last_lines()}"
    if not running:
        raise EngineError(f"{trouble(address)} {time.monotonic() - began:.0f} s after it was started; {said}")


def _try_to_start(address: Address) -> bool:
    """Starts the daemon; whether it answers. Returns as soon as it does, or has ended."""
    for name, pid_file in _PID_FILES.items():
        forget_dead_daemon(name, pid_file)
    daemon = _detached()
    poll(lambda: trouble(address) is None or daemon.poll() is not None, _STARTS_WITHIN_S, every_s=0.1)
    return trouble(address) is None


def forget_dead_daemon(name: str, pid_file: Path) -> None:
    """Removes the pid file of a daemon that was killed, when its number has gone to another process or to a zombie.

    dockerd would take that process for the daemon `name`, and not start. A file of a daemon that runs is left.
    """
    try:
        pid = int(pid_file.read_text(encoding="utf-8"))
        found, _, fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")
    except (OSError, ValueError):
        return  # no file, or no such process: dockerd sees that by itself
    if not found.endswith(f"({name}") or fields.split()[0] in "ZX":
        pid_file.unlink(missing_ok=True)


def _command(*words: str) -> str:
    """Runs a command; returns what it said, which is nothing where all is well."""
    done = subprocess.run(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace", check=False
    )
    return done.stdout.strip()


def _detached() -> subprocess.Popen[bytes]:
    """The daemon in a session of its own: it stays when the launcher ends, and Ctrl-C does not reach it."""
    with _LOG.open("wb") as log:
        return subprocess.Popen(
            [_daemon() or "dockerd"],
            env={**os.environ, "PATH": _PATH},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _last_lines() -> str:
    return "\n".join(_LOG.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:])


def _daemon() -> str | None:
    return shutil.which("dockerd", path=_PATH)


def _is_forbidden(address: Address) -> bool:
    try:
        ping(address)
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def words(error: Exception) -> str:
    """Why something did not answer, in the system's words and without its numbers."""
    return (getattr(error, "strerror", None) or str(error)).lower()


def _user() -> str:
    return os.environ.get("USER") or str(os.getuid())
