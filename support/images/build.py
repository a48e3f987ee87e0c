"""Building: a stand-in from its Dockerfile, by the engine, with a context that is made in memory."""

import io
import re
import tarfile
from collections import deque
from collections.abc import Callable
from http import HTTPStatus

import docker
import requests
from docker.errors import APIError, DockerException

from support.errors import ImageError
from support.images.machine import build_arguments, certificates
from support.images.manifest import Entry
from support.polling import poll
from support.progress import Step

# A compiler may think for minutes without a word; what says nothing for longer than this hangs.
SILENCE_S = 900
LAST_LINES = 20
_PRUNED_WITHIN_S = 60.0
# The builder's talk about itself, which would crowd out the words of the command that failed.
NOISE = r"\s*$| ---> |Removing intermediate container "
MEND = "reach Debian's and the language's package registries from a container, or ./l3 images load FILE"


def build(entry: Entry, base: str, client: docker.DockerClient, say: Callable[[str], None]) -> None:
    """Builds `entry` on the image `base` and tags it with `entry.stand_in`; says each command as it begins.

    Raises ImageError with the last 20 lines of the build. Either way nothing is left but the image itself.
    """
    try:
        with Step(f"{entry.service}: building {entry.stand_in}"):
            try:
                _run(entry, base, client, say)
            finally:
                _prune(entry, client)
    except (DockerException, requests.RequestException) as error:
        said = redacted(str(error))
        raise ImageError(f"the engine could not build {entry.stand_in}: {said}; {MEND}") from error


def redacted(text: str) -> str:
    """`text` without the passwords that addresses of proxies and package indexes may carry."""
    return re.sub(r"://[^/@\s]+@", "://***@", text)


def context(entry: Entry) -> io.BytesIO:
    """The build context as a tar: the files of `entry`, and as ca.crt the authorities the machine trusts."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, path in entry.files():
            # Readable for the image's user, whatever umask the project was cloned under.
            mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            _add(tar, name, path.read_bytes(), mode)
        _add(tar, "ca.crt", certificates(), 0o644)
    packed.seek(0)
    return packed


def _run(entry: Entry, base: str, client: docker.DockerClient, say: Callable[[str], None]) -> None:
    dockerfile = (entry.folder / "Dockerfile").read_text(encoding="utf-8")
    declared = re.findall(r"^ARG (\w+)", dockerfile, re.MULTILINE)
    output: deque[str] = deque(maxlen=LAST_LINES)
    for event in client.api.build(
        fileobj=context(entry),
        custom_context=True,
        tag=entry.stand_in,
        buildargs={**build_arguments(declared), "BASE": base},
        rm=True,
        forcerm=True,
        decode=True,
        timeout=SILENCE_S,
    ):
        lines = redacted(event.get("stream", event.get("error", ""))).splitlines()
        output.extend(line for line in lines if not re.match(NOISE, line))
        for line in lines:
            # Only these take their time.
            if re.match(r"Step \S+ : RUN ", line):
                say(f"{entry.service}: {line[:90]}")
        if "error" in event:
            last = "\n".join(output)
            raise ImageError(f"the build of {entry.stand_in} failed; its last lines:\n{last}\n{MEND}")


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), mode
    tar.addfile(member, io.BytesIO(content))


def _prune(entry: Entry, client: docker.DockerClient) -> None:
    # Stages before the last, and the layers of a build that failed, stay behind without a name; each stage
    # carries the label, so that nothing of anybody else's is removed.
    def pruned() -> bool:
        """Whether it was done; while the engine does so for another build, it refuses this one."""
        try:
            client.images.prune(filters={"dangling": True, "label": f"l3.image={entry.service}"})
        except APIError as error:
            if error.status_code != HTTPStatus.CONFLICT:
                raise
            return False
        return True

    if not poll(pruned, _PRUNED_WITHIN_S):
        raise ImageError(f"what building {entry.service} left was not removed: the engine removed others' all the time")
