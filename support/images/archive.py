"""Archives: images as one file, to carry them to a machine that has no registry."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import docker
import requests

from support.errors import ImageError
from support.images.engine_stream import events, request
from support.images.resolution import Image

SILENCE_S = 300.0
CHUNK = 1024 * 1024


def save(images: Sequence[Image], target: Path, client: docker.DockerClient) -> int:
    """Writes `images` with their names to `target`, a tar as of `docker save`; returns its size in bytes.

    The file appears whole or not at all. Raises ImageError when the engine or the disk refuses.
    """
    partial = target.with_name(f"{target.name}.{os.getpid()}.part")
    names = {"names": [image.reference for image in images]}
    try:
        answer = request(client, "GET", "/images/get", SILENCE_S, params=names)
        with partial.open("wb") as file:
            for chunk in answer.iter_content(CHUNK):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except OSError as error:
        # requests' own errors are of this family too.
        raise ImageError(f"{target} could not be written: {error}; name a folder with space for it") from error
    finally:
        partial.unlink(missing_ok=True)
    return target.stat().st_size


def load(source: Path, client: docker.DockerClient, say: Callable[[str], None]) -> list[str]:
    """Brings the images of the archive `source` to the engine, says each and returns their names.

    Raises ImageError when the file cannot be read, is no archive of images, or holds none.
    """
    try:
        with source.open("rb") as file:
            answer = request(client, "POST", "/images/load", SILENCE_S, data=file)
            told = [event.get("stream", "").strip() for event in events(answer)]
    except requests.RequestException as error:
        raise ImageError(f"the engine did not take {source}: {error}") from error
    except OSError as error:
        raise ImageError(f"{source} cannot be read: {error}") from error
    names = [line.split(": ", 1)[1] for line in told if line.startswith("Loaded image")]
    if not names:
        raise ImageError(f"{source} holds no image; ./l3 images save FILE writes an archive that does")
    for name in names:
        say(f"loaded {name}")
    return names
