"""A node of the platform that is judged: the reference platform, or the image that L3_IMAGE_PLATFORM names."""

import io
import tarfile
from collections.abc import Mapping

from docker.errors import DockerException

from support.containers.http import answers_200
from support.containers.service import MIB, Limits, Service
from support.errors import FleetError


class Node(Service):
    """One process of the target. It is configured by its environment alone, as any twelve-factor service is."""

    kind = "platform"
    port = 8000
    limits = Limits(memory=256 * MIB, cpus=1, pids=64)
    question = "GET /health"
    role = "node"  # what sentences call it; the fleet says

    def run_instead(self, files: Mapping[str, bytes]) -> None:
        """Lets the node run `files` (path below its working directory -> content) in the place of its image's own.

        To be said before it is created.
        """
        self._files = files
        self.working_dir = "/instead"

    def create(self, cores: int) -> None:
        """As every service; what it is to run instead is there before it starts."""
        super().create(cores)
        if self.working_dir:
            try:
                self.get_wrapped_container().put_archive("/", _archive(self.working_dir, self._files))
            except DockerException as error:
                raise FleetError(f"{self.name}: the engine did not take the source: {error}") from error

    def answers(self, host: str, port: int, timeout_s: float = 1.0) -> bool:
        """Whether the node says that it and the stores it needs are well."""
        return answers_200(host, port, "/health", timeout_s)

    @property
    def url(self) -> str:
        """Where the node is reached by HTTP; the same after a restart."""
        host, port = self.address()
        return f"http://{host}:{port}"


def _archive(folder: str, files: Mapping[str, bytes]) -> bytes:
    """A tar of `files` below `folder`, an absolute path."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(f"{folder}/{path}".lstrip("/"))
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()
