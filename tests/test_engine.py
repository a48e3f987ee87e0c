"""One engine for all that ask, whatever the machine has set for other programs."""

import base64
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.cli import bench
from support.containers import address, clocks
from support.errors import EngineError, SuiteError
from support.images.login import headers_for

ROOT = Path(__file__).resolve().parents[1]
REAL = address.find(os.environ).url
ASK = """
from support import footing
footing.take()
from support.containers.engine import connect
from testcontainers.core.docker_client import DockerClient
print(connect().api.base_url, DockerClient().client.api.base_url)
connect().api._set_auth_headers({})
"""


def ask(home: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Connects in a process whose home is `home`, by the SDK and by testcontainers, and makes ready to build."""
    own = {"HOME": str(home), "PYTHONPATH": str(ROOT)} | environ
    return subprocess.run(
        [sys.executable, "-c", ASK], env=os.environ | own, capture_output=True, text=True, timeout=60, check=False
    )


def context(home: Path, name: str, host: str) -> None:
    """Writes a docker context, as `docker context create` does."""
    folder = home / ".docker" / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}))


@pytest.mark.parametrize(
    "environ",
    [
        {"DOCKER_AUTH_CONFIG": '{"auths": {"registry.invalid": {"auth": "YTpi"}}}'},
        {"DOCKER_AUTH_CONFIG": "no JSON"},
        {"TC_MAX_TRIES": "many", "TESTCONTAINERS_CONNECTION_MODE": "none", "TC_HOST": "nowhere"},
        {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/nowhere", "DOCKER_HOST": REAL},
        {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"},
    ],
    ids=lambda environ: "+".join(environ),
)
def test_settings_for_others_keep_nobody_from_the_engine(tmp_path: Path, environ: dict[str, str]) -> None:
    done = ask(tmp_path, **environ)
    assert done.returncode == 0, done.stderr
    assert len(set(done.stdout.split())) == 1


def test_files_of_the_users_home_keep_nobody_from_the_engine(tmp_path: Path) -> None:
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text('{"credsStore": "nobody", "credHelpers": {"a.example": "none"}}')
    (tmp_path / ".testcontainers.properties").write_text("tc.host=tcp://127.0.0.1:9\n")
    done = ask(tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_context_is_what_both_sdks_ask_and_one_that_does_not_answer_is_never_replaced(tmp_path: Path) -> None:
    context(tmp_path, "here", REAL)
    context(tmp_path, "far", "unix:///nowhere/docker.sock")
    assert ask(tmp_path, DOCKER_HOST="", DOCKER_CONTEXT="here").returncode == 0
    for name, told in (("far", "no container engine answers at unix:///nowhere"), ("lost", "the docker context lost")):
        done = ask(tmp_path, DOCKER_HOST="", DOCKER_CONTEXT=name)
        assert done.returncode == 3
        assert told in done.stderr


def test_a_login_is_the_machines_or_the_environments_and_one_that_cannot_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("DOCKER_AUTH_CONFIG", raising=False)
    assert headers_for("a.example/redis") == ({}, None)
    (tmp_path / "config.json").write_text('{"credsStore": "nobody"}')
    headers, problem = headers_for("a.example/redis")
    assert not headers and "the login for a.example cannot be read" in str(problem)
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", '{"auths": {"a.example": {"auth": "YWRhOnB3"}}}')
    headers, problem = headers_for("a.example/redis")
    assert problem is None
    assert json.loads(base64.urlsafe_b64decode(headers["X-Registry-Auth"]))["username"] == "ada"
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", "no JSON")
    assert headers_for("a.example/redis")[1]


def test_an_engine_over_a_network_is_elsewhere_and_is_asked_without_a_proxy_and_with_its_own_authority(
    tmp_path: Path,
) -> None:
    for name in address.CERTIFICATES:
        (tmp_path / name).touch()
    environ = {"DOCKER_HOST": "tcp://far:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}
    given = {"REQUESTS_CA_BUNDLE": "/of/others", "https_proxy": "http://p", "NO_PROXY": "a.example"}
    settled = environ | given
    assert address.settle(settled) == address.Address("tcp://far:2376", "DOCKER_HOST", tmp_path)
    spared = {"no_proxy": "a.example,far", "NO_PROXY": "a.example,far"}
    assert settled == environ | {"https_proxy": "http://p"} | spared
    assert address.find(settled).elsewhere and not address.find({"DOCKER_HOST": "unix:///any"}).elsewhere
    assert not address.find(environ | {"DOCKER_TLS_VERIFY": ""}).verify


@pytest.mark.parametrize("name", address.CERTIFICATES)
def test_a_certificate_that_cannot_be_read_is_told_with_its_path(tmp_path: Path, name: str) -> None:
    for one in address.CERTIFICATES:
        (tmp_path / one).touch()
    (tmp_path / name).unlink()
    environ = {"DOCKER_HOST": "tcp://far:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}
    with pytest.raises(
        EngineError, match=f"{tmp_path}/{name} cannot be read .No such file.*; let DOCKER_CERT_PATH name"
    ):
        address.find(environ)


def test_without_ssh_an_engine_over_ssh_is_refused_with_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    assert address.find({"DOCKER_HOST": "ssh://ada@far:2222"}).elsewhere
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(EngineError, match="there is no ssh here; install openssh-client"):
        address.find({"DOCKER_HOST": "ssh://ada@far"})


def test_clocks_that_differ_by_more_than_half_a_second_are_told_with_the_mend() -> None:
    assert clocks.agree(0.4) and clocks.agree(-0.4)
    assert not clocks.agree(0.6) and not clocks.agree(-0.6)
    assert clocks.told(-0.6) == "the clock of the engine's machine is 0.6 s behind"


def test_an_engine_elsewhere_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://far:2375")
    with pytest.raises(SuiteError, match=r"tcp://far:2375 is another machine's engine; run ./l3 bench"):
        bench._expect_engine_here()
