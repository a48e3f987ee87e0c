"""Wiring of the recorder, nothing else."""

import os
from typing import Any

from support.platforms.platform import Platform
from support.run.recorder import Recorder
from support.settings import Settings


def before_all(context: Any) -> None:
    """Opens the recorder; Redis is the only service that there is."""
    settings = Settings.load(os.environ, context.config.userdata)
    context.recorder = Recorder.open(context, settings, ("redis",), Platform(settings.platform))
