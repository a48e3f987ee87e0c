"""What a reason says, taken apart: what was expected, what was seen, and where in the suite to look."""

import re
from dataclasses import dataclass

_PLACE = re.compile(r" \((?P<place>[^()\s]+:\d+)\)$")
_STEP = re.compile(r"\nin step '.*$", re.DOTALL)
# The sentences of matchers and assertions; what none of these understands is shown whole.
_SENTENCES = [
    re.compile(r"Expected: (?P<expected>.*?)\n\s+but: (?P<seen>.*)", re.DOTALL),
    re.compile(r"expected (?P<expected>.+?),? (?P<seen>(?:but|got|saw|took|found)\b.*)", re.DOTALL),
    re.compile(r"(?P<seen>.+?), expected (?P<expected>.+)", re.DOTALL),
    re.compile(r"(?P<seen>.+ was answered .+?), not (?P<expected>.+)", re.DOTALL),
]


@dataclass(frozen=True)
class Finding:
    """Why a scenario did not pass. `words` is all that was said; the parts are None where it does not tell them."""

    words: str
    expected: str | None
    seen: str | None
    place: str | None


def finding(reason: str) -> Finding:
    """Takes apart the `reason` of a ledger row."""
    place = _PLACE.search(reason)
    words = _STEP.sub("", reason).strip()
    for sentence in _SENTENCES:
        if match := sentence.search(words):
            return Finding(words, match["expected"].strip(), match["seen"].strip(), place and place["place"])
    return Finding(words, None, None, place and place["place"])
