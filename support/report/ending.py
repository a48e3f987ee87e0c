"""What is made of every run at its end, after its verdict was told."""

import os
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from support.ledger.folder import MARKDOWN, PAGE

if TYPE_CHECKING:
    from support.ledger.completion import Outcome


def load_ahead() -> None:
    """Loads the page's libraries in the background, while the caller waits for something else."""
    threading.Thread(target=import_module, args=["support.report.page"], daemon=True).start()


def write(outcome: "Outcome") -> list[str]:
    """Writes the page and the Markdown of `outcome` into its folder, and returns what was damaged on the way.

    Raises OSError when they cannot be written.
    """
    # The libraries of the page take longer to load than all the rest: whoever does not get here does not pay.
    from support.report.markdown import markdown
    from support.report.material import gather
    from support.report.page import page

    material = gather(outcome)
    _put(outcome.path / PAGE, page(material))
    _put(outcome.path / MARKDOWN, markdown(material))
    return material.problems


def after_verdict(outcome: "Outcome") -> None:
    """Does the same at the end of a run: that it cannot be done is told, and changes nothing else.

    Neither does a Ctrl-C that comes meanwhile: the verdict has been told, and the exit code is to follow from it.
    """
    try:
        write(outcome)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - see above
        told = f"the page of the run could not be made: {type(error).__name__}: {error}"
        print(f"{told}; ./l3 report {outcome.path} tries again", file=sys.stderr, flush=True)


def _put(path: Path, text: str) -> None:
    """Writes a file in one step: there is never half a page."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_text(text, encoding="utf-8", errors="replace")
    new.replace(path)
