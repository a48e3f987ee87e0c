"""How an image comes to the engine, tried on a real engine and a real registry on loopback."""

import argparse
import os
import platform
import re
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest
import requests
from docker.errors import APIError, ImageNotFound
from docker.models.containers import Container

from support.cli import contract
from support.cli import images as command
from support.cli.reliance import RELIED
from support.containers import labels, sweep
from support.containers.engine import connect
from support.containers.service import Service
from support.errors import ImageError
from support.images import archive, build, debian, manifest, registry, resolution
from support.images.manifest import Entry
from support.images.resolution import obtain, resolve, resolve_all
from support.polling import poll

ROOT = Path(__file__).resolve().parent.parent
NOWHERE = "127.0.0.1:1/nobody/listens:1.0"
SECRET = "hunter2"
TWO_STAGES = """ARG BASE
FROM ${BASE} AS build
LABEL l3.image=SERVICE
ARG PIP_INDEX_URL
COPY ca.crt /
RUN test -s /ca.crt && echo "from $PIP_INDEX_URL" && echo made > /made
FROM ${BASE}
LABEL l3.image=SERVICE
COPY --from=build /made /made
"""
FAILING = """ARG BASE
FROM ${BASE}
LABEL l3.image=SERVICE
ARG PIP_INDEX_URL
RUN echo "from $PIP_INDEX_URL" && echo the compiler is missing && exit 7
"""
# As the official image's: a folder for data is named before the words that it is given.
NAMES_A_FOLDER = """ARG BASE
FROM ${BASE}
LABEL l3.image=SERVICE
VOLUME /consul/data
ENTRYPOINT ["sh", "-c", "shift; exec consul agent -data-dir=/consul/data $*", "consul"]
"""
HEARS_NOTHING = """ARG BASE
FROM ${BASE}
LABEL l3.image=SERVICE
ENTRYPOINT ["sh", "-c", "exec redis-server --save '' --protected-mode no"]
"""
SAYS_NOTHING = 'ARG BASE\nFROM ${BASE}\nLABEL l3.image=SERVICE\nENTRYPOINT ["sleep", "60"]\n'
SLOW = TWO_STAGES.replace("RUN test", "RUN sleep 2 && test")
EMPTY = "ARG BASE\nFROM scratch\nLABEL l3.image=SERVICE\nCOPY ca.crt /content\n"

Make = Callable[..., Entry]

# They make and remove images that several of them use.
pytestmark = pytest.mark.xdist_group("images")


@pytest.fixture(scope="module")
def client() -> docker.DockerClient:
    return connect()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def make(client: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes entries of a service that nobody else has; what was built of them goes with the test."""
    services = []
    # The locks too, which are kept in the folder for temporary files.
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)

    def entry(dockerfile: str = EMPTY, official: str | None = None) -> Entry:
        service = f"tiny-{uuid.uuid4().hex[:8]}"
        services.append(service)
        folder = tmp_path / service
        folder.mkdir()
        (folder / "Dockerfile").write_text(dockerfile.replace("SERVICE", service))
        return Entry(service, official, folder, base=manifest.load()["debian"])

    yield entry
    for service in services:
        for image in client.images.list(filters={"label": f"l3.image={service}"}):
            client.images.remove(str(image.id), force=True)


@pytest.fixture(scope="module")
def loopback(client: docker.DockerClient) -> Iterator[str]:
    """The address of a registry on 127.0.0.1."""
    folder = ROOT / "tests/images/registry"
    image = obtain(Entry("registry", None, folder, base=manifest.load()["debian"]), client, print)
    with serving(client, image.reference, 5000, []) as (address, container):
        assert poll(lambda: answers(f"http://{address}/v2/"), within_s=10), container.logs()
        yield address
    with suppress(APIError):  # another process's tests may still use it, and remove it then
        client.images.remove(image.reference)


@contextmanager
def serving(
    client: docker.DockerClient, reference: str, port: int, words: list[str]
) -> Iterator[tuple[str, Container]]:
    """A container that runs for as long as the block, and the loopback address of its port."""
    container = client.containers.run(
        reference,
        words,
        detach=True,
        ports={f"{port}/tcp": ("127.0.0.1", 0)},
        mem_limit="256m",
        pids_limit=64,
    )
    try:
        container.reload()
        published = (container.ports[f"{port}/tcp"] or [])[0]
        yield f"127.0.0.1:{published['HostPort']}", container
    finally:
        container.remove(force=True, v=True)


def answers(url: str) -> bool:
    with suppress(requests.RequestException):
        return requests.get(url, timeout=1).ok
    return False


def push(client: docker.DockerClient, reference: str, repository: str, tag: str) -> str:
    """Puts the image into the registry, takes the name away again, and returns the digest there."""
    assert client.images.get(reference).tag(repository, tag)
    events = list(client.images.push(repository, tag, stream=True, decode=True))
    client.images.remove(f"{repository}:{tag}")
    return next(str(event["aux"]["Digest"]) for event in events if "aux" in event)


def present(client: docker.DockerClient, reference: str) -> bool:
    try:
        client.images.get(reference)
    except ImageNotFound:
        return False
    return True


# The manifest


def test_official_images_have_exact_tags() -> None:
    officials = [entry.official for entry in manifest.load().values() if entry.official]
    assert officials and all(re.search(r":v?\d+\.\d+(\.\d+)*(-\w+)?$", official) for official in officials)


def test_every_stage_is_built_on_the_base_and_labelled() -> None:
    for entry in manifest.load().values():
        if entry.base:
            text = (entry.folder / "Dockerfile").read_text(encoding="utf-8")
            stages = re.findall(r"^FROM (\S+).*\n(.*)$", text, re.MULTILINE)
            assert stages and {origin for origin, _ in stages} <= {"${BASE}", "scratch"}
            assert {label for _, label in stages} == {f"LABEL l3.image={entry.service}"}


def test_another_content_or_base_is_another_tag(make: Make) -> None:
    entry = make()
    before = entry.stand_in
    (entry.folder / "__pycache__").mkdir()
    (entry.folder / "__pycache__/x.pyc").write_text("left behind by an interpreter")
    assert entry.stand_in == before
    (entry.folder / "source").write_text("1")
    after = entry.stand_in
    assert after != before and after.startswith(f"l3/{entry.service}:")
    assert replace(entry, base=replace(manifest.load()["debian"], suite="forky")).stand_in != after


def test_what_is_only_built_on_is_no_service() -> None:
    assert set(manifest.load()) - set(manifest.services()) == {
        "debian",
        "debian-bookworm",
        "debian-bullseye",
        "platform-runtime",
        "providers-runtime",
    }


# The order


def test_the_official_image_comes_before_the_stand_in(client: docker.DockerClient, make: Make, said: list[str]) -> None:
    entry = make()
    assert obtain(entry, client, said.append).source == "built"
    named = replace(entry, official="127.0.0.1:1/tiny:1.0")
    assert obtain(named, client, said.append).reference == entry.stand_in
    client.images.get(entry.stand_in).tag("127.0.0.1:1/tiny", "1.0")
    image = obtain(named, client, said.append)
    assert (image.reference, image.source) == ("127.0.0.1:1/tiny:1.0", "local")


def test_an_override_is_taken_when_it_is_local(
    client: docker.DockerClient, make: Make, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry, other = make(), make()
    reference = obtain(other, client, said.append).reference
    monkeypatch.setenv(entry.variable, reference)
    image = obtain(entry, client, said.append)
    assert (image.service, image.reference, image.source) == (entry.service, reference, "local")


def test_an_override_is_never_replaced(
    client: docker.DockerClient, make: Make, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = make()
    obtain(entry, client, said.append)
    monkeypatch.setenv(entry.variable, NOWHERE)
    with pytest.raises(ImageError, match=f"{entry.variable} demands {NOWHERE}"):
        obtain(entry, client, said.append)


def test_an_override_names_its_tag(
    client: docker.DockerClient, make: Make, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = make()
    monkeypatch.setenv(entry.variable, "127.0.0.1:1/no-tag")
    with pytest.raises(ImageError, match="names no exact tag"):
        obtain(entry, client, said.append)


def test_the_error_names_all_four_ways(client: docker.DockerClient, make: Make, said: list[str]) -> None:
    entry = make(FAILING, official=NOWHERE)
    with pytest.raises(ImageError) as caught:
        obtain(entry, client, said.append)
    message = str(caught.value)
    assert f"override: {entry.variable} is not set" in message
    assert f"local: the engine has not {NOWHERE} nor {entry.stand_in}" in message
    assert re.search(f"pull: {NOWHERE} could not be pulled: .*connection refused", message)
    assert f"build: the build of {entry.stand_in} failed" in message and "the compiler is missing" in message
    assert "mend: " in message


def test_without_bootstrap_nothing_is_fetched(
    client: docker.DockerClient, make: Make, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = make(official=NOWHERE)
    monkeypatch.setenv("L3_NO_BOOTSTRAP", "1")
    with pytest.raises(ImageError, match="--no-bootstrap"):
        obtain(entry, client, said.append)
    assert not present(client, entry.stand_in)


def test_an_image_that_is_waited_for_does_not_keep_ctrl_c_waiting(
    client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, over = threading.Event(), threading.Event()

    def obtains(*_: object) -> None:
        asked.set()
        over.wait(30)

    def interrupts() -> None:
        asked.wait(30)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(resolution, "obtain", obtains)
    began = time.monotonic()
    threading.Thread(target=interrupts, daemon=True).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            resolve_all(["redis", "toxiproxy"], client, print)
    finally:
        over.set()
    assert time.monotonic() - began < 10


def test_all_that_fail_are_told_at_once(
    client: docker.DockerClient, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for service in ("redis", "toxiproxy"):
        monkeypatch.setenv(f"L3_IMAGE_{service.upper()}", NOWHERE)
    with pytest.raises(ImageError, match=r"(?s)L3_IMAGE_REDIS demands.*L3_IMAGE_TOXIPROXY demands"):
        resolve_all(["redis", "toxiproxy"], client, said.append)


# Pulling


def test_an_override_is_pulled(
    client: docker.DockerClient, loopback: str, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    version = str(manifest.load()["redis"].official).split(":")[1]
    digest = push(client, resolve("redis", client, said.append).reference, f"{loopback}/redis", version)
    monkeypatch.setenv("L3_IMAGE_REDIS", f"{loopback}/redis:{version}")
    try:
        image = resolve("redis", client, said.append)
    finally:
        client.images.remove(f"{loopback}/redis:{version}")
    assert (image.reference, image.source) == (f"{loopback}/redis:{version}", "pulled")
    assert image.digest == digest


def test_an_official_image_is_pulled_and_not_built(
    client: docker.DockerClient, loopback: str, make: Make, said: list[str]
) -> None:
    entry = make()
    obtain(entry, client, said.append)
    digest = push(client, entry.stand_in, f"{loopback}/tiny", "1.0")
    client.images.remove(entry.stand_in)
    image = obtain(replace(entry, official=f"{loopback}/tiny:1.0"), client, said.append)
    assert (image.source, image.digest) == ("pulled", digest)
    assert not present(client, entry.stand_in)


def test_a_tag_that_the_registry_lacks_leads_to_the_stand_in(
    client: docker.DockerClient, loopback: str, make: Make, said: list[str]
) -> None:
    image = obtain(make(official=f"{loopback}/missing:1.0"), client, said.append)
    assert image.source == "built"
    assert any(f"{loopback}/missing:1.0 cannot be pulled" in line for line in said)


def test_a_silent_registry_holds_nobody_up(
    client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setattr(registry, "SILENCE_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        reference = f"127.0.0.1:{silent.getsockname()[1]}/tiny:1.0"
        with pytest.raises(ImageError, match="within 1 s"):
            registry.pull(reference, client, said.append)


# Building


def test_a_context_can_be_read_whatever_the_umask(make: Make) -> None:
    entry = make()
    (entry.folder / "Dockerfile").chmod(0o600)
    (entry.folder / "tool").touch(0o700)
    with tarfile.open(fileobj=build.context(entry)) as tar:
        modes = {member.name: member.mode for member in tar}
    assert modes == {"Dockerfile": 0o644, "tool": 0o755, "ca.crt": 0o644}


def test_a_build_leaves_the_image_and_nothing_of_the_machine(
    client: docker.DockerClient, make: Make, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"http://user:{SECRET}@127.0.0.1:1/simple")
    entry = make(TWO_STAGES)
    image = obtain(entry, client, said.append)
    assert (image.reference, image.source) == (entry.stand_in, "built")
    listed = client.images.list(filters={"label": f"l3.image={entry.service}"})
    assert [found.tags for found in listed] == [[entry.stand_in]]
    assert SECRET not in str(listed[0].history()) + str(listed[0].attrs) + "".join(said)
    content = client.containers.run(entry.stand_in, ["sh", "-c", "cat /made; ls /"], remove=True).decode()
    assert content.startswith("made") and "ca.crt" not in content


def test_a_build_that_fails_shows_its_last_lines_and_no_secret(
    client: docker.DockerClient, make: Make, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"http://user:{SECRET}@127.0.0.1:1/simple")
    entry = make(FAILING)
    with pytest.raises(ImageError) as caught:
        obtain(entry, client, said.append)
    message = str(caught.value)
    assert "from http://***@127.0.0.1:1/simple" in message and "the compiler is missing" in message
    assert "returned a non-zero code: 7" in message and SECRET not in message
    assert not client.images.list(all=True, filters={"label": f"l3.image={entry.service}"})


def test_a_machine_that_cannot_make_the_base_says_what_to_do(
    client: docker.DockerClient, said: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ImageError, match=r"(?s)mmdebstrap is missing.*images load FILE.*L3_IMAGE_DEBIAN"):
        debian.make(manifest.load()["debian"], client, said.append)


def test_a_build_waits_while_the_engine_removes_what_another_one_left(
    make: Make, client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry, left, prune = make(TWO_STAGES), [409, 409], client.images.prune
    conflict = requests.Response()
    conflict.status_code = 409

    def busy(**wanted: Any) -> object:
        if left:
            left.pop()
            raise APIError("a prune operation is already running", response=conflict)
        return prune(**wanted)

    monkeypatch.setattr(type(client.images), "prune", lambda _, **wanted: busy(**wanted))
    assert obtain(entry, client, print).reference == entry.stand_in
    assert not left


def test_of_two_processes_one_builds(make: Make, tmp_path: Path) -> None:
    entry = make(SLOW)
    script = (
        "import sys; from pathlib import Path; from support.containers.engine import connect\n"
        "from support.images import manifest; from support.images.resolution import obtain\n"
        "entry = manifest.Entry(sys.argv[1], None, Path(sys.argv[2]), base=manifest.load()['debian'])\n"
        "print(obtain(entry, connect(), print).source)"
    )
    argv = [sys.executable, "-c", script, entry.service, str(entry.folder)]
    both = [subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0] for process in both]
    assert sorted(output.splitlines()[-1] for output in outputs) == ["built", "local"]
    assert sum("is setting up the image" in output for output in outputs) == 1


# Archives


def test_an_archive_brings_back_what_was_saved(
    client: docker.DockerClient, make: Make, said: list[str], tmp_path: Path
) -> None:
    images = [obtain(make(), client, said.append) for _ in range(2)]
    saved = tmp_path / "images.tar"
    assert archive.save(images, saved, client) == saved.stat().st_size
    for image in images:
        client.images.remove(image.reference)
    names = [image.reference for image in images]
    assert sorted(archive.load(saved, client, said.append)) == sorted(names)
    assert [client.images.get(name).id for name in names] == [image.digest for image in images]
    assert {f"loaded {name}" for name in names} <= set(said)


def test_an_archive_appears_whole_or_not_at_all(
    client: docker.DockerClient, make: Make, said: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "target"
    folder.mkdir()
    image = obtain(make(), client, said.append)
    with pytest.raises(ImageError):
        archive.save([image, replace(image, reference=NOWHERE)], folder / "images.tar", client)
    with pytest.raises(ImageError, match="could not be written"):
        archive.save([image], folder / "missing" / "images.tar", client)
    assert not list(folder.iterdir())


def test_a_system_for_another_processor_than_the_engines_is_not_made(
    client: docker.DockerClient, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "vax")
    with pytest.raises(ImageError, match=r"for vax, and the engine's machine is .*; reach an image registry"):
        debian.make(manifest.load()["debian"], client, said.append)
    assert not said


# The contract of the stand-ins


def test_redis_answers_to_the_command_of_the_official_image(client: docker.DockerClient, said: list[str]) -> None:
    image = resolve("redis", client, said.append)
    words = ["redis-server", "--save", "", "--appendonly", "no"]
    with serving(client, image.reference, 6379, words) as (address, container):
        assert poll(lambda: pongs(address), within_s=10), container.logs()


def test_toxiproxy_answers_to_the_command_of_the_official_image(client: docker.DockerClient, said: list[str]) -> None:
    image = resolve("toxiproxy", client, said.append)
    with serving(client, image.reference, 8474, ["-host=0.0.0.0"]) as (address, container):
        assert poll(lambda: answers(f"http://{address}/version"), within_s=10), container.logs()


def pongs(address: str) -> bool:
    host, _, port = address.partition(":")
    with suppress(OSError), socket.create_connection((host, int(port)), 1) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(16).startswith(b"+PONG")
    return False


# The command


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.execute(parser.parse_args(words))


def test_list_names_every_service(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows] == ["service", *manifest.load()]


def test_list_says_what_is_missing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("L3_IMAGE_REDIS", NOWHERE)
    assert run("list", "redis") == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["redis", NOWHERE, "missing"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["list", "redsi"], "no service is called redsi"),
        (["save"], "which archive"),
        (["load", "file.tar", "redis"], "loaded whole"),
        (["pull", "platform"], "./l3 images build platform"),
    ],
)
def test_a_wrong_command_line_ends_with_2(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == 2
    assert told in capsys.readouterr().err


def test_what_cannot_be_had_ends_with_3(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "nonsense.tar").write_text("nonsense")
    assert run("load", str(tmp_path / "nonsense.tar")) == 3
    assert run("load", str(tmp_path / "missing.tar")) == 3
    monkeypatch.setenv("L3_IMAGE_REDIS", NOWHERE)
    assert run("pull", "redis") == 3
    assert "missing.tar cannot be read" in capsys.readouterr().err


# The check


@pytest.fixture
def own(
    client: docker.DockerClient, make: Make, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, str], None]:
    """Makes an image of one's own on that of a service, by a Dockerfile, and names it in the environment."""

    def name(service: str, dockerfile: str) -> None:
        base = manifest.load()[service]
        image = obtain(replace(make(dockerfile), base=base), client, said.append)
        monkeypatch.setenv(base.variable, image.reference)

    return name


def checked(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """What was tried, and what came of it: the rows of the table."""
    rows = re.findall(r"^\S+ +(.+?) +\d+\.\d s  (ok|differs: .*(?:\n    .*)*)$", capsys.readouterr().out, re.MULTILINE)
    return dict(rows)


def left(client: docker.DockerClient) -> list[object]:
    label = f"{labels.RUN}=images-{os.getpid()}"
    return [*sweep.containers(client, label), *client.networks.list(filters={"label": label})]


def test_an_image_that_keeps_all_ends_with_0_and_leaves_nothing(
    client: docker.DockerClient, own: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    own("consul", NAMES_A_FOLDER)
    code = run("check", "consul")
    rows = checked(capsys)
    assert set(rows.values()) == {"ok"} and code == 0, rows
    assert "killed and started, is at the same ports and has lost its data" in rows
    assert rows["leaves no container, no network and no volume"] == "ok"
    assert left(client) == []


def test_an_image_that_does_not_take_its_command_ends_with_1_and_says_what_differs(
    client: docker.DockerClient, own: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    own("redis", HEARS_NOTHING)
    assert run("check", "redis-durable") == 1
    rows = checked(capsys)
    differs = {what: told for what, told in rows.items() if told != "ok"}
    assert set(differs) == {
        "takes its command and environment",
        "killed and started, is at the same ports and has kept its data",
    }
    assert "appendonly" in differs["takes its command and environment"]
    assert left(client) == []


def test_an_image_that_does_not_answer_ends_with_1_and_nothing_more_is_tried(
    client: docker.DockerClient,
    own: Callable[[str, str], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own("redis", SAYS_NOTHING)
    monkeypatch.setattr(Service, "ready_within_s", 1.0)
    assert run("check", "redis-durable") == 1
    ready, gone = checked(capsys).values()
    assert "gave no answer to PING" in ready and gone == "ok"
    assert left(client) == []


def test_a_check_that_is_interrupted_leaves_nothing(
    client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contract, "_limited", lambda own: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        run("check", "redis-durable")
    assert left(client) == []


def test_every_service_is_checked() -> None:
    told = {service: contract.kinds_of(service) for service in manifest.services()}
    assert [service for service, kinds in told.items() if not kinds] == ["platform"]
    assert told["redis"] == ["redis", "redis-durable", "redis-cluster"]
    assert set(contract.KINDS) == {*RELIED, "toxiproxy"}


def test_what_cannot_be_checked_ends_with_2_or_3(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("check", "platform") == 2
    assert "./l3 adapt" in capsys.readouterr().err
    monkeypatch.setenv("L3_IMAGE_CONSUL", NOWHERE)
    assert run("check", "consul") == 3
    assert f"L3_IMAGE_CONSUL demands {NOWHERE}" in capsys.readouterr().err
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    assert run("check", "consul") == 3
    assert "no container engine answers" in capsys.readouterr().err
