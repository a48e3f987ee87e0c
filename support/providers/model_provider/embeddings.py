"""Vectors of texts: words, hashed into a space of each model's own; which texts are near can be pinned."""

import base64
import hashlib
import math
import random
import re
import struct
from collections.abc import Sequence

from .pricing import EMBEDDERS

Vector = list[float]


class Embeddings:
    """Vectors of length 1. Another model has another space, and other dimensions."""

    def __init__(self) -> None:
        self._pinned: dict[tuple[str, str], tuple[str, float]] = {}  # (model, text) -> the other text, their cosine

    def pin(self, model: str, text: str, other: str, cosine: float) -> None:
        """From now on `model` has the vector of `text` at this cosine from that of `other`."""
        self._pinned[model, _plain(text)] = other, cosine

    def vector(self, model: str, text: str, dimensions: int | None = None) -> Vector:
        """The vector of `text`; of one that is pinned also with other words around it."""
        size = dimensions or EMBEDDERS[model]
        found = [told for (whose, pinned), told in self._pinned.items() if whose == model and pinned == _plain(text)]
        if not found:
            return _of_words(model, text, size)
        other, cosine = found[0]
        near = _of_words(model, other, size)
        apart = random.Random(f"{model} {text}")
        aside = [apart.gauss(0, 1) for _ in range(size)]
        along = sum(a * b for a, b in zip(aside, near, strict=True))
        aside = _unit([a - along * b for a, b in zip(aside, near, strict=True)])
        return [cosine * a + math.sqrt(1 - cosine**2) * b for a, b in zip(near, aside, strict=True)]

    def clear(self) -> None:
        """Nothing is pinned."""
        self._pinned.clear()


def packed(vector: Sequence[float]) -> str:
    """As the SDK asks for it: numbers of 4 bytes, the lowest first, in base64."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _of_words(model: str, text: str, size: int) -> Vector:
    vector = [0.0] * size
    for word in re.findall(r"\w+", text.lower()):
        digest = hashlib.sha256(f"{model} {word}".encode()).digest()
        vector[int.from_bytes(digest[:4], "big") % size] += 1 if digest[4] % 2 else -1
    return _unit(vector) if any(vector) else _unit([1.0] * size)


def _unit(vector: Vector) -> Vector:
    length = math.sqrt(sum(part * part for part in vector))
    return [part / length for part in vector]


def _plain(text: str) -> str:
    return " ".join(text.split()).lower()
