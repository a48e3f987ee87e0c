"""Jaeger: keeps traces in memory, takes them by OTLP over HTTP, and shows them by its query API."""

from typing import ClassVar

from docker.errors import DockerException

from support.containers.http import answers_200
from support.containers.service import MIB, Limits, Store
from support.errors import FleetError


class JaegerService(Store):
    """One Jaeger. Nodes are told where it takes traces; a feature may have these come by another way."""

    kind = "jaeger"
    port = 4318
    query_port: ClassVar[int] = 16686
    limits = Limits(memory=256 * MIB, cpus=1, pids=256)
    # Else it listens inside its container only.
    environment: ClassVar[dict[str, str]] = {"JAEGER_LISTEN_HOST": "0.0.0.0"}
    question = "GET /api/services"
    setting = "JAEGER_URL"
    linked = False

    def __init__(self, *args: object, **more: object) -> None:
        """As every service; with the port of its query API published too."""
        super().__init__(*args, **more)  # type: ignore[arg-type]
        self._published[self.query_port] = 0

    @staticmethod
    def url(host: str, port: int) -> str:
        """http://host:port, the base of OTLP over HTTP."""
        return f"http://{host}:{port}"

    @property
    def query_url(self) -> str:
        """Where the suite asks what it has; the same after a restart."""
        return self.url(*self.address(self.query_port))

    def answers(self, host: str, port: int, timeout_s: float = 1.0) -> bool:
        """Whether its query API answers, which it opens last."""
        return answers_200(*self.address(self.query_port), "/api/services", timeout_s)

    def answers_inside(self, host: str, port: int, within_s: float = 2.0) -> bool:
        """Its image has no program that could ask, and no link leads to it."""
        raise FleetError(f"{self.name} cannot be asked from inside its container")

    def _emptied(self) -> object:
        """Starts it anew: what it keeps, it keeps in memory."""
        try:
            self.get_wrapped_container().restart(timeout=1)
        except DockerException as error:
            raise FleetError(f"{self.name} was not emptied: {error}") from error
        self.wait_ready()
        return None
