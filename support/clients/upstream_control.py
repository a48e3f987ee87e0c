"""What the suite may tell and ask the upstream besides what it may of every provider."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from support.clients.provider_control import ProviderControl


@dataclass(frozen=True)
class Effect:
    """An effect that was done: its key, the number of the request that asked for it, when, and what it said."""

    key: str
    seq: int
    at: float
    body: str


class UpstreamControl(ProviderControl):
    """The control port of the upstream."""

    def answer(
        self, match: Mapping[str, Any], status: int = 200, body: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        """What requests that `match` are answered from now on; of several answers the one that was said last stands."""
        self.ask("POST", "/answers", {"match": match, "status": status, "body": body, "headers": headers or {}})

    def answer_as_ever(self) -> None:
        """Takes every scripted answer back."""
        self.ask("DELETE", "/answers")

    def effects(self, key: str = "*") -> list[Effect]:
        """The effects of the keys that match the pattern, in the order in which they were done; doubled ones twice."""
        return [Effect(**row) for row in self.ask("GET", "/effects", query={"key": key})["effects"]]
