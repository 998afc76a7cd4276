"""The form in the page: raw rows in, the answers of `predict` out."""

import numpy as np
import pytest
from test_storage_export_rows import NAMES, ROWS, expected, model  # noqa: F401

import gpunet
from gpunet.cli import main
from gpunet.page import PageSource, open_source, page_document

UNSEEN = "(not seen in training)"


def opened(open_page, net, table):
    document = page_document(PageSource(net, table=table))
    return open_page(document, place="#form")


def test_rows_are_answered_as_predict_does(model, open_page, tmp_path):  # noqa: F811
    _, net, table = model
    page = opened(open_page, net, table)
    y = expected(net, table, ROWS, tmp_path)
    for row, outputs in zip(ROWS, y, strict=True):
        for name, cell in zip(NAMES, row, strict=False):
            field = page.get_by_label(name, exact=True)
            if name != NAMES[1]:
                field.fill("" if cell is None else repr(cell))
                continue
            missing, unseen = cell in (None, "", "NA"), cell in ("green", "toString")
            label = "(missing)" if missing else UNSEEN if unseen else cell
            labels = field.locator("option").all_text_contents()
            assert (label in labels) == (np.isfinite(outputs).all() or not unseen)
            if label in labels:
                field.select_option(label=label)
        if np.isnan(outputs).any() and label not in labels:
            continue
        found = page.evaluate("(row) => page.network.predict(row)", row)
        np.testing.assert_allclose(found, outputs, rtol=0, atol=2e-6)
        answer = page.locator(".answer").text_content()
        best = table.target.classes[int(np.argmax(outputs))]
        share = page.evaluate("(v) => page.percent(v, 1)", float(outputs.max()))
        assert answer == f"kind: {best} ({share})"
    assert page.locator("img").count() == 0


def test_wrong_and_empty_cells_are_said_beside_them(open_page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x = rng.normal([5.0, 100.0], [1.0, 20.0], (80, 2)).round(2)
    lines = [f"{a},{b},{3 * a + 0.01 * b:.3f}" for a, b in x]
    (tmp_path / "t.csv").write_text("\n".join(["size,speed <i>,price", *lines]))
    words = ["--data", "t.csv", "--target", "price", "--out", "run", "--quiet"]
    assert main(["train", *words, "--epochs", "20", "--engine", "loop"]) == 0
    source = open_source("run")
    page = open_page(page_document(source), place="#form")
    assert f"in training {x[:, 0].min():g}"[:14] in page.locator("form").text_content()
    answer = page.locator(".answer")
    size = page.get_by_label("size", exact=True)
    for text, why in (("abc", '"abc" is not a number'), ("", "is missing")):
        size.fill(text)
        assert why in page.locator("form").text_content()
        assert size.get_attribute("aria-invalid") == "true"
        assert answer.count() == 0
    size.fill("7.5")
    page.get_by_label("speed <i>", exact=True).fill("90")
    features = np.array([[7.5, 90.0]])
    mean, factor = source.table.input_scaling()
    z = ((features - mean) * factor).astype(source.net.dtype)
    y = source.table.target.decode(source.net.predict(z))[0, 0]
    shown = page.evaluate("page.network.predict([7.5, 90])[0]")
    assert shown == pytest.approx(y, rel=2e-6)
    assert answer.text_content() == f"price: {shown:.6g}"
    moved = page.get_by_text("size moved the answer most: at its mean, price would be")
    other = source.net.predict(z * np.array([[0, 1]], z.dtype))  # a mean is 0
    without = source.table.target.decode(other)[0, 0]
    assert float(moved.text_content().split()[-1][:-1]) == pytest.approx(without, 1e-4)
    page.get_by_role("button", name="Reset").click()
    assert size.input_value() == f"{source.table.scaling.mean[0]:.6g}"


def test_networks_without_a_table_have_no_form(open_page):
    page = open_page(page_document(PageSource(gpunet.mlp([3, 2]))))
    assert "Ask" not in page.get_by_role("tab").all_text_contents()
