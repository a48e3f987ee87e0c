"""A node of the platform that is judged: the reference platform, or the image that L3_IMAGE_PLATFORM names."""

from support.containers.http import answers_200
from support.containers.service import Limits, Service

MIB = 1024 * 1024


class Node(Service):
    """One process of the target. It is configured by its environment alone, as any twelve-factor service is."""

    kind = "platform"
    port = 8000
    limits = Limits(memory=256 * MIB, cpus=1, pids=64)
    question = "GET /health"

    def answers(self, host: str, port: int, timeout_s: float = 1.0) -> bool:
        """Whether the node says that it and the stores it needs are well."""
        return answers_200(host, port, "/health", timeout_s)

    @property
    def url(self) -> str:
        """Where the node is reached by HTTP; the same after a restart."""
        host, port = self.address()
        return f"http://{host}:{port}"
