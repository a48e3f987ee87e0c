"""Where the container engine is: found in one place, for the launcher, behave, the guard and both SDKs alike.

Standard library only, because the launcher asks on a bare machine.
"""

import json
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from support.errors import EngineError

DEFAULT = "unix:///var/run/docker.sock"
_SCHEMES = ("unix://", "tcp://", "http://", "https://")
_TLS = ("DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")


@dataclass(frozen=True)
class Address:
    """Where the engine is. `named_by`: who chose it ("DOCKER_HOST", a context); None for the default.

    `certificates` is the folder of a context's own (ca.pem, cert.pem, key.pem), else None; `verify`: is the engine's
    certificate to be verified.
    """

    url: str
    named_by: str | None
    certificates: Path | None = None
    verify: bool = True


def find(environ: Mapping[str, str]) -> Address:
    """The engine that docker's own client takes: DOCKER_HOST's, the current context's, or the default one.

    Raises EngineError, with the name and who named it, when that leads to no engine that the suite could use.
    """
    if host := environ.get("DOCKER_HOST"):
        return _usable(Address(host, "DOCKER_HOST"))
    folder = Path(environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    config = folder / "config.json"
    name, by = environ.get("DOCKER_CONTEXT"), "DOCKER_CONTEXT"
    if not name:
        name, by = _read(config).get("currentContext"), str(config)
    return _usable(_of_context(str(name), by, folder)) if name and name != "default" else Address(DEFAULT, None)


def settle(environ: MutableMapping[str, str]) -> Address:
    """The same, written into `environ` so that whoever reads it, this process's children too, finds this engine."""
    address = find(environ)
    environ["DOCKER_HOST"] = address.url
    environ.pop("DOCKER_CONTEXT", None)
    if address.url.startswith("unix://"):
        for name in _TLS:  # no certificate is asked for there, and the SDK would look for them all the same
            environ.pop(name, None)
    elif address.certificates:
        environ.update(zip(_TLS, ("1" if address.verify else "", str(address.certificates)), strict=True))
    return address


def _of_context(name: str, by: str, folder: Path) -> Address:
    """What the docker context `name` leads to; `by` is who named it, `folder` that of docker's configuration."""
    key = sha256(name.encode()).hexdigest()
    meta = _read(folder / "contexts" / "meta" / key / "meta.json")
    endpoint = meta.get("Endpoints", {}).get("docker", {})
    if not endpoint.get("Host"):
        raise EngineError(
            f"{by} names the docker context {name}, and there is none of that name in {folder / 'contexts'}; "
            f"name another (docker context ls lists them), or none"
        )
    certificates = folder / "contexts" / "tls" / key / "docker"
    return Address(
        endpoint["Host"],
        f"the docker context {name}",
        certificates if certificates.is_dir() else None,
        not endpoint.get("SkipTLSVerify"),
    )


def _usable(address: Address) -> Address:
    if address.url.startswith("ssh://"):
        raise EngineError(
            f"{address.named_by} names {address.url}, and an engine over ssh publishes its containers' ports on "
            f"127.0.0.1 of its own machine, where the suite cannot reach them; run the suite on that machine"
        )
    if not address.url.startswith(_SCHEMES):
        wanted = f"an address such as {DEFAULT} or tcp://127.0.0.1:2375"
        raise EngineError(f"{address.named_by} names {address.url}, which is no engine's address; expected {wanted}")
    return address


def _read(path: Path) -> dict[str, Any]:
    """A JSON file; empty when it is not there or cannot be read, as docker's client takes it."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
