"""What the suite may tell and ask the model provider besides what it may of every provider."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Self

import requests
from requests.adapters import HTTPAdapter

from support.clients.provider_control import Arrival, ProviderControl
from support.containers.fleet import Fleet
from support.containers.provider import ProviderService
from support.errors import FaultError, FleetError, ProbeError

_ANSWERS_WITHIN_S = 5.0
_AT_ONCE = 8
CHAT, EMBEDDINGS = "chat", "embeddings"
_PATHS = {CHAT: {"path": "/v1/chat/completions"}, EMBEDDINGS: {"path": "/v1/embeddings"}}


class Near(NamedTuple):
    """For `model` the text `text` is at `cosine` from `other`."""

    model: str
    text: str
    other: str
    cosine: float


class Bill(NamedTuple):
    """What calls came to: how many, tokens, and millionths of a dollar."""

    calls: int
    prompt_tokens: int
    words: int
    cost: int


class ModelProviderControl(ProviderControl):
    """The control port of the model provider. Callers are known by an alias: their key without its sk-.

    What had arrived before it was made is not looked at: to search through all of that takes a provider longer than
    to answer a question, and the more of it, the longer.
    """

    def __init__(self, name: str, url: str, callers: Mapping[str, str] | None = None) -> None:
        super().__init__(name, url, callers)
        self._began = self.mark()

    def arrivals(self, since: int = 0, **match: Any) -> list[Arrival]:
        """Those since this control was made."""
        return super().arrivals(max(since, self._began), **match)

    def script(self, match: Mapping[str, Any], times: int | None = 1, **how: Any) -> None:
        """What requests that `match` are answered, `times` in all, instead of a whole answer of 16 words.

        words, content, finish (length, tool_calls, content_filter), refusal, tool, and ends: "cut" (a stream ends
        after `pieces` as if it were whole), "error" (an error follows these) or "broken" (no JSON).
        """
        self.ask("POST", "/script", {"match": dict(match), "times": times, **how})

    def pin(self, pairs: Iterable[Near]) -> None:
        """Which texts are near, whatever words are in them."""
        self.ask("POST", "/near", [pair._asdict() for pair in pairs])

    def forget_prompts(self) -> None:
        """Nobody gets a discount for a prompt that was asked before."""
        self.ask("DELETE", "/prompts")

    def calls(self, alias: str = "", kind: str = CHAT, since: int = 0, **match: Any) -> list[Arrival]:
        """The calls that were carried out, of `alias` or of everybody."""
        found = self.arrivals(since, **({"alias": alias} if alias else {}), **_PATHS[kind], **match)
        return [arrival for arrival in found if arrival.executed]

    def bill(self, alias: str, *kinds: str) -> Bill:
        """All that the calls of `alias` came to; of these `kinds`, or of both."""
        calls = [call.fields for kind in kinds or _PATHS for call in self.calls(alias, kind)]
        sums = {name: sum(int(call[name]) for call in calls) for name in ("prompt_tokens", "words", "cost")}
        return Bill(len(calls), **sums)

    def expect_scripted(self, alias: str) -> None:
        """FaultError unless a call of `alias` was answered as scripted."""
        if not any(arrival.fields["scripted"] for arrival in self.arrivals(alias=alias)):
            raise FaultError(f"{self.name} was to answer {alias} as scripted, and was not asked")


class ModelProviderUser:
    """Somebody who asks the provider itself: what a day costs without anything in between."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.mount("http://", HTTPAdapter(pool_maxsize=_AT_ONCE))

    @classmethod
    def of(cls, fleet: Fleet, kind: str) -> Self:
        """A user of the fleet's provider of `kind`."""
        service = fleet.named(kind)
        if not isinstance(service, ProviderService):
            raise FleetError(f"{kind} is no provider")
        return cls(service.url(*service.address()))

    def ask(self, alias: str, model: str, messages: Any, fields: Mapping[str, Any]) -> None:
        """Asks, as `alias`. Raises ProbeError when there is no answer."""
        body = {"model": model, "messages": messages, **fields}
        headers = {"Authorization": f"Bearer sk-{alias}"}
        try:
            path = self._url + _PATHS[CHAT]["path"]
            self._http.post(path, json=body, headers=headers, timeout=_ANSWERS_WITHIN_S).raise_for_status()
        except requests.RequestException as error:
            raise ProbeError(f"the provider did not answer {alias}: {error}") from error

    def close(self) -> None:
        """Gives the connections back."""
        self._http.close()
