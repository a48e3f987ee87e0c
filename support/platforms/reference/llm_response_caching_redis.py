"""Cached answers of the reference platform: OpenAI's routes, and its own for what is to be forgotten."""

import json
import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from support.capabilities.llm_response_caching_redis.client import Answer, Figures, Outcome, Question, Stream
from support.clients.node_client import NodeClient
from support.origin import blame
from support.platforms.platform import Door
from support.promise import broken

_AT_ONCE = 120
_CHAT = "/v1/chat/completions"
_OUTCOMES = {
    400: Outcome.REFUSED,
    401: Outcome.UNAUTHENTICATED,
    404: Outcome.REFUSED,
    429: Outcome.LIMITED,
    **dict.fromkeys((500, 502, 503, 504), Outcome.FAILED),
}
_RESETTING = struct.pack("ii", 1, 0)


class Adapter:
    """One gateway, as an SDK of the provider's would use it."""

    def __init__(self, door: Door) -> None:
        self.name = door.name
        self._gateway = _Gateway(door, answer_within_s=15, at_once=_AT_ONCE)

    def close(self) -> None:
        """Gives the connections back."""
        self._gateway.close()

    def ask(self, customer: str, question: Question) -> Answer:
        """POST, and the object that comes back."""
        answer = self._gateway.post(customer, question, stream=False)
        if answer.status_code != 200:
            return self._gateway.other(answer)
        told = self._gateway.expect(answer, 200, "choices")
        return Answer(Outcome.ANSWERED, told["choices"][0]["message"].get("content") or "", [answer.json()])

    def stream(self, customer: str, question: Question, with_usage: bool | None = None) -> Answer:
        """POST, and the server-sent events that come back; a stream without its last word is one that broke off."""
        usage = {} if with_usage is None else {"stream_options": {"include_usage": with_usage}}
        answer = self._gateway.post(customer, question, stream=True, **usage)
        if answer.status_code != 200:
            return self._gateway.other(answer)
        parts: list[dict[str, Any]] = []
        for data in self._gateway.events(answer):
            if data == "[DONE]":
                return Answer(Outcome.ANSWERED, _words(parts), parts)
            piece = json.loads(data)
            if "error" in piece:
                break
            parts.append(piece)
        return Answer(Outcome.BROKEN_OFF, _words(parts), parts)

    def begin(self, customer: str, question: Question) -> Stream:
        """The request on a connection of its own."""
        return _Begun(self._gateway.url, _headers(customer, question), _body(question) | {"stream": True})

    def forget_document(self, customer: str, document: str) -> bool:
        """DELETE."""
        return self._gateway.forgets(customer, f"/v1/cache/document/{quote(document, safe='')}")

    def forget_model(self, customer: str, model: str) -> bool:
        """DELETE."""
        return self._gateway.forgets(customer, f"/v1/cache/model/{quote(model, safe='')}")

    def figures(self, customer: str) -> Figures:
        """GET; what was never counted is not there."""
        answer = self._gateway.ask("GET", "/v1/cache", token=f"sk-{customer}")
        self._gateway.expect(answer, 200)
        return Figures(**{name: answer.json().get(name, 0) for name in Figures.__dataclass_fields__})


class _Gateway(NodeClient):
    """Its routes."""

    @property
    def url(self) -> str:
        """http://host:port."""
        return self._url

    def forgets(self, customer: str, path: str) -> bool:
        """Whether what is at `path` is forgotten: 503 says that it cannot be now."""
        answer = self.ask("DELETE", path, token=f"sk-{customer}")
        if answer.status_code == 503:
            return False
        self.expect(answer, 204)
        return True

    def post(self, customer: str, question: Question, stream: bool, **more: Any) -> requests.Response:
        """A question; of a stream the head alone has been read."""
        body = _body(question) | ({"stream": True} if stream else {}) | more
        try:
            answer = self._http.request(
                "POST",
                self._url + _CHAT,
                data=json.dumps(body),
                headers=_headers(customer, question),
                timeout=self._answer_within_s,
                stream=stream,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            blame(error, f"{self.name} gave no answer to a question: {error}")
        shown = "(a stream)" if stream else answer.text
        self._exchanges.note(self.name, f"{customer} asks {question.text!r} -> {answer.status_code} {shown}")
        return answer

    def other(self, answer: requests.Response) -> Answer:
        """What an answer says that is no answer to the question."""
        if answer.status_code not in _OUTCOMES:
            broken(f"{self.name} answered a question by {answer.status_code}: {answer.text}")
        return Answer(_OUTCOMES[answer.status_code], answer.text)

    def events(self, answer: requests.Response) -> Iterator[str]:
        """The data of each event. A connection that breaks ends them, as one that is closed does."""
        with answer, suppress(requests.exceptions.ChunkedEncodingError):
            try:
                for line in answer.iter_lines():
                    if line.startswith(b"data: "):
                        yield line.removeprefix(b"data: ").decode()
            except requests.ConnectionError as error:
                blame(error, f"{self.name} fell silent in the middle of an answer: {error}")


class _Begun:
    """A connection on which a stream was asked for."""

    def __init__(self, url: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> None:
        where, content = urlsplit(url), json.dumps(body).encode()
        head = {"Host": where.netloc, "Content-Length": str(len(content)), **headers}
        lines = [f"POST {_CHAT} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items()), "", ""]
        self._socket = socket.create_connection((where.hostname, where.port), 5)
        self._socket.sendall("\r\n".join(lines).encode() + content)

    def hears(self, within_s: float) -> bool:
        """Reads until there is data of an event; what breaks meanwhile tells none."""
        self._socket.settimeout(within_s)
        heard = b""
        with suppress(OSError):
            while b"data: " not in heard and (more := self._socket.recv(4096)):
                heard += more
        return b"data: " in heard

    def hang_up(self) -> None:
        """A reset instead of a polite end (socket(7), SO_LINGER)."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESETTING)
        self._socket.close()


def _body(question: Question) -> dict[str, Any]:
    return {"model": question.model, "messages": [dict(one) for one in question.messages], **question.fields}


def _headers(customer: str, question: Question) -> dict[str, str]:
    headers = {"Content-Type": "application/json"}
    if customer:
        headers["Authorization"] = f"Bearer sk-{customer}"
    if question.documents:
        headers["X-Cache-Documents"] = ", ".join(question.documents)
    if question.no_store:
        headers["Cache-Control"] = "no-store"
    if question.kept_will_do:
        headers["X-Cache"] = "allow"
    if other := question.pretending:
        headers |= {"X-Tenant": other, "X-Tenant-Id": other, "OpenAI-Organization": other, "OpenAI-Project": other}
    return headers


def _words(parts: list[dict[str, Any]]) -> str:
    deltas = [choice["delta"] for part in parts for choice in part["choices"] if choice["index"] == 0]
    return "".join(delta.get("content") or "" for delta in deltas)
