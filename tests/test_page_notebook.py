"""The page in a notebook: a frame that runs its scripts apart from the notebook."""

import html
import json
import re

import pytest
from page_documents import run_of

import gpunet
from gpunet.errors import ConfigError


def test_notebook_displays_a_page_that_answers(open_page, tmp_path):
    net = gpunet.mlp([4, 3, 2], seed=1)
    view = gpunet.show.page(net)
    frame = view._repr_html_()
    assert "allow-same-origin" not in frame
    notebook = f"<!DOCTYPE html><html data-ready><body>{frame}</body></html>"
    page = open_page(notebook.encode())
    inside = page.frame_locator("iframe")
    assert "4-3-2" in inside.locator("h1").inner_text()
    assert inside.locator(".diagram").is_visible()
    tabs = inside.get_by_role("tab")
    tabs.last.click()  # without an address to keep it in
    assert tabs.last.get_attribute("aria-selected") == "true"
    source = re.search('srcdoc="(.*)"', frame, re.DOTALL)[1]
    assert html.unescape(source).encode() == view.html
    view.save(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_bytes() == view.html
    assert repr(view).startswith(f"PageView({len(view.html):,} bytes;")


def document_of(page):
    """Return the document inside an HTML file."""
    text = page.decode().partition('id="document">')[2].partition("</script>")[0]
    return json.loads(text)


def test_notebook_page_takes_data_and_history():
    data = gpunet.load_mnist()
    net = gpunet.mlp([784, 8, 10], seed=1)
    few = data.train.take(slice(500))
    history = gpunet.fit(net, few, epochs=2, engine="loop")
    shown = document_of(gpunet.show.page(net, data, history).html)
    assert shown["history"]["loss"] == history["loss"]
    shown = document_of(gpunet.show.page(run_of("digits")).html)
    assert len(shown["history"]["loss"]) == 2
    nets = gpunet.mlp([784, 10], population=3)
    history = gpunet.fit(nets, few, epochs=2, engine="loop")
    members = document_of(gpunet.show.page(nets, history=history).html)["members"]
    assert members["metric"] == "accuracy" and members["epochs"] == [1, 2]
    for wrong in ({"data": few}, {"history": [1]}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            gpunet.show.page(net, **wrong)
