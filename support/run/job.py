"""One feature in a process of its own: behave, which ends when the process that began the run does.

`python -m support.run.job ARGUMENTS` takes behave's arguments.
"""

import os
import signal
import sys
import threading
from pathlib import Path

from behave.__main__ import main

from support.run.sentences import why_not_loaded


def end_with_parent() -> None:
    """Waits in a thread for the parent's end, and then ends this process as SIGTERM does."""
    threading.Thread(target=_await_end, daemon=True).start()


def _await_end() -> None:
    """The parent holds the other end of standard input, and the kernel closes it whatever the parent dies of."""
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    end_with_parent()
    try:
        sys.exit(main(sys.argv[1:]))
    except Exception as error:  # noqa: BLE001 - a step module may raise anything while it loads
        sys.exit(why_not_loaded(error, Path.cwd()))  # the last words, which become the reason of its scenarios
