"""`gpunet page`: where it writes, what it says, and what it refuses."""

import json
import shutil

import numpy as np
import pytest
from page_documents import run_of

import gpunet
from gpunet.cli import main
from gpunet.page import document as document_module
from gpunet.storage.tensors import write_tensors


def page(*words):
    return main(["page", *map(str, words)])


@pytest.fixture
def run(tmp_path):
    return shutil.copytree(run_of("digits"), tmp_path / "digits")


def test_page_is_written_into_the_run_folder(run, capsys):
    assert page(run) == 0
    out, err = capsys.readouterr()
    size = (run / "page.html").stat().st_size
    assert out == f"{run / 'page.html'}: {size:,} bytes\n" and err == ""
    assert size <= 220_000  # 784-16-16-10 with its mistakes and unsure digits
    assert page(run / "best.safetensors", "--json", "-o", run / "b.html") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["bytes"] == (run / "b.html").stat().st_size
    assert answer["left_out"] == ["this is its best.safetensors"]


def test_page_of_a_model_file_is_beside_it_or_on_stdout(tmp_path, capsysbinary):
    gpunet.save_network(gpunet.mlp([3, 2]), tmp_path / "small.safetensors")
    assert page(tmp_path / "small.safetensors") == 0
    written = (tmp_path / "small.html").read_bytes()
    capsysbinary.readouterr()
    assert page(tmp_path / "small.safetensors", "-o", "-") == 0
    assert capsysbinary.readouterr().out == written
    assert b"<title>small: 3-2</title>" in written


def test_page_of_an_unfinished_run_shows_its_best_network(run, capsys):
    (run / "model.safetensors").unlink()
    assert page(run) == 0
    assert "note: the run has not ended: this is its best.safetensors" in (
        capsys.readouterr().err
    )
    (run / "best.safetensors").unlink()
    assert page(run) == 0
    assert "this is its step-" in capsys.readouterr().err


def test_page_leaves_out_what_is_too_large_and_says_so(run, capsys, monkeypatch):
    monkeypatch.setattr(document_module, "_LARGEST", 60_000)
    assert page(run) == 0
    assert "bytes; a page has at most 60,000" in capsys.readouterr().err
    text = (run / "page.html").read_text()
    assert "About this page" in text and "at most 60,000" in text


def words_of(kind):
    """Return what writes the model of words of a kind."""

    def write(run):
        path = run / f"{kind}.safetensors"
        if kind == "vectors":
            write_tensors(path, {"vectors": np.zeros((2, 2))}, {"kind": kind})
        else:
            layers = [gpunet.Embedding(5, 2), gpunet.Dense(4, 5)]
            gpunet.save_network(gpunet.Network(layers, "softmax_cross_entropy"), path)
        return [path]

    return write


def broken(run):
    model = run / "model.safetensors"
    model.write_bytes(model.read_bytes()[:-5])
    return [run]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (lambda run: [run.parent / "nothing"], 4, "nothing"),
        (lambda run: [run.parent], 4, "holds no model.safetensors"),
        (broken, 4, "is cut short|asks for"),
        (words_of("language"), 4, "is a model of words"),
        (words_of("vectors"), 4, "not describe a network; name"),
        (lambda run: [run, "-o", run / "no" / "page.html"], 8, "No such file"),
        (lambda run: [run, "-o", run], 8, "is a folder"),
        (lambda run: [run, "-o", run / "model.safetensors"], 2, "is the model itself"),
        (lambda run: [run, "-o", "-", "--json"], 2, "standard output holds the page"),
        (lambda run: [run, "--member", 1], 2, "one network"),
        (lambda run: [run_of("seeds"), "--member", 9], 2, "0 to 3"),
    ],
)
def test_page_refuses_in_one_line(run, words, code, message, capsys):
    assert page(*words(run)) == code
    err = capsys.readouterr().err.strip()
    assert err.startswith("gpunet: error: ") and "\n" not in err and len(err) <= 500
    assert any(text in err for text in message.split("|")), err
    assert not (run / "page.html").exists()
