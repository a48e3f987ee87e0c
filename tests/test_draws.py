"""What scenarios draw: the same by the same seed, which a failure tells."""

from support.settings import Settings
from support.worlds.draw import Draw


def test_the_seed_that_a_failure_tells_draws_the_same_again() -> None:
    drawn = Draw(Settings.load({}, {}).seed)
    name, _, seed = str(drawn).removeprefix("drawn by ").partition("=")
    again = Draw(Settings.load({name: seed}, {}).seed)
    assert [drawn.random() for _ in range(9)] == [again.random() for _ in range(9)]


def test_streams_of_one_seed_are_set_apart_and_tell_the_same_seed() -> None:
    first, second = Draw(7).apart(1), Draw(7).apart(2)
    assert first.random() != second.random()
    assert str(first) == str(second) == str(Draw(7))


def test_without_a_seed_each_run_draws_anew() -> None:
    assert len({Settings.load({}, {}).seed for _ in range(9)}) > 1
