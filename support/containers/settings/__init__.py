"""How the nodes are configured for each capability, beside what every node is told."""

import tomllib
from pathlib import Path


def settings_of(capability: str) -> dict[str, str]:
    """The environment variables of the nodes for `capability`; none where it has no file here."""
    path = Path(__file__).with_name(f"{capability}.toml")
    return tomllib.loads(path.read_text()) if path.exists() else {}
