"""The page's file: one document, closed to the world, with nothing that can be run."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from page_documents import HOSTILE as HOSTILE_NAME
from page_documents import TABS, document_of_run

import gpunet.page
from gpunet.page import page_html
from gpunet.page.compact import compact

STATIC = Path(gpunet.page.__file__).with_name("static")
SCRIPTS = sorted(STATIC.rglob("*.js"))
EMPTY = {"title": "nothing", "overview": {}}
HOSTILE = "</script><img src=x onerror=alert(1)>\u2028\\ \u202egnp"


def test_vendored_files_are_those_of_their_version():
    about = json.loads((STATIC / "vendor" / "versions.json").read_text())
    for name, digest in about["sha256"].items():
        content = (STATIC / "vendor" / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest
    first = (STATIC / "vendor" / "uPlot.iife.min.js").read_text()[:80]
    assert f"(v{about['version']})" in first


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_make_no_code_and_no_markup_of_texts(path):
    if path.parent.name == "vendor":
        return
    text = path.read_text("utf-8")
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "</script"):
        assert word not in text
    assert not re.search(r"new Function|document\.write|setTimeout\([\"'`]", text)
    assert len(text.splitlines()) <= 300


def test_no_script_ends_its_element():
    page = page_html(EMPTY).decode()
    assert page.count("</script") == page.count("<script") == 2
    assert page.count("</style") == page.count("<style") == 1


def test_code_of_a_page_is_small():
    digits = EMPTY | {"history": {}, "digits": {}}
    assert len(page_html(EMPTY)) <= 30_000
    assert len(page_html(digits)) <= 120_000  # 51 kB of it are uPlot


def test_compact_scripts_keep_their_texts():
    source = """
      // why
      const a = [1, 2], b = "x = { y }";  // a line
      const c = a [0] / 2 ;
      const d = `${ a }  =  ${b}`, e = /a = b/.test(b);
      const f = `of ${
        a } , ${ b }
        // and`;
    """
    assert compact(source, ".js").splitlines() == [
        'const a=[1,2],b="x = { y }";',
        "const c=a[0]/2;",
        "const d = `${ a }  =  ${b}`, e = /a = b/.test(b);",
        "      const f = `of ${",
        "        a } , ${ b }",
        "        // and`;",
    ]
    style = "/* why */ a :focus, .b > * { margin: 0 1px; color: red }"
    assert compact(style, ".css") == "a :focus,.b > *{margin: 0 1px;color: red}"


def test_names_of_a_run_stay_texts(open_page):
    table = {"title": HOSTILE, "columns": ["", ""], "rows": [[HOSTILE, HOSTILE]]}
    document = {"title": HOSTILE, "overview": {"tables": [table]}}
    page = open_page(document)
    assert page.title() == " ".join(HOSTILE.split("\u2028")) or page.title() == HOSTILE
    assert HOSTILE.strip() in page.locator("h1").text_content()
    assert page.locator("td").all_text_contents() == [HOSTILE, HOSTILE]
    assert page.locator("img").count() == 0


def test_names_of_columns_and_categories_stay_texts(open_page):
    page = open_page(document_of_run("prices"))
    for tab in TABS["prices"]:
        page.get_by_role("tab", name=tab, exact=True).click()
        for button in page.get_by_role("button", name="Show").all():
            button.click()
        assert page.locator("img, main script").count() == 0
    page.get_by_role("tab", name="Ask").click()
    assert page.get_by_label(HOSTILE_NAME).is_visible()
    assert page.get_by_role("option", name=HOSTILE_NAME).count() == 1
