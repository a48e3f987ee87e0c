"""Customers' lines of messages, of any names and texts: the provider is to be asked for each as it was published."""

import unicodedata
from string import ascii_lowercase
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty

from support.capabilities.message_queue_redis_streams.repetitions import unexplained
from support.worlds.crowds import for_each

if TYPE_CHECKING:
    from support.capabilities.message_queue_redis_streams.world import Message, World
    from support.worlds.draw import Draw

_LETTERS = "aZ0 .,:;*+-_/\\'\"<>&%?#=@()[]{}$^`|~\t\r\n\0\x1f\x7f\x85\u2028éñß€Ωשא漢字🙂\u0301\u200b\ufeff"
_MORE_LETTERS = 60
_DIFFER_LATE = "Steuerberatungsgesellschaft mbH & Co. KG, Wien/Graz/Linz/Bregenz"  # whoever cuts a name off mistakes it


class Lines:
    """Messages of several customers, each customer's one after the other."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._draw = world.draw()

    def publish(self, customers: int, each: int) -> None:
        """`each` messages of so many customers, each through both producers, with texts that are drawn.

        One of them is as large as a message may be.
        """
        world = self._world
        keys = [world.customer() for _ in range(customers)]
        lines = [[world.new(key, _text(self._draw)) for _ in range(each)] for key in keys]
        lines[-1][0] = world.mistakes.large(0, keys[-1])
        for_each(lines, self._publish)

    def names(self) -> list[str]:
        """A customer's name, and others that differ from it in one thing each; where they do is drawn."""
        name = f"{self._world.customer()}, {_DIFFER_LATE}"
        # Where there is a letter of the Latin alphabet: not all who mistake these mistake an umlaut.
        place = self._draw.choice([number for number, letter in enumerate(name) if letter in ascii_lowercase])
        changed = [name.upper(), f"{name[:place]}{name[place].upper()}{name[place + 1 :]}", name[:-1], name + "s"]
        spaced = [name.replace(" ", other) for other in ("  ", "+", "%20", "_", "\u00a0", "")]
        inserted = [f"{name[:place]}{one}{name[place:]}" for one in ("\u200b", "*", "?", "-", "\u0301")]
        spelt = [unicodedata.normalize("NFD", name), name.replace("&", "&amp;"), f"{name} ", f"{{{name}}}"]
        return [name, *changed, *spaced, *inserted, *spelt]

    def expect_as_published(self) -> None:
        """All that the provider was asked for is as it was published; nothing was begun twice that went well."""
        world, arrivals = self._world, self._world.all_arrivals()
        wanted = {one.id: world.payload(one).decode(errors="replace") for one in world.messages}
        other = {str(one.fields["key"]) for one in arrivals if wanted.get(str(one.fields["key"])) != one.body}
        assert_that(sorted(other), empty(), f"messages that arrived other than they were published, {self._draw}")
        assert_that(unexplained(arrivals), empty(), "messages that were begun twice")

    def _publish(self, line: "list[Message]") -> None:
        for place, message in enumerate(line):
            self._world.accept(message, place)
            self._world.repeat(message, place + 1)


def _text(draw: "Draw") -> str:
    """Each letter that may be mistaken, in any order, and some of them again."""
    return "".join(draw.sample(_LETTERS, len(_LETTERS)) + draw.choices(_LETTERS, k=draw.randrange(_MORE_LETTERS)))
