"""The ways in which a service fails, and what it may say that is no failure."""

from collections.abc import Mapping
from typing import Any

# What the control port of the service's stand-in is told.
FAILURES: Mapping[str, Mapping[str, Any]] = {
    "fails": {"do": "status", "status": 500, "when": "before"},
    "says that it is unavailable": {"do": "status", "status": 503, "when": "before"},
    "never answers": {"do": "hang"},
    "breaks the connection": {"do": "reset"},
    "begins an answer and falls silent": {"do": "hang", "part": "head"},
    "breaks off in the middle of an answer": {"do": "reset", "part": "body"},
    "answers correctly, but only after 900 ms": {"do": "slow", "ms": 900},
    "sends its answer bit by bit": {"do": "drip", "ms": 8000},
}

REFUSALS: Mapping[str, int] = {
    "that it does not understand": 400,
    "that this caller is not known": 401,
    "that this caller may not do that": 403,
    "that there is no such thing": 404,
    "that somebody else was quicker": 409,
    "that this caller asks too often": 429,
}
