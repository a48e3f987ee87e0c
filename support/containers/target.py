"""What the suite has to know of the target's containers, whatever platform it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter


@dataclass(frozen=True)
class Target:
    """How a node is asked for its health, which of its processes is measured, what it is told, where its files are.

    `health` is a path that answers 200. `process` is the name that the kernel knows the process by; without one it is
    the container's first (PID 1). `environment` has templates of what the suite gives; without it the names are given
    as they are. `files` is where in the image, from its working directory, the files are that services are given.
    """

    health: str = "/health"
    process: str = ""
    environment: Mapping[str, str] | None = None
    files: str = "reference/{capability}/{name}"

    def told(self, given: Mapping[str, str]) -> dict[str, str]:
        """The environment of a node that the suite gives `given` to. What needs more than that is left out."""
        if self.environment is None:
            return dict(given)
        told = self.environment.items()
        return {name: text.format_map(given) for name, text in told if given.keys() >= names_in(text)}


def names_in(template: str) -> set[str]:
    """The names that `template` uses, as in "redis://{HOST}"; a brace is written twice. Raises ValueError."""
    found = set()
    for _, name, form, conversion in Formatter().parse(template):
        if form or conversion or (name and not name.isidentifier()):
            raise ValueError(f"{template!r} is no template of names alone")
        if name is not None:
            found.add(name)
    return found
