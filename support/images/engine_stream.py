"""The engine's long answers: a JSON object for each thing that happens, the last of which may be an error."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import docker
import requests
from docker.utils import parse_repository_tag

from support.errors import ImageError

CONNECT_S = 5


def request(client: docker.DockerClient, method: str, path: str, silence_s: float, **more: Any) -> requests.Response:
    """A request whose answer is streamed, for what the SDK does without a time-out or for one image only.

    `silence_s` is the longest pause between two parts of the answer, in seconds. Raises ImageError with the
    engine's words when it refuses, and when it is silent for longer.
    """
    api = client.api
    url = f"{api.base_url}/v{api.api_version}{path}"
    try:
        answer = api.request(method, url, stream=True, timeout=(CONNECT_S, silence_s), **more)
    except requests.RequestException as error:
        raise ImageError(f"the engine did not answer {path} within {silence_s:.0f} s: {error}") from error
    if not answer.ok:
        raise ImageError(_message(answer))
    return answer


def events(answer: requests.Response) -> Iterator[dict[str, Any]]:
    """The objects of the answer. Raises ImageError for one that is an error, or when it breaks off."""
    try:
        for line in answer.iter_lines():
            event: dict[str, Any] = json.loads(line)
            if "error" in event:
                raise ImageError(str(event["error"]).strip())
            yield event
    except requests.RequestException as error:
        raise ImageError(f"the engine broke off: {error}") from error


def pull_request(
    client: docker.DockerClient, reference: str, silence_s: float, headers: Mapping[str, str]
) -> requests.Response:
    """Asks the engine to pull `reference`, with the login in `headers`."""
    repository, tag = parse_repository_tag(reference)
    wanted = {"fromImage": repository, "tag": tag}
    return request(client, "POST", "/images/create", silence_s, params=wanted, headers=headers)


def _message(answer: requests.Response) -> str:
    try:
        return str(answer.json()["message"]).strip()
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} {answer.text.strip()}"
