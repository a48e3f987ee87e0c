"""The model provider: the parts of OpenAI's API that gateways use, a bill for each call, and scripted answers."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ..door import BeforeTheDeed
from ..meter import Arrival, check
from ..visit import VISIT
from .answers import Answer, Scripted
from .embeddings import Embeddings, packed
from .pricing import EMBEDDERS, MODELS, Prompts, tokens_of_texts, words_of

# What does not shape an answer, and so is no part of a question's fingerprint.
NOT_SHAPING = (
    "stream", "stream_options", "user", "metadata", "store", "safety_identifier",
    "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention",
)  # fmt: skip
_TYPES = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}
_CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}


class Provider:
    """Every call is metered with its caller (the alias is the key without sk-), its question, its tokens, its cost."""

    names = ("alias", "model", "fp", "question", "stream", "retry", "asked", "scripted", *("words", "cost"),
             "prompt_tokens", "cached_tokens")  # fmt: skip

    def __init__(self) -> None:
        self._scripts: list[Scripted] = []
        self._prompts, self._embeddings = Prompts(), Embeddings()
        routes = [
            Route("/v1/chat/completions", self._complete, methods=["POST"]),
            Route("/v1/embeddings", self._embed, methods=["POST"]),
        ]
        self.app: ASGIApp = BeforeTheDeed(Starlette(routes=routes))

    @property
    def control(self) -> list[BaseRoute]:
        """Scripted answers, which texts are near, and prompts that are known."""
        return [
            Route("/script", self._script, methods=["POST"]),
            Route("/near", self._pin, methods=["POST"]),
            Route("/prompts", self._forget_prompts, methods=["DELETE"]),
        ]

    def fields(self, arrival: Arrival) -> Mapping[str, Any]:
        """Who asks (`alias`) what (`asked`, all of it; `question`, its last words), and what it has cost so far."""
        asked = _parsed(arrival.body)
        messages = asked.get("messages")
        last = messages[-1] if isinstance(messages, list) and messages else {}
        told: dict[str, Any] = {"alias": arrival.header("authorization").removeprefix("Bearer ").removeprefix("sk-")}
        told |= {"model": asked.get("model"), "fp": fingerprint(asked), "asked": asked, "scripted": False}
        told |= {"question": words_of(last), "stream": asked.get("stream") is True}
        retry = int(arrival.header("x-stainless-retry-count") or 0)
        return told | {"retry": retry, "words": 0, "cost": 0, "prompt_tokens": 0, "cached_tokens": 0}

    def refusal(self, status: int, headers: Mapping[str, str]) -> Response:
        """An error of the API."""
        return _error(status, f"The provider refuses with {status}.", headers)

    def calm(self) -> None:
        """Nothing is scripted or pinned."""
        self._scripts.clear()
        self._embeddings.clear()

    def forget(self) -> None:
        """No prompt is known, either."""
        self.calm()
        self._prompts.forget()

    async def _complete(self, request: Request) -> ASGIApp:
        arrival: Arrival = request.scope[VISIT].arrival
        asked = arrival.fields["asked"]
        if wrong := _wrong(arrival, MODELS) or _no_messages(asked):
            arrival.executed = False
            return wrong
        bill = self._prompts.bill(arrival.fields["alias"], asked)
        arrival.fields.update(bill._asdict())
        script = next((one for one in reversed(self._scripts) if one.meets(arrival)), None)
        arrival.fields["scripted"] = script is not None
        limit = asked.get("max_completion_tokens") or asked.get("max_tokens")
        answer = Answer(
            arrival, script or Scripted(), asked.get("n") or 1, bill.prompt_tokens, bill.cached_tokens, limit
        )
        if asked.get("stream") is True:
            return _Stream(answer, bool((asked.get("stream_options") or {}).get("include_usage")))
        _say(arrival, len(answer.words) * answer.n)
        if answer.script.ends == "broken":
            return Response('{"id": "chatcmpl-', media_type="application/json")
        return JSONResponse(answer.whole(), headers={"x-request-id": f"req_{arrival.seq}"})

    async def _embed(self, request: Request) -> Response:
        arrival: Arrival = request.scope[VISIT].arrival
        asked = arrival.fields["asked"]
        if wrong := _wrong(arrival, EMBEDDERS):
            arrival.executed = False
            return wrong
        given = asked.get("input", "")
        texts = [given] if isinstance(given, str) else list(given)
        vectors = [self._embeddings.vector(asked["model"], text, asked.get("dimensions")) for text in texts]
        tokens = tokens_of_texts(texts)
        arrival.fields.update(prompt_tokens=tokens, cost=tokens)
        told = [packed(one) if asked.get("encoding_format") == "base64" else one for one in vectors]
        data = [{"object": "embedding", "index": i, "embedding": one} for i, one in enumerate(told)]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return JSONResponse({"object": "list", "data": data, "model": asked["model"], "usage": usage})

    async def _script(self, request: Request) -> Response:
        """The members of Scripted; of several that match, the one that was said last stands."""
        script = Scripted(**await request.json())
        check(script.match, self.names)
        self._scripts.append(script)
        return JSONResponse({}, 201)

    async def _pin(self, request: Request) -> Response:
        """[{model, text, other, cosine}, ...]."""
        for said in await request.json():
            self._embeddings.pin(said["model"], said["text"], said["other"], said["cosine"])
        return JSONResponse({})

    async def _forget_prompts(self, _: Request) -> Response:
        """Every prompt is as if it had never been asked."""
        self._prompts.forget()
        return JSONResponse({})


class _Stream:
    """An answer in pieces, as server-sent events."""

    def __init__(self, answer: Answer, with_usage: bool) -> None:
        self._answer, self._with_usage = answer, with_usage

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends one piece after the other; what nobody waits for any more is not said, and costs nothing."""
        arrival = self._answer.arrival
        headers = [(b"content-type", b"text/event-stream"), (b"x-request-id", f"req_{arrival.seq}".encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for event, words in self._events():
            _say(arrival, words)
            await send({"type": "http.response.body", "body": f"data: {event}\n\n".encode(), "more_body": True})
            if arrival.ended is not None:
                return
        await send({"type": "http.response.body", "body": b""})

    def _events(self) -> "list[tuple[str, int]]":
        """Each with how many words it brings."""
        answer, script = self._answer, self._answer.script
        pieces = [(json.dumps(one), _words_in(one)) for one in answer.pieces()]
        if script.ends == "broken":
            return [('{"id": "chatcmpl-', 0)]
        if script.ends in ("cut", "error"):
            error = json.dumps({"error": {"message": "The server had an error.", "type": "server_error"}})
            return pieces[: script.pieces] + ([(error, 0)] if script.ends == "error" else [])
        usage = [(json.dumps(answer.last_piece()), 0)] if self._with_usage else []
        return [*pieces, *usage, ("[DONE]", 0)]


def fingerprint(asked: Mapping[str, Any]) -> str:
    """What tells one question from another: all of its fields that shape the answer, in whatever order."""
    shaping = {name: value for name, value in asked.items() if name not in NOT_SHAPING}
    return hashlib.sha256(json.dumps(shaping, sort_keys=True).encode()).hexdigest()[:16]


def _words_in(piece: Mapping[str, Any]) -> int:
    return sum(bool(choice["delta"].get("content")) for choice in piece["choices"])


def _say(arrival: Arrival, words: int) -> None:
    """The caller pays for so many words more."""
    arrival.fields["words"] += words
    arrival.fields["cost"] += words * MODELS[arrival.fields["model"]].output


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _wrong(arrival: Arrival, models: Mapping[str, object]) -> Response | None:
    """What is wrong with a request before anything is known of it."""
    if not arrival.fields["alias"]:
        return _error(401, "You didn't provide an API key.")
    if not arrival.fields["asked"]:
        return _error(400, "We could not parse the JSON body of your request.")
    if arrival.fields["model"] not in models:
        return _error(404, f"The model {arrival.fields['model']!r} does not exist.")
    return None


def _no_messages(asked: Mapping[str, Any]) -> Response | None:
    given = asked.get("messages")
    return None if isinstance(given, list) and given else _error(400, "Invalid 'messages': empty array.")


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    told = {"message": message, "type": _TYPES.get(status, "invalid_request_error"), "code": _CODES.get(status)}
    if status >= 500:
        told["type"] = "server_error"
    return JSONResponse({"error": told | {"param": None}}, status, headers=dict(headers or {}))
