"""Every lesson in a real browser: all cells run, a slider moves the picture, nothing complains."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.notebooks.browsing import (
    QUIET,
    REQUIRED,
    SCREENSHOTS,
    Reader,
    browser_path,
    jupyterlab,
)

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        path = browser_path(playwright)
        if path is None and os.environ.get(REQUIRED):
            pytest.fail(f"{REQUIRED} is set, and there is no browser")
        if path is None:
            pytest.skip("no Chromium on this machine")
        found = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield found
        found.close()


@pytest.fixture(scope="module")
def lab(build, tmp_path_factory):
    notebooks = [build.STUDENT / f"{source.stem}.ipynb" for source in build.sources()]
    with jupyterlab(tmp_path_factory.mktemp("lab"), notebooks) as server:
        yield server


@pytest.fixture
def reader(browser, lab):
    page = browser.new_page(viewport={"width": 1400, "height": 1100})
    yield Reader(page, *lab)
    page.close()


@pytest.fixture(scope="module")
def screenshots(tmp_path_factory):
    folder = Path(os.environ.get(SCREENSHOTS) or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_lesson_lives_in_the_browser(reader, lesson, screenshots, record_property):
    reader.open(f"{lesson.stem}.ipynb")
    counts, errors = reader.run_all()
    assert errors == 0
    assert counts == list(range(1, len(counts) + 1))

    sliders = reader.sliders()
    assert sliders.count() > 0, "a lesson has sliders"
    for place in range(sliders.count()):
        cell = sliders.nth(place)
        before, after, milliseconds = reader.move(cell)
        assert before != after, "the picture follows the slider"
        record_property("milliseconds", round(milliseconds))
        cell.screenshot(path=screenshots / f"{lesson.stem}-{place}.png")
    reader.page.screenshot(path=screenshots / f"{lesson.stem}.png")

    assert reader.complaints == []
    assert reader.strangers == [], "a lesson needs no other host"
