"""Pages in a real browser: Chromium, driven by Playwright.

`open_page(document)`, or of a path, HTML bytes or an address, returns Playwright's page
of it. The test fails if the page logs an error or warning, raises, or asks for anything
beyond itself. Without Playwright or Chromium the test skips, unless GPUNET_REQUIRE has
browser. GPUNET_CHROMIUM names another executable.
"""

import os
import shutil
from itertools import count

import pytest

from gpunet.page import page_html

ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update"),
    "--disable-sync",
)
REQUIRED = "browser" in os.environ.get("GPUNET_REQUIRE", "").split(",")


def executable():
    """Return the path of Chromium, or skip."""
    names = [os.environ.get("GPUNET_CHROMIUM"), "chromium", "chromium-browser"]
    names += ["google-chrome"]
    found = next(filter(None, map(shutil.which, filter(None, names))), None)
    return found or (pytest.fail if REQUIRED else pytest.skip)("there is no Chromium")


# Of a module, not of the session: while it runs, nothing else can run asyncio.
@pytest.fixture(scope="module")
def chromium():
    """Start a browser."""
    if not REQUIRED:
        pytest.importorskip("playwright", reason="playwright is not installed")
    from playwright.sync_api import sync_playwright

    path = executable()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, tmp_path):
    """Open pages, and fail the test for what goes wrong in them."""
    problems, contexts, numbers = [], [], count()

    def open_one(source, *, size=(1280, 800), theme="light", place="", **more):
        if isinstance(source, dict):
            source = page_html(source)
        if isinstance(source, bytes):
            path = tmp_path / f"page-{next(numbers)}.html"
            path.write_bytes(source)
            source = path
        url = source if isinstance(source, str) else source.absolute().as_uri()
        width, height = size
        contexts.append(
            chromium.new_context(
                viewport={"width": width, "height": height}, color_scheme=theme, **more
            )
        )
        page = contexts[-1].new_page()
        page.set_default_timeout(30_000)
        served = url.rpartition("/")[0] if url.startswith("http") else url
        page.on("request", lambda r: allowed(r.url, served) or problems.append(r.url))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda m: harmless(m) or problems.append(m.text))
        page.goto(url + place)
        ready = page.locator("html[data-ready]")
        assert ready.count() == 1, problems or page.content()
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert problems == []


def allowed(url, served):
    """Say whether a page may ask for an address: its own, or none."""
    return url.startswith((served, "data:", "blob:"))


def harmless(message):
    """Say whether a message of the console is no error or warning."""
    return message.type not in ("error", "warning")
