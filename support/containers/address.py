"""Where the container engine is: found in one place, for the launcher, behave, the guard and both SDKs alike.

Standard library only, because the launcher asks on a bare machine.
"""

import json
import shutil
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from support.errors import EngineError

DEFAULT = "unix:///var/run/docker.sock"
CERTIFICATES = ("ca.pem", "cert.pem", "key.pem")
_NETWORK = ("tcp://", "http://", "https://")
_SCHEMES = ("unix://", "ssh://", *_NETWORK)
_OTHER_AUTHORITIES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_TLS = ("DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")


@dataclass(frozen=True)
class Address:
    """Where the engine is. `named_by`: who chose it ("DOCKER_HOST", a context); None for the default.

    `certificates` is the folder that has ca.pem, cert.pem and key.pem where it speaks TLS, else None; `verify`: is the
    engine's certificate to be verified.
    """

    url: str
    named_by: str | None
    certificates: Path | None = None
    verify: bool = True

    @property
    def elsewhere(self) -> bool:
        """Whether 127.0.0.1 of the engine's machine has to be taken for another one than this machine's.

        An engine that is reached over a network may be a tunnel's end, also where its address is 127.0.0.1.
        """
        return not self.url.startswith("unix://")

    @property
    def over_ssh(self) -> bool:
        """Whether an ssh has to connect first, which takes seconds."""
        return self.url.startswith("ssh://")


def find(environ: Mapping[str, str]) -> Address:
    """The engine that docker's own client takes: DOCKER_HOST's, the current context's, or the default one.

    Raises EngineError, with the name and who named it, when that leads to no engine that the suite could use.
    """
    if host := environ.get("DOCKER_HOST"):
        return _usable(_named(host, environ))
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
    if address.over_ssh or not address.elsewhere:
        for name in _TLS:  # no certificate is asked for there, and the SDK would look for them all the same
            environ.pop(name, None)
    elif address.certificates:
        environ.update(zip(_TLS, ("1" if address.verify else "", str(address.certificates)), strict=True))
    if address.elsewhere:
        _go_straight(environ, urlsplit(address.url).hostname or "")
    return address


def _go_straight(environ: MutableMapping[str, str], host: str) -> None:
    """The SDK's HTTP library would ask a proxy for `host`, and trust others than the engine's own authority."""
    for name in _OTHER_AUTHORITIES:
        environ.pop(name, None)
    spared = (environ.get("no_proxy") or environ.get("NO_PROXY") or "").split(",")
    if any(name.lower() in _PROXIES for name in environ) and host not in spared:
        environ["no_proxy"] = environ["NO_PROXY"] = ",".join([*filter(None, spared), host])


def docker_certificates(environ: Mapping[str, str]) -> Path:
    """The folder of docker's own certificates: what DOCKER_CERT_PATH names, else ~/.docker."""
    return Path(environ.get("DOCKER_CERT_PATH") or Path.home() / ".docker")


def _named(host: str, environ: Mapping[str, str]) -> Address:
    """What DOCKER_HOST leads to, with TLS where the SDK would take it: for DOCKER_TLS_VERIFY or DOCKER_CERT_PATH."""
    if not host.startswith(_NETWORK) or not any(environ.get(name) for name in _TLS):
        return Address(host, "DOCKER_HOST")
    return Address(host, "DOCKER_HOST", docker_certificates(environ), bool(environ.get("DOCKER_TLS_VERIFY")))


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
    if not address.url.startswith(_SCHEMES) or not _well_formed(address.url):
        wanted = f"an address such as {DEFAULT}, tcp://127.0.0.1:2375 or ssh://user@host"
        raise EngineError(f"{address.named_by} names {address.url}, which is no engine's address; expected {wanted}")
    if address.over_ssh and not shutil.which("ssh"):
        raise EngineError(f"{address.named_by} names {address.url}, and there is no ssh here; install openssh-client")
    for path in [address.certificates / name for name in CERTIFICATES] if address.certificates else []:
        try:
            path.open("rb").close()
        except OSError as error:
            raise EngineError(
                f"{address.named_by} names {address.url}, and {path} cannot be read ({error.strerror}); "
                f"let DOCKER_CERT_PATH name a folder with {', '.join(CERTIFICATES)} that this user may read"
            ) from error
    return address


def _well_formed(url: str) -> bool:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:  # no number, or none of a port
        return False
    if parts.scheme == "unix":
        return bool(parts.path)
    return bool(parts.hostname) and port != 0 and parts.path in ("", "/")


def _read(path: Path) -> dict[str, Any]:
    """A JSON file; empty when it is not there or cannot be read, as docker's client takes it."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
