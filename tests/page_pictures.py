"""Draws the README's pictures of the page anew: `python tests/page_pictures.py`."""

import io
import tempfile
from pathlib import Path

from browser import ARGUMENTS, executable
from page_documents import TABLES
from PIL import Image
from playwright.sync_api import sync_playwright

from gpunet.page import open_source, page_document, page_html
from gpunet.runs.network import run_config
from gpunet.runs.presets import DEFAULTS
from gpunet.runs.task import RunOptions

FOLDER = Path(__file__).parent.parent / ".github" / "pictures"
RING = {"loss": None, "target": "kind", "validation": 0.2, "batch_size": 20}
RING |= {"epochs": 60, "learning_rate": 0.01}
DIGITS = {"sizes": [784, 16, 16, 10], "epochs": 8}
RUNS = {  # tab: settings, theme, and the height of the picture
    "draw": (DIGITS, "light", 536),
    "members": (RING | {"hidden": [4], "population": 1000}, "dark", 640),
    "plane": (RING | {"hidden": [8, 8], "activation": "tanh"}, "light", 620),
}


def document_of(tab, folder):
    """Return the document of a run whose page has a tab."""
    config = DEFAULTS | RUNS[tab][0]
    if "target" in RUNS[tab][0]:
        table = Path(folder, "ring.csv")
        table.write_text("\n".join(TABLES["ring"]()), "utf-8")
        config["data"] = str(table)
    run = Path(folder, "digits" if tab == "draw" else "ring")
    run_config(config, RunOptions(run, say=lambda text: None))
    return page_document(open_source(run))


def picture(browser, tab):
    """Return a PNG of a tab, 800 pixels wide, of few colors."""
    _, theme, height = RUNS[tab]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "page.html")
        file.write_bytes(page_html(document_of(tab, folder)))
        size = {"width": 1000, "height": height * 10 // 8}
        page = browser.new_page(
            viewport=size, color_scheme=theme, reduced_motion="reduce"
        )
        page.goto(f"{file.as_uri()}#{tab}")
        page.wait_for_timeout(500)
        image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    image = image.resize((800, height), Image.Resampling.LANCZOS)
    image = image.quantize(40, kmeans=2, dither=Image.Dither.NONE)
    memory = io.BytesIO()
    image.save(memory, "PNG", optimize=True)
    return memory.getvalue()


if __name__ == "__main__":
    with sync_playwright() as playwright:
        start = playwright.chromium.launch
        browser = start(executable_path=executable(), args=ARGUMENTS)
        for tab in RUNS:
            content = picture(browser, tab)
            (FOLDER / f"page-{tab}.png").write_bytes(content)
            print(f"page-{tab}.png: {len(content):,} bytes")
