"""What the kernel says of a process in a container: seen on a Redis, which is a process like any other."""

import socket
from typing import cast

import pytest
from docker.models.containers import ExecResult

from support.containers.fleet import Fleet
from support.containers.platform import Node
from support.errors import ProbeError
from support.polling import poll
from support.probes import node as node_probe


def test_connections_are_counted_while_they_are_open(fleet: Fleet) -> None:
    redis = fleet.named("redis")
    process = cast(Node, redis)
    before = node_probe.connections(process)
    with socket.create_connection(redis.address(), 2), socket.create_connection(redis.address(), 2):
        assert poll(lambda: node_probe.connections(process) == before + 2, within_s=5)
    assert poll(lambda: node_probe.connections(process) == before, within_s=5)


def test_the_process_that_is_measured_is_found_by_its_name(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    redis = cast(Node, fleet.named("redis"))
    redis.exec(["sh", "-c", "sleep 60 & echo"])
    first = node_probe.resident_bytes(redis)
    monkeypatch.setattr(redis, "process", "redis-server")
    assert node_probe.resident_bytes(redis) == pytest.approx(first, rel=0.2)
    monkeypatch.setattr(redis, "process", "sleep")
    assert node_probe.resident_bytes(redis) < first / 2
    monkeypatch.setattr(redis, "process", "no-such-server")
    with pytest.raises(ProbeError, match=r"redis has no process no-such-server, but \['redis-server', 'sh'"):
        node_probe.resident_bytes(redis)


def test_a_process_that_does_not_listen_is_not_taken_for_one_without_connections(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis = fleet.named("redis")
    monkeypatch.setattr(redis, "port", 6380)
    with pytest.raises(ProbeError, match="redis has no socket that listens on port 6380"):
        node_probe.connections(cast(Node, redis))


def test_a_command_whose_output_the_engine_lost_is_run_again(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    redis = fleet.named("redis")
    lost, run = ["once"], redis.exec

    def lossy(command: list[str]) -> ExecResult:
        return ExecResult(0, b"") if lost and lost.pop() else run(command)

    monkeypatch.setattr(redis, "exec", lossy)
    assert node_probe.open_files(cast(Node, redis)) > 3
    monkeypatch.setattr(redis, "exec", lambda _: ExecResult(0, b""))
    monkeypatch.setattr(node_probe, "_PRINTS_WITHIN_S", 0.2)
    with pytest.raises(ProbeError, match=r"ls /proc/1/fd in redis printed nothing for 0.2 s"):
        node_probe.open_files(cast(Node, redis))


def test_a_table_whose_end_the_engine_lost_is_asked_for_again(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    redis = fleet.named("redis")
    lost, run = ["once"], redis.exec
    head = ExecResult(0, b"  sl  local_address rem_address   st\n")
    monkeypatch.setattr(redis, "exec", lambda command: head if lost and lost.pop() else run(command))
    assert node_probe.connections(cast(Node, redis)) >= 0
    monkeypatch.setattr(redis, "exec", lambda _: head)
    monkeypatch.setattr(node_probe, "_PRINTS_WITHIN_S", 0.2)
    with pytest.raises(ProbeError, match="redis has no socket that listens"):
        node_probe.connections(cast(Node, redis))
