"""`./l3 clean`: removes what dead runs left, and says what."""

import argparse

SUMMARY = "remove what dead runs left, and say what"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing of its own."""


def execute(options: argparse.Namespace) -> int:
    """Removes the containers and networks whose run is dead. 0 when nothing of them is left, else 3."""
    from support.containers.engine import connect
    from support.containers.sweep import left_alone, remove_dead
    from support.errors import SuiteError

    try:
        client = connect()
        removed = remove_dead(client)
    except SuiteError as error:
        print(f"error: {error}")
        return 3
    for name in removed:
        print(f"removed {name}")
    alone = left_alone(client)
    print(f"{len(removed)} removed; {len(alone)} left alone because their run lives, or is another host's")
    return 0
