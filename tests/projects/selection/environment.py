"""Wiring of the recorder, nothing else."""

import os
from typing import Any

from support.run.recorder import Recorder
from support.settings import Settings


def before_all(context: Any) -> None:
    """Opens the recorder; Redis is the only service that there is."""
    context.recorder = Recorder.open(context, Settings.load(os.environ, context.config.userdata), ("redis",))
