"""The gateway: it speaks the provider's own API, so that its users change an address and nothing else.

A caller's key is the provider's, and is the tenant: with another key nothing of it is found. `Cache-Control: no-store`
keeps a question out, `X-Cache: allow` says that a kept answer will do at any temperature, `X-Cache-Documents` names
what its answer rests on. Answers say in `X-Cache` where they are from.
"""

import json
import math
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from cachetools import LRUCache
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from ..redis_pool import pooled
from ..sessions import bearer, unauthenticated
from ..settings import Settings
from ..unavailable import UnavailableError
from .answer import Entry
from .cache import AwayError, Cache, Name, new_lease
from .flight import Flight, Flights, Landed
from .provider import FailedError, Provider, told
from .question import Question
from .settings import LlmSettings

REDIS_CONNECTIONS = 32
REDIS_TIMEOUT_S = 1.0  # a disk that stalls for half of it is no outage
WAITS_FOR_CONNECTION_S = 5.0
TENANTS = 10_000  # whose figures are kept at once


class Capability:
    """The capability: its routes, its lifespan, whether its store answers, and what it counts."""

    def __init__(self, node: Settings, environ: Mapping[str, str]) -> None:
        self._settings = settings = LlmSettings.load(environ)
        self._redis = pooled(
            settings.redis_url, REDIS_CONNECTIONS, timeout_s=REDIS_TIMEOUT_S, wait_s=WAITS_FOR_CONNECTION_S
        )
        self._cache = Cache(self._redis, settings.llm_cache_ttl_s, settings.llm_lease_s, settings.embedding_model)
        self._provider = Provider(settings.model_provider_url, settings.llm_call_timeout_s)
        self._flights = Flights()
        self._figures: LRUCache[str, Counter[str]] = LRUCache(TENANTS)

    @property
    def routes(self) -> list[BaseRoute]:
        """What the capability answers to."""
        return [
            Route("/v1/chat/completions", self._complete, methods=["POST"]),
            Route("/v1/cache/{kind}/{name:path}", self._forget, methods=["DELETE"]),
            Route("/v1/cache", self._show_figures, methods=["GET"]),
        ]

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Owns the connections to Redis and to the provider."""
        async with self._redis, self._cache:
            yield
        await self._provider.close()

    async def healthy(self) -> bool:
        """A node without its cache costs more, and is well."""
        return True

    def counts(self) -> dict[str, int]:
        """Nothing that belongs here."""
        return {}

    # Asking

    async def _complete(self, request: Request) -> Response:
        try:
            question = await _question(request)
            name = await self._name(question) if question.keepable else None
            flight, leads = self._flight(question, name)
            return await (self._stream if question.stream else self._whole)(question, flight, leads)
        except FailedError as error:
            return Response(error.body, error.status, headers=error.headers)

    async def _name(self, question: Question) -> Name | None:
        try:
            return await self._cache.name(question)
        except AwayError:
            return None

    def _flight(self, question: Question, name: Name | None) -> tuple[Flight, bool]:
        """The answer under way, and whether it is this caller who began it; nobody shares what is not kept."""

        async def work(flight: Flight) -> Landed:
            return await self._find(flight, question, name) if name else await self._ask(flight, question)

        return self._flights.join((name.own, question.stream) if name else object(), work)

    async def _whole(self, question: Question, flight: Flight, leads: bool) -> Response:
        landed = await flight.landed()
        self._count(question, landed, leads)
        return JSONResponse(landed.whole, headers={"X-Cache": landed.how})

    async def _stream(self, question: Question, flight: Flight, leads: bool) -> Response:
        await flight.begun()

        async def events() -> AsyncIterator[bytes]:
            try:
                async for piece in flight.listen():
                    if piece["choices"] or question.with_usage:
                        yield _event(json.dumps(piece))
                self._count(question, await flight.landed(), leads)
                yield _event("[DONE]")
            except FailedError as error:
                yield _event(error.body.decode())
            finally:
                flight.leave()

        return StreamingResponse(events(), media_type="text/event-stream")

    async def _find(self, flight: Flight, question: Question, name: Name) -> Landed:
        """From the cache, or from a question that is alike, or from the provider; then it is kept."""
        lease = new_lease()
        try:
            if entry := await self._cache.look(name, lease):
                return _given(flight, entry, "hit")
        except AwayError:
            return await self._ask(flight, question)
        async with self._cache.held(name, lease):
            with suppress(AwayError, FailedError):
                if entry := await self._alike(question, name, lease):
                    return _given(flight, entry, "similar")
            landed = await self._ask(flight, question)
            found = Entry.of_whole(landed.whole) if landed.whole else Entry.of_pieces(flight.pieces)
            if found:
                with suppress(AwayError):
                    await self._cache.fill(name, lease, found, question.text)
            return landed

    async def _alike(self, question: Question, name: Name, lease: str) -> Entry | None:
        """The answer to a question whose vector is near enough, which is kept for this one as long as for that."""
        kin = await self._cache.kin(name)
        if not kin or question.text is None:
            return None
        model = self._settings.embedding_model
        (one, other), tokens = await self._provider.vectors(question.key, model, question.text, kin.text)
        self._of(question.tenant).update(calls=1, prompt_tokens=tokens)
        if cosine(one, other) < self._settings.llm_similarity:
            return None
        await self._cache.fill(name, lease, kin.entry, None, kin.left_ms)
        return kin.entry

    async def _ask(self, flight: Flight, question: Question) -> Landed:
        if not question.stream:
            whole = await self._provider.whole(question)
            return Landed("miss", whole, whole.get("usage"))
        ended, usage = False, None
        async for piece in self._provider.pieces(question):
            flight.add(piece)
            ended = ended or any(choice.get("finish_reason") for choice in piece["choices"])
            usage = piece.get("usage") or usage
        if not ended:
            raise FailedError(502, told("The provider's answer broke off."))
        return Landed("miss", None, usage)

    # Forgetting, and what it was good for

    async def _forget(self, request: Request) -> Response:
        tenant = Question(_key(request), {}, ()).tenant
        try:
            await self._cache.forget(tenant, f"{request.path_params['kind']}:{request.path_params['name']}")
        except AwayError as error:
            raise UnavailableError("nothing can be forgotten now") from error
        return Response(status_code=204)

    async def _show_figures(self, request: Request) -> Response:
        return JSONResponse(dict(self._of(Question(_key(request), {}, ()).tenant)))

    def _count(self, question: Question, landed: Landed, leads: bool) -> None:
        usage = landed.usage or {}
        prompt, completion = usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)
        if leads and landed.how == "miss":
            self._of(question.tenant).update(calls=1, prompt_tokens=prompt, completion_tokens=completion)
        else:
            self._of(question.tenant).update(hits=1, saved_tokens=prompt + completion)

    def _of(self, tenant: str) -> Counter[str]:
        return self._figures.setdefault(tenant, Counter())


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """How near two vectors are, from -1 to 1; of the same length, and with nothing of length 0 it is 0."""
    lengths = math.hypot(*one) * math.hypot(*other)
    return sum(a * b for a, b in zip(one, other, strict=True)) / lengths if lengths else 0.0


def _given(flight: Flight, entry: Entry, how: str) -> Landed:
    for piece in entry.pieces:
        flight.add(piece)
    return Landed(how, entry.whole, entry.whole.get("usage"))


async def _question(request: Request) -> Question:
    """Raises FailedError for what cannot be asked of any provider."""
    key = _key(request)
    try:
        fields: Any = json.loads(await request.body())
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise FailedError(400, told("The body is no JSON object.", "invalid_request_error"))
    documents = tuple(sorted({one.strip() for one in request.headers.get("x-cache-documents", "").split(",")} - {""}))
    no_store = "no-store" in request.headers.get("cache-control", "")
    return Question(key, fields, documents, no_store, kept_will_do=request.headers.get("x-cache") == "allow")


def _key(request: Request) -> str:
    if key := bearer(request.headers):
        return key
    raise unauthenticated()


def _event(data: str) -> bytes:
    return f"data: {data}\n\n".encode()
