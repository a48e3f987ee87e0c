"""What the suite may tell and ask the collector of traces besides what it may of every provider."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from support.clients.provider_control import ProviderControl
from support.errors import ProbeError

EXCEPTION = "exception"  # the name of the event that records one (OpenTelemetry, exceptions on spans)


@dataclass(frozen=True)
class Span:
    """A step of a trace, as it arrived. Ids in hex, `parent` empty for a root; times in ns since the epoch.

    `kind` is server, client, producer, consumer or internal; `status` unset, ok or error; `links` have trace and span.
    """

    trace: str
    id: str
    parent: str
    state: str
    name: str
    kind: str
    began_ns: int
    ended_ns: int
    attributes: Mapping[str, Any]
    events: Sequence[Mapping[str, Any]]
    links: Sequence[Mapping[str, str]]
    status: str
    resource: Mapping[str, Any]

    @property
    def service(self) -> str:
        """Which service it was done by."""
        return str(self.resource.get("service.name", ""))

    @property
    def exceptions(self) -> int:
        """How many exceptions are recorded on it."""
        return sum(event["name"] == EXCEPTION for event in self.events)

    def __str__(self) -> str:
        return f"{self.service} {self.kind} “{self.name}” ({self.id} < {self.parent or 'root'}, {self.status})"


class OtlpReceiverControl(ProviderControl):
    """The control port of the collector."""

    def begin_anew(self, next_url: str) -> None:
        """It forgets all that arrived; what comes from now on it hands on to the collector at `next_url`, too."""
        self.ask("POST", "/forget")
        self.ask("POST", "/next", {"url": next_url})

    def spans(self, holding: str = "") -> list[Span]:
        """Every span of each trace in which a name or some attribute holds that text, as often as it arrived.

        Raises ProbeError when it could not hand on everything, for then the next collector cannot know.
        """
        return self._spans({"holding": holding})

    def trace(self, trace: str) -> list[Span]:
        """Every span of one trace, as often as it arrived."""
        return self._spans({"trace": trace})

    def bodies_with(self, texts: Sequence[str]) -> dict[str, int]:
        """In how many of the bodies that arrived each of `texts` stands, byte by byte."""
        found = self.ask("POST", "/holding", {"texts": list(texts)})
        return {text: int(found[text]) for text in texts}

    def _spans(self, query: Mapping[str, str]) -> list[Span]:
        answer = self.ask("GET", "/spans", query=query)
        if answer["not_handed_on"]:
            raise ProbeError(f"{self.name} could not hand on {answer['not_handed_on']} requests")
        return [Span(**row) for row in answer["spans"]]
