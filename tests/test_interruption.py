"""What an interruption promises: all is cleaned, and the process ends, also when that hangs."""

import os
import signal
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from support.polling import poll
from support.run import interruption
from support.run.interruption import Interruption


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What the last resort was told; cleaning may take a second."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.setattr(interruption, "CLEANED_WITHIN_S", 1.0)
    yield []
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("number", "name"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")])
def test_a_clean_up_that_hangs_is_ended_with_the_process(number: int, name: str, told: list[str]) -> None:
    hung = threading.Event()

    def last_resort(reason: str) -> None:
        told.append(reason)
        hung.set()

    noted = Interruption(SimpleNamespace(aborted=False), last_resort)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)
        signal.sigtimedwait([], 5)
    assert not told
    assert hung.wait(5)
    assert (noted.by, told) == (name, [f"interrupted by {name}; not all was cleaned within 1 s"])


def test_a_second_interruption_gives_no_more_time(told: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    runner = SimpleNamespace(aborted=False)
    Interruption(runner, told.append)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)
    runner.aborted = True
    os.kill(os.getpid(), signal.SIGINT)
    assert "already ending" in capsys.readouterr().err
    assert poll(lambda: told, 5)
    threading.Event().wait(1.5)
    assert len(told) == 1
