"""A shop whose every answer is counted, with the rules that wake somebody when customers suffer."""

import os
import shutil

# The workers of a node count into files in this folder, and whoever answers a scrape adds them up. The library decides
# that when it is first imported. What was counted before this start is Prometheus's to remember.
_COUNTS = os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", "/tmp/counts")
shutil.rmtree(_COUNTS, ignore_errors=True)
os.makedirs(_COUNTS)

from .capability import Capability  # noqa: E402

__all__ = ["Capability"]
