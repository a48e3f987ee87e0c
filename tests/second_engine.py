"""A second engine on this machine, which is as far away as another machine's: it has a network, processes and a name
of its own, and is reached by TLS over the one link there is to it. Its removal is the end of its first process.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker

from support.containers import dial
from support.containers.address import Address
from support.images.engine_stream import request
from support.polling import poll

NAME = "l3-far"
_ANSWERS_WITHIN_S = 30.0
_NEEDED = ("dockerd", "docker", "ip", "unshare", "setpriv", "openssl")
_APART = ("--net", "--uts", "--ipc", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
_WITH_US = ("setpriv", "--pdeathsig", "KILL")  # whoever kills the tests ends it, too
# Run as the first process of its own: the link comes from outside, and what the engine leaves behind ends with it.
_BEGIN = """
until ip link set far up 2>/dev/null; do sleep 0.02; done
ip link set lo up; ip address add "$2/30" dev far; hostname "$1"
mkdir "$3/data" && mount -t tmpfs l3-far "$3/data"
shift 3; "$@" & trap 'kill -TERM $!' TERM; wait $!; wait $!
"""


def lack() -> str | None:
    """Why there can be no second engine here; None where there can."""
    if os.geteuid() != 0:
        return "only root may start a second engine"
    missing = [name for name in _NEEDED if not shutil.which(name)]
    if missing:
        return f"a second engine takes {', '.join(missing)}"
    tried = subprocess.run(["unshare", *_APART, "true"], capture_output=True, text=True, check=False)
    return f"a second engine has to stand apart: {tried.stderr.strip()}" if tried.returncode else None


@dataclass(frozen=True)
class SecondEngine:
    """Where it is: `environ` is what a user sets to name it, `socket` is what a user of its own machine has."""

    environ: dict[str, str]
    socket: Path

    def client(self) -> docker.DockerClient:
        """A client that comes by its socket, and not by the way that is tried."""
        return docker.DockerClient(f"unix://{self.socket}")


@contextmanager
def second_engine() -> Iterator[SecondEngine]:
    """A second engine, with nothing on it; nothing is left of it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="l3-far-", dir="/tmp"))  # a socket's path may not be long (unix(7))
    net = f"198.18.{os.getpid() % 256}"  # of those that are for tests (RFC 2544)
    _certify(folder, f"{net}.2")
    process = _start(folder, f"{net}.2")
    try:
        _connect(process.pid, f"l3far{os.getpid()}", f"{net}.1")
        environ = {"DOCKER_HOST": f"tcp://{net}.2:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": f"{folder}/pki"}
        assert poll(lambda: _answers(environ), _ANSWERS_WITHIN_S), (folder / "log").read_text()[-3000:]
        yield SecondEngine(environ, folder / "docker.sock")
    finally:
        _end(process)
        shutil.rmtree(folder)


def hand_over(references: Iterable[str], source: docker.DockerClient, target: docker.DockerClient) -> None:
    """Copies images from one engine to another, as `docker save` and `docker load` do."""
    answer = request(source, "GET", "/images/get", 60, params={"names": list(references)})
    target.images.load(answer.iter_content(1 << 20))  # type: ignore[arg-type]  # the SDK sends it piece by piece


def _start(folder: Path, host: str) -> "subprocess.Popen[bytes]":
    begin = [*_WITH_US, "unshare", *_APART, "sh", "-c", _BEGIN, "sh", NAME, host, str(folder), *_daemon(folder, host)]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(begin, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


def _daemon(folder: Path, host: str) -> list[str]:
    (folder / "daemon.json").write_text("{}")
    pki, names = folder / "pki", {"cacert": "ca", "cert": "server", "key": "server-key"}
    return [
        "dockerd", f"--config-file={folder}/daemon.json", f"--data-root={folder}/data", f"--exec-root={folder}/run",
        f"--pidfile={folder}/pid", f"--host=unix://{folder}/docker.sock", f"--host=tcp://{host}:2376",
        "--tlsverify", *(f"--tls{what}={pki}/{name}.pem" for what, name in names.items()),
        "--containerd-namespace=l3-far", "--containerd-plugins-namespace=l3-far-plugins",
    ]  # fmt: skip


def _connect(process: int, link: str, address: str) -> None:
    """The one link to it, which goes with it."""
    own = os.readlink("/proc/self/ns/net")
    assert poll(lambda: os.readlink(f"/proc/{process}/ns/net") != own, 10)
    for words in (
        f"ip link add {link} type veth peer name far netns {process}",
        f"ip address add {address}/30 dev {link}",
        f"ip link set {link} up",
    ):
        subprocess.run(words.split(), check=True)


def _certify(folder: Path, host: str) -> None:
    """An authority, and what it says of the engine and of its user, in the folder `pki`."""
    folder = folder / "pki"
    folder.mkdir()
    (folder / "san").write_text(f"subjectAltName=IP:{host}")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    _openssl(folder, "req", "-x509", *key, "-keyout", "ca-key.pem", "-out", "ca.pem", "-days", "2", "-subj", "/CN=l3")
    for name, own_key in (("server", "server-key.pem"), ("cert", "key.pem")):
        _openssl(folder, "req", *key, "-keyout", own_key, "-out", "request", "-subj", f"/CN={name}")
        by = ["-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial", "-extfile", "san"]
        _openssl(folder, "x509", "-req", "-in", "request", *by, "-out", f"{name}.pem", "-days", "2")


def _openssl(folder: Path, *words: str) -> None:
    done = subprocess.run(["openssl", *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _answers(environ: dict[str, str]) -> bool:
    engine = Address(environ["DOCKER_HOST"], "DOCKER_HOST", Path(environ["DOCKER_CERT_PATH"]))
    try:
        dial.connect(engine, 1).close()
    except OSError:
        return False
    return True


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Asks the engine to end; what is left then has no first process any more, and the kernel ends it."""
    first = _child(process.pid)
    if first:
        os.kill(first, signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _child(process: int) -> int | None:
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return int(children[0]) if children else None
