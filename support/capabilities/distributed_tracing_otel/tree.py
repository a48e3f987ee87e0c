"""What a trace must look like: every step hangs on the one that caused it, from the customer to the last process.

What a platform does in between for itself (kind internal) may stand between any two steps.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import not_
from typing import Any

from support.clients.otlp_receiver_control import EXCEPTION, Span
from support.polling import look_until
from support.promise import must

# From the gateway through the service and the queue to what the worker asks of the partner.
WAY = ("server", "client", "server", "producer", "consumer", "client")
LOOK = WAY[:3]
ERROR_TYPE, _RAISED = "error.type", "exception.type"  # OpenTelemetry, semantic conventions, recording errors
ARRIVES_WITHIN_S = 8.0  # a step of a trace, from its end until it is kept; it takes 0.3 s


def flaws(spans: Sequence[Span], way: Sequence[str] = WAY) -> list[str]:
    """What is wrong with the spans of one order as a tree; nothing where it is whole. `way` is the kinds on its way."""
    if not spans:
        return ["no step of it arrived"]
    found = []
    if len(traces := {span.trace for span in spans}) > 1:
        found.append(f"it is torn into {len(traces)} traces")
    found += [f"{span} arrived {count} times" for span, count in _doubled(spans)]
    ids = {span.id for span in spans}
    roots = [span for span in spans if not span.parent]
    if len(roots) != 1:
        found.append(f"it has {len(roots)} beginnings: {', '.join(map(str, roots))}")
    found += [f"what caused {span} is missing" for span in spans if span.parent and span.parent not in ids]
    if not found and not _has_way(roots[0], spans, way):
        found.append(f"none of its ways is {' > '.join(way)}: " + ", ".join(map(str, spans)))
    return found


def backwards(spans: Sequence[Span]) -> list[str]:
    """The steps that are told to have begun before the step that caused them, or to have ended before they began."""
    began = {span.id: span.began_ns for span in spans}
    return [str(s) for s in spans if s.began_ns < began.get(s.parent, 0) or s.ended_ns < s.began_ns]


def nameless(spans: Sequence[Span]) -> list[str]:
    """The steps that are errors, or record an exception, and do not tell of what kind."""
    told = [(span, span.attributes.get(ERROR_TYPE)) for span in spans if span.status == "error"]
    told += [(span, event["attributes"].get(_RAISED)) for span in spans for event in span.events if _records(event)]
    return [str(span) for span, kind in told if not kind]


def nothing_wrong(look: Callable[[], list[str]], what: str, within_s: float = ARRIVES_WITHIN_S) -> None:
    """What `look` finds wrong is gone in time. AssertionError with what is still wrong then."""
    left = look_until(not_, look, within_s, 0.1)
    must(not left, f"{what}: {'; '.join(left[:5])}")


def _records(event: Mapping[str, Any]) -> bool:
    return bool(event["name"] == EXCEPTION)


def _doubled(spans: Sequence[Span]) -> list[tuple[Span, int]]:
    counted = Counter(span.id for span in spans)
    return [(span, counted[span.id]) for span in {span.id: span for span in spans}.values() if counted[span.id] > 1]


def _has_way(root: Span, spans: Sequence[Span], way: Sequence[str]) -> bool:
    """Whether some way from `root` has these kinds, and each other process on it is another service."""
    return any(_changes(found) == len(set(_services(found))) - 1 for found in _ways([root], spans, way))


def _ways(so_far: list[Span], spans: Sequence[Span], way: Sequence[str]) -> Iterator[list[Span]]:
    steps = [span for span in so_far if span.kind != "internal"]
    if tuple(span.kind for span in steps) != tuple(way[: len(steps)]):
        return
    if len(steps) == len(way):
        yield steps
        return
    for span in spans:
        if span.parent == so_far[-1].id:
            yield from _ways([*so_far, span], spans, way)


def _services(steps: Sequence[Span]) -> list[str]:
    return [step.service for step in steps]


def _changes(steps: Sequence[Span]) -> int:
    """How often the way goes on in another process: behind a call, and behind a message."""
    return sum(step.kind in ("server", "consumer") for step in steps[1:])
