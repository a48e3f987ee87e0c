"""Steps that end in every way that a step can end."""

import contextlib
import os
import signal
import subprocess
import time
import unittest
from typing import Any

from behave import step
from behave.api.pending_step import StepNotImplementedError


@step("a promise is kept")
def kept(context: Any) -> None:
    pass


@step("a promise is broken")
def broken(context: Any) -> None:
    raise AssertionError("expected 200 updates, got 199")


@step("a step has a bug")
def bug(context: Any) -> None:
    raise KeyError("nobody")


@step('Zoë is told "tschüß" in letters that nobody can write')
def letters(context: Any) -> None:
    print("Zoë: \udcff \U0001f642")
    raise AssertionError("expected tschüß 🙂, got \udcff\x00\x1b")


@step("the suite stands still for 3 s, and finds something late")
def stands_still(context: Any) -> None:
    subprocess.Popen(["sh", "-c", f"sleep 3; kill -CONT {os.getpid()}"])
    os.kill(os.getpid(), signal.SIGSTOP)
    raise AssertionError("no answer within 1 s")


@step("a library's own assertion does not hold")
def library(context: Any) -> None:
    unittest.TestCase().assertTrue(False)


@step("a step leaves by SystemExit")
def leaves(context: Any) -> None:
    raise SystemExit(0)


@step("a step is pending")
def pending(context: Any) -> None:
    raise StepNotImplementedError("later")


@step("a step hangs")
def hangs(context: Any) -> None:
    """Leaves a mark, so that a test knows when it has begun."""
    (context.recorder.run_dir / "evidence" / f"{os.getpid()}.running").touch()
    time.sleep(60)


@step("a step hangs and makes an assertion of it")
def hangs_and_asserts(context: Any) -> None:
    try:
        time.sleep(60)
    except BaseException as error:
        raise AssertionError("no answer") from error


@step("a step hangs and swallows everything")
def swallows(context: Any) -> None:
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(60)


@step("a clean-up fails")
def cleanup_fails(context: Any) -> None:
    def sweep() -> None:
        raise OSError("still there")

    context.add_cleanup(sweep)


@step("a nested step is not defined")
def nested_undefined(context: Any) -> None:
    context.execute_steps("Given nobody has defined this")


@step("a nested promise is broken")
def nested_broken(context: Any) -> None:
    context.execute_steps("Given a promise is broken")


@step("it is skipped")
def skipped(context: Any) -> None:
    context.scenario.skip("not today")


@step("the process is gone at once")
def gone(context: Any) -> None:
    os._exit(0)


@step("the process is killed")
def killed(context: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@step("{name} is sent")
def sent(context: Any, name: str) -> None:
    os.kill(os.getpid(), getattr(signal, name))
    time.sleep(30)


@step("the disk of the reports is full")
def disk_is_full(context: Any) -> None:
    """Writes until nothing more fits, where a test has mounted a disk small enough."""
    filler = context.recorder.run_dir / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"0" * 512):
            pass


@step("a clean-up during which Ctrl-C is pressed")
def interrupted_cleanup(context: Any) -> None:
    """The second clean-up leaves a mark."""
    context.add_cleanup((context.recorder.run_dir / "evidence" / "cleaned").touch)
    context.add_cleanup(os.kill, os.getpid(), signal.SIGINT)


@step("a promise is kept in good weather")
def kept_in_good_weather(context: Any) -> None:
    """`-D weather=bad` breaks it."""
    assert context.config.userdata.get("weather") != "bad", "expected 200 updates, got 199"


@step("something is in the way of the page")
def in_the_way(context: Any) -> None:
    """A folder with the page's name."""
    (context.recorder.run_dir / "index.html").mkdir()
