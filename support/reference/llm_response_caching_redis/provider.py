"""The provider of models, asked by its own SDK with the key of whoever asks; nothing is asked twice by itself."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError, AsyncOpenAI, AsyncStream
from openai.types.chat import ChatCompletionChunk

from .answer import Object
from .question import Question


class FailedError(Exception):
    """The provider gave no answer, or one that makes no sense: the status and body that its caller gets."""

    def __init__(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status}: {body[:200]!r}")
        self.status, self.body, self.headers = status, body, headers or {}


class Provider:
    """What is asked of it. Raises FailedError."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._client = AsyncOpenAI(api_key="none", base_url=f"{url}/v1", max_retries=0, timeout=timeout_s)

    async def close(self) -> None:
        """Gives the connections back."""
        await self._client.close()

    async def whole(self, question: Question) -> Object:
        """The answer, whole."""
        try:
            answer: httpx2.Response = await self._client.post(
                "/chat/completions", cast_to=httpx2.Response, body=question.fields, options=_as(question.key)
            )
            return dict(answer.json())
        except (APIError, ValueError, TypeError) as error:
            raise _failed(error) from error

    async def pieces(self, question: Question) -> AsyncIterator[Object]:
        """The answer in pieces; the last of them tells what it cost, whether or not the caller wants to know."""
        options = question.fields.get("stream_options")
        body = {**question.fields, "stream_options": {**(options or {}), "include_usage": True}}
        try:
            async with await self._client.post(
                "/chat/completions", cast_to=ChatCompletionChunk, body=body, options=_as(question.key),
                stream=True, stream_cls=AsyncStream[ChatCompletionChunk],
            ) as stream:  # fmt: skip
                async for piece in stream:
                    told = piece.to_dict(mode="json")
                    yield {**told, "choices": told.get("choices") or []}
        except (APIError, httpx2.HTTPError, ValueError) as error:
            raise _failed(error) from error

    async def vectors(self, key: str, model: str, *texts: str) -> tuple[list[list[float]], int]:
        """A vector for each of `texts`, and the tokens that they cost."""
        try:
            made = await self._client.embeddings.create(
                model=model, input=list(texts), extra_headers=_as(key)["headers"]
            )
        except (APIError, ValueError) as error:
            raise _failed(error) from error
        return [one.embedding for one in made.data], made.usage.prompt_tokens


def _as(key: str) -> Any:
    return {"headers": {"Authorization": f"Bearer {key}"}}


def _failed(error: Exception) -> FailedError:
    if isinstance(error, APIStatusError):
        kept = ("content-type", "retry-after", "retry-after-ms", "x-should-retry", "x-request-id")
        headers = {name: error.response.headers[name] for name in kept if name in error.response.headers}
        return FailedError(error.status_code, error.response.content, headers)
    status = 504 if isinstance(error, APITimeoutError) else 502
    what = "cannot be reached" if isinstance(error, APIConnectionError) else "gave an answer that is not whole"
    return FailedError(status, told(f"The provider {what}."), {"content-type": "application/json"})


def told(message: str, kind: str = "server_error") -> bytes:
    """An error as the API words it."""
    return json.dumps({"error": {"message": message, "type": kind, "param": None, "code": None}}).encode()
