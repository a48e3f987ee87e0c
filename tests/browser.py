"""A real browser, driven from outside: what the page shows, what it asks for, and what its scripts complain of."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from support.cli import browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]


class Visit:
    """A page that is open: what it asked for, and what went wrong in it."""

    def __init__(self, page: "Page") -> None:
        self.page = page
        self.requests: list[str] = []
        self.errors: list[str] = []
        page.on("request", self._asked)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text))

    def sums(self, what: str) -> tuple[str, str, str]:
        """Verified, exposed and not verified as the page shows them: `what` is mrr, all, saving, or tier1 to tier5."""
        texts = [self.page.inner_text(f"[data-sum='{what}-{kind}']") for kind in ("verified", "exposed", "untold")]
        return texts[0], texts[1], texts[2]

    def text(self, selector: str) -> str:
        """What `selector` shows."""
        return self.page.inner_text(selector)

    def _asked(self, request: "Request") -> None:
        self.requests.append(request.url)


@contextmanager
def started() -> Iterator["Browser"]:
    """The machine's own browser, without a window. Playwright makes a user data folder for it that is new."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=browser.path(), args=FLAGS)
        try:
            yield chromium
        finally:
            chromium.close()


def visit(browser: "Browser", file: Path, **context: object) -> Visit:
    """Opens `file` in a context of its own: `viewport`, `color_scheme` and so on as Playwright calls them."""
    opened = Visit(browser.new_context(**context).new_page())  # type: ignore[arg-type]
    opened.page.goto(file.as_uri())
    return opened
