"""Providers: the third parties that nodes call, in containers of the suite's own; each is found by its folder."""

from pathlib import Path
from typing import ClassVar

import requests

from support.containers.http import answers_200
from support.containers.service import MIB, Limits, Store
from support.errors import FleetError

_ROOM = Path(__file__).resolve().parent.parent / "providers"
_SIGN_OF_LIFE = "/.provider"  # answered by the third party's port, and counted by no meter
# Run in the container, which has an interpreter and no other client.
_ASK = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=float(sys.argv[2])); print('here')"


class ProviderService(Store):
    """One provider: nodes reach the third party that it plays, and the suite alone its control port."""

    port = 9000
    control_port: ClassVar[int] = 9001
    limits = Limits(memory=128 * MIB, cpus=1, pids=64)
    image_name = "providers"
    question = f"GET {_SIGN_OF_LIFE}"

    def __init__(self, *args: object, **more: object) -> None:
        """As every service; with the control port published too."""
        super().__init__(*args, **more)  # type: ignore[arg-type]
        self._published[self.control_port] = 0

    @staticmethod
    def url(host: str, port: int) -> str:
        """http://host:port."""
        return f"http://{host}:{port}"

    @property
    def control_url(self) -> str:
        """Where the suite tells it how to misbehave, and asks what arrived; the same after a restart."""
        return self.url(*self.address(self.control_port))

    def answers(self, host: str, port: int, timeout_s: float = 1.0) -> bool:
        """Whether the third party is reached there; also through a proxy."""
        return answers_200(host, port, _SIGN_OF_LIFE, timeout_s)

    def answers_inside(self, host: str, port: int, within_s: float = 2.0) -> bool:
        """The same, asked from inside its container."""
        ask = ["python", "-c", _ASK, self.url(host, port) + _SIGN_OF_LIFE, f"{within_s:g}"]
        return bool(self.exec(["timeout", f"{within_s:g}", *ask]).output.strip() == b"here")

    def _emptied(self) -> object:
        """Lets it forget everything, and returns what its meter still has."""
        with requests.Session() as http:
            http.trust_env = False
            try:
                http.post(f"{self.control_url}/forget", timeout=5).raise_for_status()
                return http.get(f"{self.control_url}/meter", timeout=5).json()["requests"]
            except (requests.RequestException, KeyError) as error:
                raise FleetError(f"{self.name} was not emptied: {error}") from error


def _provider(folder: Path) -> type[ProviderService]:
    kind = folder.name.replace("_", "-")
    own = {
        "__doc__": f"The provider {kind}.",
        "kind": kind,
        "setting": f"{folder.name.upper()}_URL",
        "command": ["python", "-m", "providers", kind],
    }
    return type("".join(word.title() for word in kind.split("-")) + "Service", (ProviderService,), own)


# A class for each of them: upstream is told to nodes as UPSTREAM_URL, payment-sandbox as PAYMENT_SANDBOX_URL.
PROVIDERS = tuple(_provider(module.parent) for module in sorted(_ROOM.glob("*/provider.py")))
