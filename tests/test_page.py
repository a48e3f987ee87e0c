"""The page in a real browser: right sums on its first screen, nothing from outside, and legible for everybody."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

import pytest
from browser import Visit, started, visit
from ledgers import CATALOGUE, REASON, Judge, all_passed, but, ledger, plan_of

from support.cli import browser as chromium
from support.ledger.completion import Outcome, complete
from support.report.ending import write
from support.report.merge import merge

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ALL = list(CATALOGUE["capabilities"])
PAYMENTS, LIVE, CACHE = "payment_gateway_sandbox", "websocket_redis_pubsub", "llm_response_caching_redis"
HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)> ' & <!-- ]]>",
    "\u202eevil\u202c مرحبا {{ 7 * 7 }} {% raw %}",
    "x" * 600,
    "https://example.org/ </style></title></svg>",
]
PHONE = {"viewport": {"width": 390, "height": 844}}

pytestmark = pytest.mark.skipif(chromium.path() is None, reason=str(chromium.lack()))


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """One browser for all; each visit has a context of its own."""
    with started() as running:
        yield running


def shown(browser: "Browser", outcome: Outcome, **context: object) -> Visit:
    """The page of `outcome`, opened; it must ask for itself alone, and complain of nothing."""
    write(outcome)
    opened = visit(browser, outcome.path / "index.html", **context)
    assert opened.requests == [(outcome.path / "index.html").as_uri()]
    assert opened.errors == []
    return opened


@pytest.mark.parametrize(
    ("keys", "judge", "mrr", "tier5", "saving"),
    [
        (ALL, all_passed, ("$1,450K", "$0", "$0"), ("$620K", "$0", "$0"), ("$100K", "$0", "$0")),
        (
            ALL,
            but({f"{PAYMENTS}/2": ("failed", REASON)}),
            ("$950K", "$500K", "$0"),
            ("$120K", "$500K", "$0"),
            ("$100K", "$0", "$0"),
        ),
        (
            ALL,
            but({f"{LIVE}/0": ("unknown", "redis died (exit code 1)")}),
            ("$1,350K", "$0", "$100K"),
            ("$620K", "$0", "$0"),
            ("$100K", "$0", "$0"),
        ),
        (
            ALL,
            but({f"{CACHE}/0": ("failed", REASON), f"{CACHE}/1": ("unknown", "a bug")}),
            ("$1,450K", "$0", "$0"),
            ("$620K", "$0", "$0"),
            ("$0", "$100K", "$0"),
        ),
        ([LIVE], all_passed, ("$100K", "$0", "$1,350K"), ("$0", "$0", "$620K"), ("$0", "$0", "$100K")),
    ],
    ids=["all passed", "one failed", "one unknown", "a saving failed", "one written"],
)
def test_the_first_screen_shows_the_sums(
    browser: "Browser",
    tmp_path: Path,
    keys: list[str],
    judge: Judge,
    mrr: tuple[str, ...],
    tier5: tuple[str, ...],
    saving: tuple[str, ...],
) -> None:
    opened = shown(browser, ledger(tmp_path, plan_of(keys), judge))
    assert (opened.sums("mrr"), opened.sums("tier5"), opened.sums("saving")) == (mrr, tier5, saving)
    assert opened.sums("all") == mrr
    assert opened.text("[data-sum='all-total']") == "$1,450K"
    assert opened.text("[data-sum='saving-total']") == "$100K"
    assert "500K+" in opened.text("#headline")
    bottom = opened.page.evaluate("document.querySelector('.figures').getBoundingClientRect().bottom")
    assert bottom < opened.page.viewport_size["height"], "the sums are below the first screen"  # type: ignore[index]


def test_a_part_says_what_was_not_judged(browser: "Browser", tmp_path: Path) -> None:
    plan = plan_of([LIVE, PAYMENTS])
    plan["scenarios"] = [one for one in plan["scenarios"] if one["id"] in (f"{LIVE}/0", f"{LIVE}/1")]
    opened = shown(browser, ledger(tmp_path, plan))
    assert opened.sums("mrr") == ("$0", "$0", "$1,450K")
    notice = opened.text(".notices")
    assert "Only a part was judged: 2 of 8 scenarios, selected by @L3" in notice
    assert "Not judged at all: “Payments hold what was promised”" in notice
    assert opened.page.locator(f"#f-{LIVE} .scenarios .mark.not-judged").count() == 2


def test_a_run_that_was_killed_says_so(browser: "Browser", tmp_path: Path) -> None:
    lost = {f"{LIVE}/{number}": None for number in (2, 3)}
    opened = shown(browser, ledger(tmp_path, plan_of([LIVE, PAYMENTS]), but(lost)))
    assert opened.sums("mrr") == ("$500K", "$0", "$950K")
    assert "This run was cut short: it was killed. Of 8 selected scenarios, 6 had begun" in opened.text(".notices")


def test_what_is_flaky_is_not_verified(browser: "Browser", tmp_path: Path) -> None:
    bad = but({f"{PAYMENTS}/1": ("failed", REASON)})
    for judge in (all_passed, bad, all_passed):
        outcome = ledger(tmp_path, plan_of([LIVE, PAYMENTS]), judge)
    opened = shown(browser, outcome)
    assert opened.sums("mrr") == ("$100K", "$0", "$1,350K")
    assert outcome.summary["mrr"]["verified"] == 100_000
    assert "1 scenario both passed and failed on this commit" in opened.text(".notices")
    flaky = opened.page.locator(f"[id='s-{PAYMENTS}%2F1']")
    flaky.locator("summary").first.click()
    assert "It passed in 2 of 3 runs of this commit (67%)" in flaky.inner_text()
    assert "changed its verdict twice in 3 runs" in flaky.inner_text()


def test_a_merged_report_adds_up_its_runs(browser: "Browser", tmp_path: Path) -> None:
    first = ledger(tmp_path / "one", plan_of([LIVE]), but({f"{LIVE}/0": ("failed", REASON)}))
    second = ledger(tmp_path / "two", plan_of([PAYMENTS]))
    path = merge([first.path, tmp_path / "two"], tmp_path / "all", tmp_path / "history.jsonl")
    outcome = complete(path, "lost")
    assert outcome is not None
    opened = shown(browser, outcome)
    assert opened.sums("mrr") == ("$500K", "$100K", "$850K")
    assert f"made of 2 runs: {first.plan['run']}, {second.plan['run']}" in opened.text(".notices")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text(browser: "Browser", tmp_path: Path, name: str) -> None:
    plan = plan_of([LIVE], scenarios=1, name=name)
    plan["features"][0]["title"] = name
    outcome = ledger(tmp_path, plan, but({f"{LIVE}/0": ("failed", f"expected {name}, got <b>{name}</b>")}))
    opened = shown(browser, outcome, **PHONE)
    assert opened.text(f"#f-{LIVE} .name") == f"{name} 0"
    assert opened.text(f"#h-{LIVE}") == name
    assert opened.page.locator(".finding b").count() == 0
    assert opened.page.evaluate("document.documentElement.scrollWidth") == 390
    markdown = (outcome.path / "summary.md").read_text(encoding="utf-8")
    assert "<script" not in markdown.replace("` ", "").partition("<details>")[0]


def test_a_failure_says_what_was_expected_and_seen_and_where_to_look(browser: "Browser", tmp_path: Path) -> None:
    plan = plan_of([LIVE])
    folder = tmp_path / "far" / "evidence" / f"{LIVE}-11"
    outcome = ledger(tmp_path, plan, but({f"{LIVE}/1": ("failed", REASON)}))
    next(row for row in outcome.rows if row["verdict"] == "failed")["evidence"] = str(folder)
    (outcome.path / "evidence" / folder.name).mkdir()
    (outcome.path / "evidence" / folder.name / "node-1 #1.log").write_text("what node-1 said")
    opened = shown(browser, outcome)
    finding = dict(
        zip(
            opened.page.locator(".finding > div > dt").all_inner_texts(),
            opened.page.locator(".finding > div > dd").all_inner_texts(),
            strict=True,
        )
    )
    assert finding["Step"] == "Then within 5 s it holds"
    assert finding["Expected"] == "200 updates, once each and in order"
    assert finding["Seen"] == "got 199: 1 lost (17)"
    assert finding["Waited"] == "5.0 s in this step"
    assert "support/worlds/any.py:164" in finding["Look at"] and f"{LIVE}.feature:11" in finding["Look at"]
    link = opened.page.locator(".files a").evaluate("link => link.href")
    assert Path(unquote(urlparse(link).path)).read_text(encoding="utf-8") == "what node-1 said"


def test_planted_bugs_stand_beside_what_catches_them(browser: "Browser", tmp_path: Path) -> None:
    outcome = ledger(tmp_path, plan_of([LIVE]))
    assert "there is no kill matrix yet" in shown(browser, outcome).page.content()
    mutants = [
        {"title": "A <b>lost</b> update", "claims": [f"{LIVE}/0"], "caught_by": [f"{LIVE}/0"], "verdict": "caught"},
        {"title": "A doubled one", "claims": [f"{LIVE}/1"], "caught_by": [], "verdict": "survived"},
    ]
    (tmp_path / "kill_matrix.json").write_text(json.dumps({"began": "2026-11-20T10:00:00Z", "mutants": mutants}))
    opened = shown(browser, outcome)
    first, second = (opened.page.locator(f"[id='s-{LIVE}%2F{number}']") for number in (0, 1))
    for scenario in (first, second):
        scenario.locator("summary").first.click()
    assert "Catches 1 planted bug, as of 20 November 2026, 10:00 UTC:\nA <b>lost</b> update" in first.inner_text()
    assert "Let through, though it should have caught:\nA doubled one" in second.inner_text()


def test_containers_are_held_against_earlier_runs_and_limits(browser: "Browser", tmp_path: Path) -> None:
    for start_s in (0.5, 1.5, 0.75):
        outcome = ledger(tmp_path, plan_of([LIVE]))
        file = outcome.path / "containers.jsonl"
        rows = [
            json.loads(line) | {"ready_s": start_s + 2, "waited_s": 2.0}
            for line in file.read_text(encoding="utf-8").splitlines()
        ]
        file.write_text("".join(json.dumps(row | {"began": "2026-11-24T18:00:00Z"}) + "\n" for row in rows))
        time.sleep(1.01)  # a run id is a time, to the second
    page = shown(browser, outcome).page
    page.evaluate("document.querySelectorAll('#engineers details').forEach(one => { one.open = true; })")
    cells = page.locator(".containers tbody tr").first.locator("td").all_inner_texts()
    assert cells[2].split() == ["0.75", "s", "earlier", "median,", "slowest:", "1.0", "s,", "1.5", "s"]
    assert cells[4] == "9 MB of 256 MB"
    lane = page.locator("#engineers tbody").first.locator("td").all_inner_texts()
    assert lane[1:3] == ["2.0 s", "2.8 s"], "it waited 2 s for memory, and was ready 2.75 s after its beginning"


@pytest.mark.parametrize(("days", "told"), [(0, None), (3, "This run is 3 days old.")])
def test_an_old_run_says_so(browser: "Browser", tmp_path: Path, days: int, told: str | None) -> None:
    began = (datetime.now(UTC) - timedelta(days=days, hours=1)).isoformat()
    opened = shown(browser, ledger(tmp_path, plan_of([LIVE], began=began)))
    assert opened.page.locator("#old").is_visible() == (told is not None)
    assert told is None or told in opened.text("#old")


def test_without_scripts_the_date_stands_alone(browser: "Browser", tmp_path: Path) -> None:
    opened = shown(browser, ledger(tmp_path, plan_of([LIVE], began="2026-01-02T03:04:05Z")), java_script_enabled=False)
    assert opened.text(".top time") == "2 January 2026, 03:04 UTC"
    assert "It began on 2 January 2026, 03:04 UTC" in opened.text(".notices")


def test_the_keyboard_reaches_and_opens_the_details(browser: "Browser", tmp_path: Path) -> None:
    page = shown(browser, ledger(tmp_path, plan_of([LIVE], scenarios=2))).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(30):
        if page.evaluate("document.activeElement.matches('.scenarios summary')"):
            break
        page.keyboard.press("Tab")
    assert not page.locator(".scenarios details[open]").count()
    page.keyboard.press("Enter")
    assert page.locator(".scenarios details[open] .body").is_visible()
    assert page.locator("details.tags code").first.is_hidden(), "tags are hidden until asked for"


@pytest.fixture
def varied(tmp_path: Path) -> Outcome:
    """A run with every kind of verdict and every kind of part in its page."""
    special = {
        f"{LIVE}/0": ("failed", REASON),
        f"{PAYMENTS}/0": ("unknown", "redis died (exit code 1)"),
        f"{CACHE}/1": ("unknown", "interrupted by Ctrl-C before it began"),
    }
    plan = plan_of([LIVE, PAYMENTS, CACHE])
    plan["scenarios"] = plan["scenarios"][:-1]
    ledger(tmp_path, plan_of([LIVE, PAYMENTS, CACHE]))
    return ledger(tmp_path, plan, but(special))  # type: ignore[arg-type]


# Every text against what lies behind it, by WCAG 2.2's contrast ratio (section 1.4.3): 4.5, or 3 where it is large.
CONTRAST = """() => {
  const parsed = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parsed(getComputedStyle(e).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.querySelectorAll("body *:not(script):not(style):not(svg *)")) {
    const own = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !element.checkVisibility()) continue;
    const style = getComputedStyle(element), size = parseFloat(style.fontSize);
    const [dark, bright] = [light(parsed(style.color)), light(behind(element))].sort((a, b) => a - b);
    const ratio = (bright + 0.05) / (dark + 0.05);
    const large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
    if (ratio < (large ? 3 : 4.5)) faint.push(`${element.tagName}.${element.className} ${ratio.toFixed(2)}`);
  }
  return faint;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_enough_contrast(browser: "Browser", varied: Outcome, scheme: str) -> None:
    page = shown(browser, varied, color_scheme=scheme).page
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert page.evaluate(CONTRAST) == []


def test_a_phone_never_scrolls_sideways(browser: "Browser", varied: Outcome) -> None:
    page = shown(browser, varied, **PHONE).page
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_screen_reader_finds_its_way(browser: "Browser", varied: Outcome) -> None:
    page = shown(browser, varied).page
    assert [page.locator(one).count() for one in ("main", "body > header", "footer", "h1")] == [1, 1, 1, 1]
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map(one => Number(one.tagName[1]))")
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels
    assert page.locator("th:not([scope])").count() == 0
    assert page.locator("svg:not([aria-hidden]):not([role=img][aria-label])").count() == 0
    assert page.evaluate("document.querySelector('.revenue svg').getAttribute('aria-label')") == (
        "Monthly revenue: $0 verified, $100K exposed, $1,350K not verified, of $1,450K"
    )
    doubled = "ids => ids.filter((id, place) => ids.indexOf(id) !== place)"
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
    assert page.evaluate(doubled, ids) == []


def test_on_paper_every_verdict_and_every_finding_is_there(browser: "Browser", varied: Outcome) -> None:
    page = shown(browser, varied).page
    page.emulate_media(media="print")
    assert page.locator(".scenarios .mark").count() == page.locator(".scenarios .mark:visible").count() > 0
    assert page.locator(".finding").first.is_visible()
    assert len(page.pdf(format="A4")) > 10_000
