"""What is counted, and how all workers of a node tell it as one.

Names, units and types: prometheus.io/docs/practices/naming and /histograms. Several workers:
prometheus.github.io/client_python/multiprocess.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from starlette.requests import Request
from starlette.responses import Response

# How requests end, besides by a status: the answer broke off, or the customer did not wait for it (as nginx counts).
BROKEN_OFF, LEFT = "broken off", "499"
ENDINGS = ("200", "401", "404", "405", "429", "500", "502", "503", BROKEN_OFF, LEFT)
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0)
_PID = re.compile(r"_(\d+)\.db$")

# Series are declared in this process, and told by the registry that is made for each scrape.
_DECLARED = CollectorRegistry()
requests = Counter(
    "http_requests", "Requests that have ended, by how.", ["method", "route", "status"], registry=_DECLARED
)
seconds = Histogram(
    "http_request_duration_seconds",
    "From a request's first byte to the last of its answer.",
    ["method", "route"],
    buckets=SECONDS,
    registry=_DECLARED,
)
in_flight = Gauge(
    "http_requests_in_flight",
    "Requests that have not ended.",
    multiprocess_mode="livesum",
    registry=_DECLARED,
)


def declare(routes: Iterable[tuple[str, str]]) -> None:
    """Makes every series of these (method, route) exist at 0: a counter that is born at 1 has not risen."""
    in_flight.set(0)
    for method, route in routes:
        seconds.labels(method, route)
        for ending in ENDINGS:
            requests.labels(method, route, ending)


def show(_: Request) -> Response:
    """All that the node's workers have counted. It reads files, so it is no coroutine: it gets a thread."""
    forget_the_dead()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def forget_the_dead() -> None:
    """Lets go what workers that have ended still hold in flight; a killed one could not do so itself."""
    for path in Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob("gauge_live*.db"):
        named = _PID.search(path.name)
        if named and not Path("/proc", named[1]).exists():
            mark_process_dead(int(named[1]))
