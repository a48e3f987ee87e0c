"""A file that lies in an image, read without running anything of it."""

import io
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import PurePosixPath

import docker
from docker.errors import DockerException, NotFound

from support.errors import FleetError


def file_in(client: docker.DockerClient, image: str, path: str, labels: Mapping[str, str]) -> bytes:
    """The content of `path`, from the working directory of `image`. Raises FleetError when it is not there.

    The engine reads files of containers only: one is made for the moment, with `labels`, so that nothing is left of it.
    """
    try:
        folder = client.images.get(image).attrs["Config"].get("WorkingDir") or "/"
        made = client.api.create_container(image, labels=dict(labels))
        try:
            packed, _ = client.api.get_archive(made["Id"], str(PurePosixPath(folder) / path))
            with tarfile.open(fileobj=io.BytesIO(b"".join(packed))) as archive:
                (member,) = archive.getmembers()
                content = archive.extractfile(member)
                return content.read() if content else b""
        finally:
            with suppress(NotFound):
                client.api.remove_container(made["Id"], force=True, v=True)
    except (DockerException, OSError, ValueError) as error:
        raise FleetError(f"{image} has no file {path} that could be read: {error}") from error
