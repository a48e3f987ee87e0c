"""What stands in a container, as a command inside it tells."""

from support.containers.service import Service
from support.polling import poll


def said(service: Service, *words: str) -> bytes:
    """What the command prints, which is something. The engine loses that now and then: it is run again then."""
    return bytes(poll(lambda: service.exec(list(words)).output, 5))
