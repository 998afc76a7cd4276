"""The lab's notebooks run, and print what they store."""

import json
import re
import subprocess
import sys

import pytest
from helpers import ROOT

pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
pytest.importorskip("matplotlib")
pytest.importorskip("pandas")

from notebooks import NOTEBOOKS

NUMBER = re.compile(r"-?\d+\.?\d*")
FONTS = "font cache"  # what matplotlib says when it is first used


def read(path):
    """Return a notebook and its cells of code."""
    notebook = json.loads(path.read_text("utf-8"))
    return notebook, [c for c in notebook["cells"] if c["cell_type"] == "code"]


def results(cell):
    """Return the outputs of a cell, without the progress of training."""
    return [o for o in cell["outputs"] if o["output_type"] != "display_data"]


def text(output):
    """Return what an output prints."""
    return "".join(output.get("text") or output["data"]["text/plain"])


def kind(output):
    """Return what an output is: a stream, or the types of its data."""
    return output.get("name") or sorted(output["data"])


def same(printed, stored):
    """Say whether two texts have the same words, and about the same numbers."""
    words = [NUMBER.sub("#", t).split() for t in (printed, stored)]
    numbers = [[float(n) for n in NUMBER.findall(t)] for t in (printed, stored)]
    return words[0] == words[1] and all(
        abs(a - b) <= 0.01 + 0.1 * abs(b) for a, b in zip(*numbers, strict=True)
    )


def test_there_are_four():
    assert [path.stem for path in NOTEBOOKS] == [
        *("first_network", "looking_inside", "many_seeds", "your_own_table"),
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_and_prints_what_it_stores(path, tmp_path):
    target = tmp_path / "executed.ipynb"
    words = [sys.executable, str(ROOT / "tests" / "notebooks.py"), path, target]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    notebook, cells = read(path)
    again, executed = read(target)
    assert notebook["metadata"] == again["metadata"]
    for cell, new in zip(cells, executed, strict=True):
        source = "".join(cell["source"])
        printed = [o for o in results(new) if FONTS not in str(o.get("text"))]
        assert all(o.get("name") != "stderr" for o in printed), printed
        stored = results(cell)
        assert [kind(o) for o in printed] == [kind(o) for o in stored], source
        if "varies" not in cell["metadata"].get("tags", ()):
            for a, b in zip(printed, stored, strict=True):
                assert same(text(a), text(b)), f"{source}\n{text(a)}\n{text(b)}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_small_and_has_its_outputs(path):
    content = path.read_text("utf-8")
    assert len(content) < 250_000
    assert not re.search(r"/(home|tmp|root|Users)/", content)
    notebook, cells = read(path)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert all(cell["execution_count"] == k + 1 for k, cell in enumerate(cells))
    pictures = [o for cell in cells for o in results(cell) if "image/png" in kind(o)]
    assert len(pictures) >= 2


def test_numbers_are_compared_and_words_too():
    assert same("acc 0.95 [1.   0.2]", "acc 0.96 [1. 0.2]")
    assert not same("acc 0.5", "acc 0.96") and not same("loss 0.95", "acc 0.95")
