"""The footing of every process of the suite: its caller's environment bends no verdict, and no output ends a run.

Whoever begins a process calls `take` first: the launcher, environment.py, and `python support MODULE`, by which the
suite starts processes of its own. Standard library only, and little of it: the launcher and the guard begin here.
"""

import contextlib
import io
import os
import resource
import select
import sys
import warnings
from pathlib import Path
from types import TracebackType
from typing import NoReturn

COULD_NOT_TELL = 3
_SUPPORT = Path(__file__).resolve().parent
# `git -C` still follows these, as in a hook of git's, to another repository (git rev-parse --local-env-vars).
_GIT = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE")
_OF_OTHERS = ("PYTHON", "TESTCONTAINERS_", "TC_", "RYUK_")  # settings of the caller's interpreter, and of other suites
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_A_RUN_OPENS = 1024  # sockets for the most part: a crowd of users has one each
_LOOPBACK = ("127.0.0.1", "localhost")


def take() -> None:
    """Stands this process on its own footing; doing it again does nothing.

    Its streams take every letter and outlive their readers, what it starts inherits nothing of its caller's Python,
    nothing on loopback is asked of a proxy, it may open as many files as it ever may, and an error that nobody caught
    ends it with 3: 1 is for a promise that is broken. With 3 it ends at once in an interpreter that drops assertions.
    """
    if sys.excepthook is _end:
        return
    sys.excepthook = _end
    _refuse_unfit()
    _open_streams()
    sys.stdout = sys.__stdout__ = _lasting(sys.__stdout__, 1)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _lasting(sys.__stderr__, 2)  # type: ignore[misc]
    for name in list(os.environ):
        if name.startswith(_OF_OTHERS) or name in _GIT:
            del os.environ[name]
    if sys.warnoptions:  # a warning that is to be an error would end what has nothing to do with it
        warnings.resetwarnings()
    _spare_loopback_the_proxies()
    _allow_open_files()


def isolate(script: str, words: list[str]) -> None:
    """Goes on as `script` in an interpreter that no variable bends; returns when this is one."""
    take()
    if not (sys.flags.isolated and sys.flags.utf8_mode):
        os.execv(sys.executable, python(sys.executable, script, *words))


def _refuse_unfit() -> None:
    """Ends the process with 3 when this interpreter cannot judge anything."""
    reason = None
    if sys.flags.optimize:
        reason = "PYTHONOPTIMIZE (or -O) drops assertions, and promises that are broken would pass; unset it"
    elif sys.flags.inspect:
        reason = "PYTHONINSPECT (or -i) ends in a prompt, and not with the verdict's exit code; unset it"
    if reason:
        print(reason, file=sys.stderr, flush=True)
        os._exit(COULD_NOT_TELL)  # SystemExit would end in the prompt


def python(executable: str, *words: str) -> list[str]:
    """The command line of a Python that reads no PYTHON variable, no user's packages, and speaks UTF-8 (python(1))."""
    return [executable, "-I", "-X", "utf8", *words]


def helper(module: str, *words: str) -> list[str]:
    """The command line by which the suite starts `module` of its own, found from everywhere."""
    return python(sys.executable, str(_SUPPORT), module, *words)


def leave(code: int) -> NoReturn:
    """Ends the process at once, with all said: a thread that still waits for somebody would hold it for minutes."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def open_files() -> int:
    """How many files this process may open at once, sockets included."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def few_files() -> str | None:
    """A warning, where a run may need more files than it may open; None where it may not."""
    if open_files() >= _A_RUN_OPENS:
        return None
    return (
        f"warning: a process of the suite may open {open_files()} files at once, and a run may need {_A_RUN_OPENS}; "
        f"what it cannot ask then is unknown. Raise the limit: ulimit -Hn {_A_RUN_OPENS}"
    )


class _Outlet(io.RawIOBase):
    """A descriptor to write to. Whoever closes it, or fills its disk, ends the talking and nothing else."""

    def __init__(self, descriptor: int, name: str) -> None:
        self._descriptor = descriptor
        self.name = name

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: memoryview) -> int:  # type: ignore[override]
        """Writes what it can; what cannot be written is lost, and nobody is told, because nobody would hear it."""
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:  # whoever shares a terminal or a pipe may have made it so
            select.select([], [self._descriptor], [])
            return self.write(data)
        except OSError:
            return len(data)


def _open_streams() -> None:
    """Gives the standard descriptors that are closed to nothing, or the next file would be one of them."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number that is free (open(2))


def _lasting(stream: io.TextIOWrapper | None, descriptor: int) -> io.TextIOWrapper:
    """`stream`, which from now on writes to an outlet; a new one when it was closed.

    It stays the same object, because behave has handed it on by now. A letter that it does not know is written as its
    number.
    """
    outlet = io.BufferedWriter(_Outlet(descriptor, "<stdout>" if descriptor == 1 else "<stderr>"))  # type: ignore[type-var]
    if stream is None:
        return io.TextIOWrapper(outlet, "utf-8", "backslashreplace", line_buffering=True)
    with contextlib.suppress(OSError):
        stream.flush()
    more = {"encoding": stream.encoding, "errors": "backslashreplace", "line_buffering": True}
    stream.__init__(outlet, **more)  # type: ignore[misc]
    return stream


def _spare_loopback_the_proxies() -> None:
    if not any(os.environ.get(name) or os.environ.get(name.upper()) for name in _PROXIES):
        return
    spared = (os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "").split(",")
    if "*" not in (host.strip() for host in spared):
        spared = [*filter(None, spared), *(host for host in _LOOPBACK if host not in spared)]
        os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(spared)


def _allow_open_files() -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(OSError, ValueError):  # the kernel's own limit may be lower (getrlimit(2), EPERM)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> NoReturn:
    """Ends the process for an error that nobody caught."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        print(f"nobody expected this, so nothing is told: {kind.__name__}: {error}", file=sys.__stderr__)
    raise SystemExit(COULD_NOT_TELL)
