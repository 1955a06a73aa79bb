"""The page in a real Chromium: it asks for nothing, runs nothing, fits any width, and can be read in light and dark."""

from __future__ import annotations

import os
import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bounceclass.summary.compiling import compile_summary
from bounceclass.summary.contents import Quarantined
from bounceclass.summary.html import page, put
from bounceclass.summary.wording import Wording
from tests.summary.browser import Browser
from tests.summary.conftest import NOW, SINCE, record_sent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounceclass.assembly import Parts
    from bounceclass.config import Configuration

# Every text against what is really behind it; WCAG 2.2, 1.4.3: at least 4.5 to 1.
CONTRAST = """
(() => {
  const part = (c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const behind = (node) => { for (; node; node = node.parentElement) { const c = rgb(getComputedStyle(node).backgroundColor); if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  const poor = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || node.closest("svg")) continue;
    const [a, b] = [light(rgb(getComputedStyle(node).color)), light(behind(node))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.push(walk.currentNode.data);
  }
  return poor;
})()
"""
WIDER = """
[...document.querySelectorAll('body *')]
  .filter((one) => !one.closest('.unseen') && one.getBoundingClientRect().right > innerWidth + 0.5)
  .map((one) => one.outerHTML.slice(0, 200))
"""
OUTLINE = "[...document.querySelectorAll('h1, h2, h3')].map((one) => Number(one.tagName[1]))"
UNNAMED = """
[...document.querySelectorAll('table')].filter((one) => !one.caption?.textContent).length
+ [...document.querySelectorAll('svg:not([aria-hidden])')].filter((one) => !one.getAttribute('aria-label')).length
+ [...document.querySelectorAll('section')].filter((one) => !document.getElementById(one.getAttribute('aria-labelledby'))).length
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    found = Browser(tmp_path_factory.mktemp("chromium"))
    yield found
    found.close()


@pytest.fixture
def written(filled: Parts, settings: Configuration, tmp_path: Path) -> dict[str, Path]:
    """The page of the story, in each language."""
    record_sent(filled, 2000, SINCE)
    stuck = Quarantined(source="maildir:/var/mail/" + "b" * 90, count=2, oldest=SINCE, why="attempted 3 times: <b>RecursionError</b>")
    found = compile_summary(filled.store, settings, SINCE, NOW, [stuck])
    paths = {language: tmp_path / f"{language}.html" for language in ("en", "ko")}
    for language, path in paths.items():
        put(path, page(found, Wording(language)))
    return paths


def look(browser: Browser, name: str) -> None:
    """Keep a picture for who looks at the page: BOUNCECLASS_PICTURES names the folder."""
    if folder := os.environ.get("BOUNCECLASS_PICTURES"):
        browser.picture(Path(folder) / f"{name}.png")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1440])
def test_the_page_fits_asks_for_nothing_complains_of_nothing_and_can_be_read(browser: Browser, written: dict[str, Path], width: int, dark: bool) -> None:  # noqa: FBT001  a row of the table
    for language, path in written.items():
        browser.open(path, width, dark=dark)
        look(browser, f"{language}-{width}-{'dark' if dark else 'light'}")
        assert (browser.requests(), browser.complaints()) == ([path.as_uri()], [])
        assert (browser.tell("document.documentElement.scrollWidth"), browser.tell(WIDER)) == (width, [])
        assert browser.tell(CONTRAST) == []
        assert (browser.tell(UNNAMED), browser.tell("document.documentElement.lang")) == (0, language)


def test_headings_are_an_outline_and_no_link_leads_where_a_reply_says(browser: Browser, written: dict[str, Path]) -> None:
    browser.open(written["en"], 1440)
    outline = browser.tell(OUTLINE)
    assert outline[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(outline))
    links = browser.tell("[...document.querySelectorAll('a[href]')].map((one) => one.getAttribute('href')).filter((one) => !one.startsWith('#'))")
    assert links == ["https://postmaster.yahooinc.com/error-codes", "https://check.spamhaus.org/", "https://support.google.com/mail/answer/81126"]
    targets = browser.tell("[...document.querySelectorAll('a[href^=\"#\"]')].filter((one) => !document.querySelector(one.getAttribute('href'))).length")
    assert targets == 0


def test_what_others_wrote_is_text(browser: Browser, written: dict[str, Path]) -> None:
    browser.open(written["en"], 1440)
    assert browser.tell("document.querySelectorAll('script, img, iframe, b:not(.kinds b), [onerror], [style]').length") == 0
    assert "550 5.7.1 <script>alert(1)</script> \\x1b]0;owned\\x07 \\u202egnihsihp\\u202c" in browser.tell("document.body.innerText")
    raw = written["en"].read_text(encoding="utf-8")
    assert re.findall("[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e]", raw) == []


def test_a_page_that_does_ask_and_complain_is_noticed(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "bad.html"
    path.write_text("<!doctype html><body><img src='http://127.0.0.1:9/x'><script>console.log('seen')</script><div style='width:900px;color:#888;background:#777'>x</div>")
    browser.open(path, 768)
    assert browser.requests() == [path.as_uri(), "http://127.0.0.1:9/x"]
    assert any("seen" in one for one in browser.complaints())
    assert (len(browser.tell(WIDER)), browser.tell(CONTRAST)) == (1, ["x"])


def test_a_page_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    put(path, "one")
    with pytest.raises(UnicodeEncodeError):
        put(path, "two\ud800")
    assert ([one.name for one in tmp_path.iterdir()], path.read_text()) == (["page.html"], "one")
