"""Every tab for every user: axe finds nothing serious, the keyboard reaches all."""

import importlib

import pytest
from browser import REQUIRED
from page_documents import TABS, document_of_run

load = importlib.import_module if REQUIRED else pytest.importorskip
axe = load("axe_playwright_python.sync_playwright")
RULES = {"resultTypes": ["violations"]}


@pytest.mark.parametrize(
    ("theme", "size"), [("light", (1280, 900)), ("dark", (320, 640))]
)
@pytest.mark.parametrize("name", TABS)
def test_axe_finds_nothing_serious(open_page, name, theme, size):
    page = open_page(document_of_run(name), size=size, theme=theme)
    for tab in TABS[name]:
        page.get_by_role("tab", name=tab, exact=True).click()
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size[0], f"{tab} is {width} wide"
        found = axe.Axe().run(page, options=RULES).response["violations"]
        serious = [
            f"{tab}: {v['id']}: {node['html'][:200]}: {node['failureSummary'][:200]}"
            for v in found
            if v["impact"] in ("serious", "critical")
            for node in v["nodes"][:3]
        ]
        assert serious == []


@pytest.mark.parametrize("name", TABS)
def test_every_tab_is_reached_by_the_keyboard(open_page, name):
    page = open_page(document_of_run(name), place="#overview")
    page.get_by_role("tab", selected=True).focus()
    for tab in TABS[name]:
        chosen = page.get_by_role("tab", selected=True)
        assert chosen.inner_text() == tab
        panel = page.locator(f"#{chosen.get_attribute('aria-controls')}")
        assert panel.is_visible() and panel.inner_text()
        page.keyboard.press("ArrowRight")
    assert page.get_by_role("tab", selected=True).inner_text() == TABS[name][0]
