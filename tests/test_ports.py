"""Ports that are drawn for containers: free, and no other process's."""

import socket
import subprocess
import sys

import pytest

from support.containers import ports
from support.errors import FleetError
from support.settings import ROOT

OTHER = "import sys; from support.containers.ports import draw; print(*draw(150), flush=True); sys.stdin.read()"


def test_two_processes_draw_from_different_ports_and_a_third_may_have_those_of_one_that_is_gone() -> None:
    command = [sys.executable, "-c", OTHER]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as other:
        assert other.stdout
        theirs = {int(word) // ports._SIZE for word in other.stdout.readline().split()}
        mine = {port // ports._SIZE for port in ports.draw(350)}
        assert len(theirs) >= 2
        assert not theirs & mine
        (theirs_again,) = [block for block in [min(theirs)] if not _claimable(block)]
        assert other.stdin
        other.stdin.close()
        other.wait(10)
    assert _claimable(theirs_again)


def _claimable(block: int) -> bool:
    with socket.socket(socket.AF_UNIX) as claim:
        try:
            claim.bind(f"\0l3-ports-{block - ports._FIRST // ports._SIZE}")
        except OSError:
            return False
    return True


def test_what_somebody_listens_on_is_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        taken = listening.getsockname()[1]
        monkeypatch.setattr(ports, "_left", [ports.draw(1)[0], taken])
        assert taken not in ports.draw(1)


def test_when_others_have_all_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_left", [])
    monkeypatch.setattr(ports, "_BLOCKS", 0)
    with pytest.raises(FleetError, match="no ports are left between 20000 and 20000"):
        ports.draw(1)
