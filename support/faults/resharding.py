"""Slots of a Redis Cluster that move to another master, as in every change of its size.

The steps are those of the command's manual (CLUSTER SETSLOT, "Redis Cluster live resharding explained").
"""

from collections.abc import Sequence
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from support.containers.service import Store
from support.errors import FaultError
from support.polling import poll

_AGREE_WITHIN_S = 10.0
_KEYS_AT_ONCE = 1000


class Resharding:
    """Moves slots, one at a time, and moves all of them back. Every method raises FaultError where Redis refuses."""

    def __init__(self, members: Sequence[Store]) -> None:
        self._members = [_Member(member) for member in members]
        self._moved: dict[int, tuple[_Member, _Member]] = {}  # slot: where it was, where it is
        self._before = self._views()

    def move(self, slots: Sequence[int]) -> int:
        """Moves each of `slots`, with its keys, to the next master; returns how many keys moved."""
        return sum(self._move(slot, *self._neighbours(slot)) for slot in slots)

    def undo(self) -> None:
        """Moves every slot back; returns when all members agree that the cluster is as it was."""
        try:
            for slot, (was, now) in list(self._moved.items()):
                self._move(slot, now, was)
            if not poll(lambda: self._views() == self._before, _AGREE_WITHIN_S):
                raise FaultError(f"the slots of the cluster were moved back, and it says {self._views()}")
        finally:
            for member in self._members:
                member.client.close()

    def _neighbours(self, slot: int) -> "tuple[_Member, _Member]":
        """The master that had `slot` at first, and the one after it, which the first is for the last."""
        place = next(n for n, member in enumerate(self._members) if slot in self._before[n][member.id])
        return self._members[place], self._members[(place + 1) % len(self._members)]

    def _move(self, slot: int, source: "_Member", target: "_Member") -> int:
        """Moves one slot with its keys; returns how many there were."""
        self._moved[slot] = (self._moved.get(slot, (source, target))[0], target)
        target.ask("CLUSTER SETSLOT", slot, "IMPORTING", source.id)
        source.ask("CLUSTER SETSLOT", slot, "MIGRATING", target.id)
        count = 0
        while keys := source.ask("CLUSTER GETKEYSINSLOT", slot, _KEYS_AT_ONCE):
            source.ask("MIGRATE", target.host, target.port, "", 0, 5000, "KEYS", *keys)
            count += len(keys)
        # The new owner first: were it the old one, nobody would have the slot in between.
        others = [member for member in self._members if member not in (target, source)]
        for member in (target, source, *others):
            member.ask("CLUSTER SETSLOT", slot, "NODE", target.id)
        return count

    def _views(self) -> list[dict[str, list[int]]]:
        """Which slots each master has, as each member sees it."""
        return [member.view() for member in self._members]


class _Member:
    """One master, on a connection of the suite's own."""

    def __init__(self, server: Store) -> None:
        host, port = server.address()
        self.client = Redis(host=host, port=port, socket_timeout=10, decode_responses=True)
        self.name, self.host, self.port = server.name, server.inner_address(), server.port
        self.id = str(self.ask("CLUSTER MYID"))

    def ask(self, *words: Any) -> Any:
        """One command and its answer."""
        try:
            return self.client.execute_command(*words)
        except RedisError as error:
            raise FaultError(f"{self.name} refused {' '.join(map(str, words[:4]))}: {error}") from error

    def view(self) -> dict[str, list[int]]:
        """The slots of each master, by its id."""
        members = self.ask("CLUSTER NODES").values()
        return {
            str(member["node_id"]): sorted(
                slot for part in member["slots"] for slot in range(int(part[0]), int(part[-1]) + 1)
            )
            for member in members
        }
