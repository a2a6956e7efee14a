"""Every page in a real browser: no error, playing videos, an accessibility check."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PAGES = ("", "corpus", "leaderboard", "model", "compare", "features", "audit", "try")
PATIENCE = 120_000
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
# What pages cannot mend: Streamlit's upload area has a label and the role "presentation" at once.
STREAMLITS_OWN = frozenset({("presentation-role-conflict", "stFileUploaderDropzone")})
# Drawn to the end: the script is through, and no table, chart or video is still on its way.
SETTLED = """() => {
    const all = name => [...document.querySelectorAll(name)];
    const shown = item => item.checkVisibility();
    return all('[data-test-script-state="notRunning"]').length > 0
        && !all('[data-testid="stSkeleton"]').some(shown)
        && all("video").every(video => video.readyState >= 2 || video.error)
        && all('[data-testid="stPlotlyChart"]').filter(shown).every(
            chart => chart.querySelector(".main-svg"))
        && all('[data-testid="stDataFrame"]').filter(shown).every(
            table => table.querySelector("canvas"));
}"""

# Charts without what must follow in their column: words, then numbers as a table (or a heading,
# where the table is the next thing).
BARE_CHARTS = """() => [
    ...document.querySelectorAll('[data-testid="stPlotlyChart"]')
].filter(chart => {
    const box = chart.closest('[data-testid="stElementContainer"]');
    const words = box.nextElementSibling;
    const numbers = words?.nextElementSibling;
    const table = '[data-testid="stExpander"], [data-testid="stDataFrame"], h2';
    return !words?.querySelector('[data-testid="stCaptionContainer"]')
        || !(numbers?.matches(table) || numbers?.querySelector(table));
}).length"""


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    import shutil

    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.fail("no Chromium: scripts/install_services.sh installs it")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture
def tab(browser: "Browser") -> "Iterator[Page]":
    page = browser.new_page(viewport={"width": 1300, "height": 1600})
    page.set_default_timeout(PATIENCE)
    page.faults, page.strangers = [], []  # type: ignore[attr-defined]
    page.on("request", lambda request: _asked(page, request.url))
    page.on("pageerror", lambda error: page.faults.append(str(error)))  # type: ignore[attr-defined]
    page.on("console", lambda message: _console(page, message))
    yield page
    page.close()


def _console(page: Any, message: Any) -> None:
    # Streamlit looks for its server below the page's own address before it asks at the root.
    probe = message.location.get("url", "").endswith(("/_stcore/health", "/_stcore/host-config"))
    if message.type == "error" and not probe:
        page.faults.append(message.text)


def _asked(page: Any, url: str) -> None:
    if urlsplit(url).scheme not in {"data", "blob"} and urlsplit(url).hostname != "127.0.0.1":
        page.strangers.append(url)


def _open(tab: "Page", address: str, name: str) -> None:
    tab.goto(f"{address}/{name}")
    tab.wait_for_selector("h1")
    tab.wait_for_function(SETTLED)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_and_accessible_and_asks_nobody_else(
    tab: "Page", address: str, name: str
) -> None:
    _open(tab, address, name)
    assert tab.locator("h1").count() == 1
    assert tab.locator('[data-testid="stException"]').count() == 0
    assert tab.locator('[data-testid="stAlertContentError"]').count() == 0
    assert _violations(tab) == []
    assert tab.evaluate(BARE_CHARTS) == 0
    assert tab.faults == []  # type: ignore[attr-defined]
    assert tab.strangers == []  # type: ignore[attr-defined]


def test_the_first_page_loads_neither_charts_nor_grids(tab: "Page", address: str) -> None:
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    _open(tab, address, "")
    first = tab.locator('[data-testid="stMain"] h1, [data-testid="stMain"] p').first
    assert first.inner_text() == "Overview"
    assert asked
    assert [url for url in asked if "PlotlyChart" in url or "DataFrame" in url] == []


def _violations(tab: "Page") -> list[tuple[str, str]]:
    from axe_playwright_python.sync_playwright import Axe

    return [
        (item["id"], node["html"][:300])
        for item in Axe().run(tab).response["violations"]
        for node in item["nodes"]
        if not any(
            item["id"] == rule and f'"{mark}"' in node["html"] for rule, mark in STREAMLITS_OWN
        )
    ]


def test_a_source_plays(tab: "Page", address: str) -> None:
    _open(tab, address, "corpus")
    tab.wait_for_selector("video")
    playing = tab.evaluate(
        """async () => {
            const video = document.querySelector("video");
            video.muted = true;
            await video.play();
            await new Promise(done => setTimeout(done, 500));
            return [video.videoWidth, video.currentTime, video.error];
        }"""
    )
    width, seconds, error = playing
    assert width > 0
    assert seconds > 0
    assert error is None


def test_the_navigation_leads_to_every_page(tab: "Page", address: str) -> None:
    _open(tab, address, "")
    for title in ("Corpus", "Leaderboard", "Model", "Compare", "Features", "Audit", "Try a video"):
        tab.get_by_role("link", name=title, exact=True).click()
        tab.wait_for_function(f"document.querySelector('h1')?.innerText === {title!r}")


def test_pages_read_in_the_dark(browser: "Browser", address: str) -> None:
    page = browser.new_page(color_scheme="dark")
    page.set_default_timeout(PATIENCE)
    _open(page, address, "leaderboard")
    assert _violations(page) == []
    colours = page.evaluate(
        """() => ["background-color", "color"].map(name =>
            getComputedStyle(document.querySelector('[data-testid="stApp"]'))[name])"""
    )
    background, text = (sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in colours)
    assert background < 200 < text
    page.close()


def test_an_uploaded_video_is_judged(tab: "Page", address: str, shown_project: Path) -> None:
    video = next((shown_project / "data" / "augmented_videos").glob("*_original.mp4"))
    _open(tab, address, "try")
    tab.set_input_files('input[type="file"]', str(video))
    tab.wait_for_selector("text=Probability of being fake")
    shown = tab.locator('[data-testid="stMetricValue"]').all_inner_texts()
    assert re.fullmatch(r"\d+%", shown[0])
    assert shown[1] in {"real", "fake", "undecided"}
    evidence = tab.locator(".fvc-table tbody tr")
    assert evidence.count() == 10
    assert re.match(r"(real|fake)\t?[+−]0?\d*\.\d\d", evidence.first.inner_text().replace(" ", ""))


def test_an_upload_that_is_no_video_is_said_to_be_none(
    tab: "Page", address: str, tmp_path: Path
) -> None:
    junk = tmp_path / "..%2f;rm -rf.mp4"
    junk.write_bytes(b"\x00" * 4096)
    _open(tab, address, "try")
    tab.set_input_files('input[type="file"]', str(junk))
    tab.wait_for_selector("text=This video cannot be judged")
    assert tab.faults == []  # type: ignore[attr-defined]


def test_listed_sources_have_pictures_with_words(tab: "Page", address: str) -> None:
    _open(tab, address, "corpus")
    tab.wait_for_function(
        """() => {
            const all = [...document.querySelectorAll(".fvc-pictures img")];
            return all.length === 24 && all.every(picture => picture.naturalWidth > 0);
        }"""
    )
    words = tab.locator(".fvc-pictures img").first.get_attribute("alt") or ""
    assert re.fullmatch(r"A frame of \S+, (real|fake)", words)
    assert _violations(tab) == []
    assert tab.faults == []  # type: ignore[attr-defined]
