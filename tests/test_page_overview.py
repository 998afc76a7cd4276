"""What the page says first, and the curves."""

import json
import re

import pytest
from page_documents import document_of_run, run_of

import gpunet
from gpunet.page import open_source, page_document
from gpunet.runs.config import check_config

REPEAT = "gpunet train --config config.json"


def test_overview_says_what_a_run_was():
    overview = page_document(open_source(run_of("digits")))["overview"]
    assert overview["about"] == "784-16-16-10 relu, 13,002 parameters"
    results = dict(overview["results"])
    assert results["parameters"] == "13,002" and results["epochs"] == "2"
    assert re.fullmatch(r"\d\d\.\d\d%", results["test accuracy"])
    assert overview["problems"]
    assert check_config(overview["config"])["sizes"] == [784, 16, 16, 10]
    tables = {table["title"]: table["rows"] for table in overview["tables"]}
    assert ["batch size", "512"] in tables["Settings"]
    assert ["gpunet", gpunet.__version__] in tables["Trained with"]
    assert [0, "Dense(784, 16)", "16", 12560] in tables["Layers"]
    assert len(tables["All settings"]) > len(tables["Settings"]) + 20


def test_overview_of_many_seeds_has_mean_and_spread_and_shows_the_best():
    source = open_source(run_of("seeds"))
    results = dict(page_document(source)["overview"]["results"])
    assert re.fullmatch(r"\d\d\.\d\d% ± \d\.\d\d%", results["test accuracy"])
    assert results["members"] == "4"
    assert page_document(source)["history"]["loss"][-1] == pytest.approx(
        source.run.history["loss"][-1][source.member]
    )
    rows = source.run.result["members"]
    assert rows[source.member]["val_accuracy"] == max(r["val_accuracy"] for r in rows)


def test_overview_tells_what_is_wrong():
    source = open_source(run_of("digits"))
    source.run.result["better_than_baseline"] = False
    source.run.result["frozen"] = {"2": "diverged at epoch 1: loss is not finite"}
    problems = page_document(source)["overview"]["problems"]
    assert problems[0] == "not better than always answering 1"
    assert problems[1].startswith("member 2: diverged")


def test_overview_and_curves_in_the_browser(open_page):
    document = page_document(open_source(run_of("digits")))
    page = open_page(document, place="#overview")
    assert page.locator("#panel-overview").is_visible()
    assert "13,002" in page.locator(".results").inner_text()
    assert page.locator(".diagram circle").count() >= 16 + 16 + 16 + 10
    assert REPEAT in page.locator("pre").inner_text()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save config.json").click()
    saved = json.loads(download.value.path().read_text())
    assert saved == document["overview"]["config"]

    page.get_by_role("tab", selected=True).focus()
    while page.locator("#panel-curves").is_hidden():
        page.keyboard.press("ArrowRight")
    assert page.url.endswith("#curves")
    figure = page.locator("#panel-curves figure").first
    first, last = document["history"]["loss"]
    text = figure.locator("> p").inner_text()
    assert f"fell from {first:.4g} to {last:.4g}; best {last:.4g} at epoch 2." in text
    figure.get_by_role("button").click()
    cells = figure.locator(".scroll tbody tr").nth(1).locator("td")
    assert cells.first.inner_text() == "2"
    assert float(cells.nth(1).inner_text()) == pytest.approx(last, rel=1e-3)
    assert figure.locator("canvas").bounding_box()["width"] > 200


def test_theme_follows_the_system_until_the_button_is_pressed(open_page):
    page = open_page({"title": "a", "overview": {}}, theme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_role("button", name="Light theme").click()
    assert page.evaluate(ground) != dark
    page.get_by_role("button", name="Dark theme").click()
    assert page.evaluate(ground) == dark


@pytest.mark.parametrize(
    ("name", "place", "tab"),
    [
        ("digits", "", "Draw"),
        ("seeds", "", "Members"),
        ("prices", "", "Overview"),
        ("digits", "#curves", "Curves"),
        ("digits", "#%", "Draw"),  # an address that no browser can decode
        ("digits", "#nothing", "Draw"),
    ],
)
def test_page_opens_with_what_can_be_tried(open_page, name, place, tab):
    page = open_page(document_of_run(name), place=place)
    assert page.get_by_role("tab", selected=True).inner_text() == tab


def test_names_of_results_and_layers_are_words(open_page):
    document = page_document(open_source(run_of("prices")))
    assert document["overview"]["results"][0][0] == "R²"
    page = open_page(document)
    assert page.locator(".diagram").inner_html().count("1 output<") == 1
