"""Pulling: an image from the registry that its reference names."""

import time
from collections.abc import Callable

import docker
from docker.utils import parse_repository_tag

from support.errors import ImageError
from support.images.engine_stream import events, pull_request
from support.images.login import headers_for

# Where no registry is to be reached, the engine may wait for an answer that never comes; a pull that works
# reports several times a second.
SILENCE_S = 30.0
REPORT_S = 10.0
MEND = "check the name and the network, or docker login"


def pull(reference: str, client: docker.DockerClient, say: Callable[[str], None]) -> None:
    """Brings `reference` to the engine, and says every 10 s how far it is.

    Raises ImageError with the registry's words and the mend, when the engine is silent for 30 s, and when the
    reference names no tag (that would be "latest", which is another image every week).
    """
    if parse_repository_tag(reference)[1] in (None, "latest"):
        raise ImageError(f"{reference} names no exact tag; name the version that is meant")
    say(f"pulling {reference}")
    try:
        _follow(reference, client, say)
    except ImageError as error:
        raise ImageError(f"{reference} could not be pulled: {error}; {MEND}") from error


def _follow(reference: str, client: docker.DockerClient, say: Callable[[str], None]) -> None:
    headers, problem = headers_for(parse_repository_tag(reference)[0])
    if problem:
        say(f"pulling {reference} without a login: {problem}")
    fetched: dict[str, int] = {}
    report = time.monotonic() + REPORT_S
    for event in events(pull_request(client, reference, SILENCE_S, headers)):
        if event.get("status") == "Downloading":
            fetched[event["id"]] = event["progressDetail"].get("current", 0)
        if time.monotonic() > report:
            say(f"pulling {reference}: {sum(fetched.values()) / 1e6:.0f} MB so far")
            report = time.monotonic() + REPORT_S
