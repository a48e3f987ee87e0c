"""Resolution: by which way the image of a service comes to the engine.

An override from the environment is taken as it is and never replaced by another. Else what is local counts
(the official image before its stand-in), then a pull of the official image, then a build of the stand-in.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass
from textwrap import indent

import docker
import requests
from docker.errors import DockerException, ImageNotFound
from docker.utils import parse_repository_tag

from support.errors import EngineError, ImageError
from support.images import build, debian, manifest, registry
from support.images.manifest import Entry
from support.origin import words
from support.turn import lock_file, turn

Say = Callable[[str], None]
AT_ONCE = 4


@dataclass(frozen=True)
class Image:
    """An image that the engine has.

    `digest` is the registry's where the image came from one, else the engine's id; `source` is "local",
    "pulled" or "built", `size` is in bytes.
    """

    service: str
    reference: str
    digest: str
    source: str
    size: int


def resolve(service: str, client: docker.DockerClient, say: Say) -> Image:
    """The image of `service`, a name of the manifest, fetched if need be; `say` is told each step of that.

    Raises ImageError, naming every way that was tried and what each said, and EngineError when the engine is
    gone.
    """
    return obtain(manifest.load()[service], client, say)


def resolve_all(
    services: Iterable[str], client: docker.DockerClient, say: Say, own: Iterable[Entry] = ()
) -> dict[str, Image]:
    """The images of all `services`, side by side; a base that several are built on is fetched once, first.

    `own` entries count instead of the manifest's of the same name.

    Raises ImageError with the words of each that could not be had, after the others are there.
    """
    entries = manifest.load() | {entry.service: entry for entry in own}
    names = list(dict.fromkeys(services))
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        futures = {name: pool.submit(obtain, entries[name], client, say) for name in names}
        wait(futures.values())
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # after an interruption nobody is waited for
    errors = [error for future in futures.values() if (error := future.exception())]
    for error in errors:
        if not isinstance(error, ImageError):
            raise error
    if errors:
        raise ImageError("\n".join(str(error) for error in errors))
    return {name: future.result() for name, future in futures.items()}


def obtain(entry: Entry, client: docker.DockerClient, say: Say) -> Image:
    """What `resolve` does, for an entry of any manifest."""
    present = local(entry, client)
    if present:
        return present
    demanded = entry.override(os.environ)
    if demanded:
        return _demanded(entry, demanded, client, say)
    with _turn(entry, say):
        return local(entry, client) or _official_or_stand_in(entry, client, say)


def local(entry: Entry, client: docker.DockerClient) -> Image | None:
    """The image that a run would take without fetching anything, or None."""
    demanded = entry.override(os.environ)
    for reference in [demanded] if demanded else _own(entry):
        if image := look(entry, reference, client, "local"):
            return image
    return None


def look(entry: Entry, reference: str, client: docker.DockerClient, source: str) -> Image | None:
    """The image `reference` as the engine has it, or None. Raises EngineError when it does not answer."""
    try:
        said = client.images.get(reference).attrs
    except ImageNotFound:
        return None
    except (DockerException, requests.RequestException) as error:
        raise EngineError(f"the engine did not answer about the image {reference}: {words(error)}") from error
    repository = parse_repository_tag(reference)[0].removeprefix("docker.io/").removeprefix("library/")
    pulled = [known.split("@")[1] for known in said["RepoDigests"] or [] if known.split("@")[0] == repository]
    return Image(entry.service, reference, pulled[0] if pulled else said["Id"], source, said["Size"])


def pull(entry: Entry, reference: str, client: docker.DockerClient, say: Say) -> Image:
    """Pulls `reference` for `entry`. Raises ImageError."""
    _permit(reference)
    registry.pull(reference, client, say)
    return _certain(entry, reference, client, "pulled")


def build_stand_in(entry: Entry, client: docker.DockerClient, say: Say) -> Image:
    """The stand-in of `entry`, built unless it is here; its base first. Raises ImageError.

    Of several processes one builds, and the others wait for it and find the image local.
    """
    if present := look(entry, entry.stand_in, client, "local"):
        return present
    with _turn(entry, say):
        return look(entry, entry.stand_in, client, "local") or _build(entry, client, say)


def _build(entry: Entry, client: docker.DockerClient, say: Say) -> Image:
    _permit(entry.stand_in)
    if not entry.built:
        raise ImageError(f"there is no {entry.folder / 'Dockerfile'} to build it from")
    if entry.base:
        build.build(entry, obtain(entry.base, client, say).reference, client, say)
    else:
        debian.make(entry, client, say)
    return _certain(entry, entry.stand_in, client, "built")


def _turn(entry: Entry, say: Say) -> AbstractContextManager[None]:
    return turn(lock_file(f"image-{entry.service}"), f"the image {entry.service}", say)


def _permit(reference: str) -> None:
    if os.environ.get("L3_NO_BOOTSTRAP") == "1":
        raise ImageError(f"{reference} is not fetched: --no-bootstrap (L3_NO_BOOTSTRAP=1) forbids it; leave that out")


def _certain(entry: Entry, reference: str, client: docker.DockerClient, source: str) -> Image:
    image = look(entry, reference, client, source)
    if not image:
        raise ImageError(f"{reference} was {source}, but is gone again; end what removes images meanwhile")
    return image


def _demanded(entry: Entry, reference: str, client: docker.DockerClient, say: Say) -> Image:
    try:
        return pull(entry, reference, client, say)
    except ImageError as error:
        raise ImageError(
            f"{entry.variable} demands {reference}, which is not local and could not be pulled; "
            f"it is never replaced by another image:\n{indent(str(error), '    ')}\n"
            f"  mend: correct {entry.variable}, or unset it"
        ) from error


def _official_or_stand_in(entry: Entry, client: docker.DockerClient, say: Say) -> Image:
    sought = " nor ".join(_own(entry))
    tried = {"override": f"{entry.variable} is not set", "local": f"the engine has not {sought}"}
    try:
        if entry.official:
            return pull(entry, entry.official, client, say)
        tried["pull"] = "there is no official image"
    except ImageError as error:
        tried["pull"] = str(error)
        if entry.built:
            say(f"{entry.service}: {entry.official} cannot be pulled, so its stand-in is built")
    try:
        return _build(entry, client, say)
    except ImageError as error:
        tried["build"] = str(error)
    told = "\n".join(f"  {way}: {indent(said, '    ').strip()}" for way, said in tried.items())
    raise ImageError(
        f"the image {entry.service} could not be had:\n{told}\n"
        f"  mend: {entry.mend}reach a registry, or ./l3 images load FILE, or name an image by {entry.variable}"
    )


def _own(entry: Entry) -> list[str]:
    """The references by which the engine may have the image, the official one first."""
    return [*([entry.official] if entry.official else []), *([entry.stand_in] if entry.built else [])]
