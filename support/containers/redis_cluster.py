"""A Redis Cluster of three masters, without replicas or persistence (Redis Cluster specification)."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from support.containers.redis import RedisService
from support.containers.service import Store
from support.errors import FleetError
from support.polling import poll

if TYPE_CHECKING:
    from redis import Redis

SLOTS = 16384
_AGREE_WITHIN_S = 30.0


class RedisClusterService(RedisService):
    """One of the masters. Its peers tell clients where it is by its name in the network, so no link stands between."""

    kind = "redis-cluster"
    image_name = "redis"
    members = 3
    linked = False
    command: ClassVar[list[str]] = [*RedisService.command, "--cluster-enabled", "yes", "--cluster-node-timeout", "2000"]
    setting = "REDIS_CLUSTER_URL"

    @classmethod
    def assemble(cls, members: Sequence[Store]) -> None:
        """Shares the slots out evenly and introduces the members to each other; returns when all agree on that.

        Raises FleetError with each member's word on the cluster when they do not.
        """
        with _clients(members, "could not be assembled") as clients:
            for number, (member, client) in enumerate(zip(members, clients, strict=True)):
                _take_slots(client, member.name, number, len(members))
            _introduce(members, clients)
            _await_agreement(members, clients)

    @classmethod
    def reunite(cls, members: Sequence[Store]) -> None:
        """Returns when members that heard nothing of each other for a while all agree again. Raises FleetError."""
        with _clients(members, "did not come together again") as clients:
            _await_agreement(members, clients)


@contextmanager
def _clients(members: Sequence[Store], fate: str) -> "Iterator[list[Redis]]":
    """A client of each of `members`. What one refuses is a FleetError, which says the cluster's `fate`."""
    from redis.exceptions import RedisError

    with ExitStack() as stack:
        try:
            yield [stack.enter_context(closing(_client(member))) for member in members]
        except RedisError as error:
            raise FleetError(f"the Redis Cluster {fate}: {error}") from error


def _client(member: Store) -> "Redis":
    # Loaded here: a fleet without a cluster does not wait for its client.
    from redis import Redis

    host, port = member.address()
    return Redis(host=host, port=port, socket_timeout=5, decode_responses=True)


def _command(client: "Redis", *words: str) -> Any:
    return client.execute_command(*words)


def _take_slots(client: "Redis", name: str, number: int, members: int) -> None:
    """The member `number` of `members` (from 0) takes its share of the slots, and is to be known as `name`."""
    first, last = (SLOTS * at // members for at in (number, number + 1))
    _command(client, "CONFIG SET", "cluster-announce-hostname", name)
    _command(client, "CONFIG SET", "cluster-preferred-endpoint-type", "hostname")
    _command(client, "CLUSTER ADDSLOTSRANGE", str(first), str(last - 1))
    # Two masters that claim the same epoch would have to settle that first.
    _command(client, "CLUSTER SET-CONFIG-EPOCH", str(number + 1))


def _await_agreement(members: Sequence[Store], clients: "Sequence[Redis]") -> None:
    def agreed() -> bool:
        return all(_agrees(client, len(clients)) for client in clients)

    def abandoned() -> bool:
        return any(member.abandoned for member in members)

    if not poll(lambda: agreed() or abandoned(), _AGREE_WITHIN_S) or abandoned():
        said = "\n".join(str(_command(client, "CLUSTER INFO")) for client in clients)
        raise FleetError(f"the Redis Cluster did not come together; it is given {_AGREE_WITHIN_S:g} s:\n{said}")


def _introduce(members: Sequence[Store], clients: "Sequence[Redis]") -> None:
    """Each meets each: what a member would else learn by gossip takes it a second."""
    for client in clients:
        for peer in members:
            _command(client, "CLUSTER MEET", peer.inner_address(), str(peer.port))


def _agrees(client: "Redis", members: int) -> bool:
    """Whether this member says that all slots are served, by that many masters."""
    said = _command(client, "CLUSTER INFO")
    return bool(
        said["cluster_state"] == "ok"
        and said["cluster_slots_ok"] == str(SLOTS)
        and said["cluster_size"] == str(members)
    )
