"""Redis: in memory only, or durable, for features whose data has to outlive a restart."""

import socket
from typing import ClassVar

from support.containers.service import MIB, Limits, Store
from support.errors import FleetError
from support.origin import no_answer


class RedisService(Store):
    """One Redis server without persistence: a restart loses its data, as a failover without a replica would."""

    kind = "redis"
    port = 6379
    limits = Limits(memory=256 * MIB, cpus=1, pids=64)
    command: ClassVar[list[str]] = [
        "redis-server",
        "--save",
        "",
        "--appendonly",
        "no",
        "--protected-mode",
        "no",
    ]
    question = "PING"
    setting = "REDIS_URL"

    @staticmethod
    def url(host: str, port: int) -> str:
        """redis://host:port/database."""
        return f"redis://{host}:{port}/0"

    def answers(self, host: str, port: int, timeout_s: float = 1.0) -> bool:
        """Whether an inline PING is answered by +PONG (Redis protocol specification)."""
        with no_answer(), socket.create_connection((host, port), timeout_s) as connection:
            connection.settimeout(timeout_s)
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        return False

    def answers_inside(self, host: str, port: int, within_s: float = 2.0) -> bool:
        """The same by the server's own client, run inside its container."""
        result = self.exec(["timeout", f"{within_s:g}", "redis-cli", "-h", host, "-p", str(port), "PING"])
        return result.output.strip() == b"PONG"

    def _emptied(self) -> object:
        """FLUSHALL, and then not one key in any database."""
        # Loaded here: a fleet that is only started does not wait for the client.
        from redis import Redis
        from redis.exceptions import RedisError

        host, port = self.address()
        try:
            with Redis(host=host, port=port, socket_timeout=5, socket_connect_timeout=5) as redis:
                redis.flushall()
                left = redis.info("keyspace")
        except RedisError as error:
            raise FleetError(f"{self.name} was not emptied: {error}") from error
        return left


class RedisDurableService(RedisService):
    """One Redis server that keeps what it acknowledged: each write is on disk before it is answered (appendfsync)."""

    kind = "redis-durable"
    image_name = "redis"
    command: ClassVar[list[str]] = [
        *("redis-server", "--dir", "/data", "--save", "", "--protected-mode", "no"),
        *("--appendonly", "yes", "--appendfsync", "always"),
    ]
