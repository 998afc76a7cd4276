"""The embed_text command: looking at vectors, writing text, and what goes wrong."""

import gzip
import json
import os
import re
import sys

import numpy as np
import pytest
from helpers import run_python
from tiny import command, timeless
from word_runs import MODELS, learn, run, told, write_corpus

from gpunet.storage import read_tensors
from gpunet.text.formats import load_vectors
from gpunet.text.tasks import defaults


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("corpus") / "text.txt")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def vectors(corpus, tmp_path_factory):
    out = tmp_path_factory.mktemp("vectors") / "run"
    assert learn(corpus, out, "skipgram", "--epochs", 30) == 0
    return out


@pytest.fixture(scope="module")
def model(corpus, tmp_path_factory):
    out = tmp_path_factory.mktemp("model") / "run"
    assert learn(corpus, out, "lm") == 0
    return out


def test_neighbors_are_words_of_the_same_kind(vectors, capsys):
    assert run("neighbors", "king", "COW", "-n", 3, "--from", vectors, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert {w for w, _ in found["king"]} == {"queen", "duke", "lord"}
    assert {w for w, _ in found["COW"]} == {"dog", "cat", "hen"}
    assert run("neighbours", "king", "--from", vectors / "vectors.txt") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "king:" and len(lines) == 8
    assert re.fullmatch(r"   0\.\d{3}  (queen|duke|lord)", lines[1])


def test_analogy_leaves_the_question_out(vectors, capsys):
    assert run("analogy", "king", "queen", "dog", "--from", vectors, "--json") == 0
    answers = [word for word, _ in json.loads(capsys.readouterr().out)]
    assert len(answers) == 5 and not {"king", "queen", "dog"} & set(answers)
    assert run("analogy", "king", "queen", "dog", "--from", vectors, "-n", 1) == 0
    assert "king is to queen as dog is to:" in capsys.readouterr().out


def test_newest_run_is_taken_and_named(corpus, tmp_path, capsys):
    for name in ("a", "b"):
        assert learn(corpus, tmp_path / "runs" / name) == 0
    os.utime(tmp_path / "runs" / "a" / "vectors.safetensors")
    capsys.readouterr()
    assert run("neighbors", "king") == 0
    where = os.path.join("runs", "a", "vectors.safetensors")
    assert capsys.readouterr().err == f"from {where}\n"


def test_map_is_a_picture_beside_the_vectors(vectors, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    assert run("map", "--skip", 0, "--from", vectors, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["path"] == str(vectors / "map.png") and len(result["points"]) == 8
    points = {word: np.array(p) for word, p in result["points"].items()}
    within = np.linalg.norm(points["king"] - points["queen"])
    assert within < np.linalg.norm(points["king"] - points["hen"]) / 2
    assert run("map", "king", "dog", "--from", vectors, "--out", "m.png") == 0
    assert (tmp_path / "m.png").read_bytes().startswith(b"\x89PNG")
    assert "m.png: 2 words: the plane holds 100% of" in capsys.readouterr().out


def test_map_without_matplotlib_says_what_to_install(vectors, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert run("map", "king", "dog", "--from", vectors, "--out", "m.png") == 2
    assert 'pip install "gpunet[plot]"' in told(capsys)


def test_generate_goes_on_with_the_start(model, capsys):
    args = ("generate", "King,", "DUKE", "-n", 30, "--from", model)
    assert run(*args) == 0
    text = capsys.readouterr().out
    assert text.startswith("king duke ") and "<unk>" not in text and "</s>" not in text
    assert text.count("\n") > 1
    assert run(*args, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["start"] == ["king", "duke"] and len(result["words"]) == 30
    words = [word for word in result["words"] if word != "</s>"]
    assert text.split() == ["king", "duke", *words]
    assert run(*args, "--seed", 1) == 0
    assert capsys.readouterr().out != text


def test_evaluate_says_what_it_skipped(vectors, tmp_path, capsys):
    (tmp_path / "p.csv").write_text("king,queen,9\nking,dog,2\ndog,cat,8\nking,x,1\n")
    (tmp_path / "q.txt").write_text(": a\nking queen dog cat\nking queen dog wolf\n")
    args = ("evaluate", "--similarity", "p.csv", "--analogies", "q.txt")
    assert run(*args, "--from", vectors) == 0
    text = capsys.readouterr().out
    assert "on 3 of 4 pairs (1 skipped: a word is unknown)" in text
    assert "1 of 2 questions (1 skipped: a word is unknown)" in text
    assert run(*args, "--from", vectors, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["similarity"]["p.csv"]["spearman"] >= 0.5
    assert result["analogies"]["q.txt"]["used"] == 1


BAD_TEXTS = {
    "empty": (b"", "contains no words"),
    "one word": (b"alone\n", "two are the least"),
    "binary": (b"\x7fELF\0\1\2", "is binary (a NUL byte at offset 4)"),
    "broken UTF-8": (b"caf\xe9 king\n" * 9, "is not UTF-8 (byte 0xe9 at offset 3)"),
    "broken gz": (gzip.compress(b"king dog " * 99)[:-9], "is a damaged gzip"),
    "lines of one word": (b"king\ndog\n" * 99, "no line has two words"),
}


@pytest.mark.parametrize("kind", BAD_TEXTS)
def test_bad_text_ends_with_3_and_one_line(tmp_path, capsys, kind):
    content, why = BAD_TEXTS[kind]
    (tmp_path / "text").write_bytes(content)
    own = ("--min-count", 1, "--negatives", 1, "--engine", "loop", "--device", "cpu")
    assert run("train", "--corpus", "text", "--out", "r", *own) == 3
    assert why in told(capsys)
    if kind not in ("broken UTF-8", "lines of one word"):
        assert run("train", "--model", "lm", "--corpus", "text", "--out", "s") == 3
        told(capsys)


def test_broken_utf8_can_be_replaced(corpus, tmp_path):
    (tmp_path / "text").write_bytes(corpus.read_bytes() + b"\ncaf\xe9 king\n")
    assert (
        learn(tmp_path / "text", tmp_path / "r", "skipgram", "--errors", "replace") == 0
    )
    words = load_vectors(tmp_path / "r" / "vectors.txt")[0].words
    assert words[-1] == "caf"


def test_window_longer_than_a_line_is_no_error(corpus, tmp_path):
    assert learn(corpus, tmp_path / "r", "skipgram", "--window", 50) == 0


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        ((), 2, "the following arguments are required: ACTION"),
        (("sing",), 2, "invalid choice: 'sing'"),
        (("train", "--dim", "0"), 2, "'0' is not a whole number of at least 1"),
        (("train", "--lr", "nan"), 2, "is not a finite number above 0"),
        (("train", "--device", "tpu"), 2, "no such device"),
        (("train", "--model", "lm", "--window", "3"), 2, "not an option of --model lm"),
        (("train", "--context", "3"), 2, "--context: is not an option of --model skip"),
        (("train", "--lr", "0.00001"), 2, "min_learning_rate"),
        (("train", "--model", "lm", "--words", "60000"), 2, "n_words: must be"),
        (("train", "--corpus", "absent"), 3, "absent: No such file"),
        (("train", "--corpus", "."), 3, "is a folder"),
        (("train", "--corpus", "-"), 2, "--corpus -: a text is read twice"),
        (("train", "--resume", "auto"), 2, "name the run folder with --out"),
        (("train", "--resume", "absent"), 2, "absent: is not a run folder"),
        (("train", "--resume", ".", "--out", "x"), 2, "continues in its own folder"),
        (("neighbors",), 2, "required: WORD"),
        (("neighbors", "king"), 2, "holds no vectors.safetensors of a text"),
        (("neighbors", "king", "--from", "absent"), 4, "No such file"),
        (("neighbors", "king", "-n", "0"), 2, "at least 1"),
        (("analogy", "a", "b"), 2, "required: C"),
        (("generate",), 2, "train --model lm"),
        (("generate", "--temperature", "-1"), 2, "of at least 0"),
        (("evaluate",), 2, "usage: evaluate: no benchmark"),
    ],
)
def test_bad_arguments_end_with_one_line_and_leave_nothing(
    tmp_path, capsys, words, code, why
):
    assert run(*words) == code
    assert why in told(capsys)
    assert list(tmp_path.iterdir()) == []


def test_bad_words_and_files_end_with_one_line(vectors, model, tmp_path, capsys):
    (tmp_path / "no.txt").write_text("king is here\n")
    (tmp_path / "bad.txt").write_text("1 2\nking 1 x\n")
    (tmp_path / "pairs").write_text("king,queen\n")
    for words, code, why in (
        (("neighbors", "quen", "--from", vectors), 3, "did you mean 'queen'"),
        (("analogy", "king", "dug", "hen", "--from", vectors), 3, "did you mean 'd"),
        (("map", "king", "hem", "--from", vectors), 3, "did you mean 'hen'"),
        (("generate", "kings", "--from", model), 3, "did you mean 'king'"),
        (("map", "king", "--from", vectors), 2, "two or more different words, got 1"),
        (("map", "--skip", 99, "--from", vectors), 2, "different words, got 0"),
        (("neighbors", "king", "--from", "no.txt"), 4, "is not a vectors file"),
        (("neighbors", "king", "--from", "bad.txt"), 4, "2:3: b'x' is not a finite"),
        (("generate", "--from", vectors), 4, "model.safetensors: No such file"),
        (("generate", "--from", vectors / "vectors.safetensors"), 4, "network"),
        (("evaluate", "--similarity", "pairs", "--from", vectors), 3, "1:1: must be"),
        (("evaluate", "--analogies", "absent", "--from", vectors), 3, "absent"),
    ):
        assert run(*words) == code, words
        assert why in told(capsys), words


def test_too_many_negatives_are_refused(corpus, capsys):
    words = ("--negatives", 8, "--corpus", corpus, "--min-count", 1)
    assert run("train", *words, "--out", "r", "--device", "cpu") == 2
    assert "must be fewer than the 8 words of the vocabulary, got 8" in told(capsys)


def test_unwritable_folder_ends_with_8(corpus, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert learn(corpus, tmp_path / "file") == 8
    told(capsys)


@pytest.mark.parametrize("words", [[], ["train"], ["map"], ["evaluate"]])
def test_help_loads_nothing_heavy(words):
    done = run_python(
        "import sys, gpunet.cli\n"
        f"assert gpunet.cli.main(['embed_text', *{words!r}, '--help']) == 0\n"
        "print([m for m in ('numpy', 'rich', 'gpunet.text') if m in sys.modules])\n"
    )
    assert done.stdout.endswith("[]\n") and done.stderr == ""


def test_help_says_the_defaults_that_count(capsys):
    assert run("train", "--help") == 0
    text = " ".join(capsys.readouterr().out.split())
    sg, lm = defaults("skipgram"), defaults("lm")
    for key in ("dim", "epochs", "learning_rate", "batch_size"):
        assert f"(default: {sg[key]}; lm {lm[key]})" in text, key
    for config, keys in (
        (sg, ("min_count", "window", "negatives")),
        (lm, ("context", "hidden", "n_words")),
    ):
        for key in keys:
            assert f"(default: {config[key]})" in text, key
    assert "(default: 0.001)" in text and sg["sample"] == 0.001
    assert "(default: 0.0001)" in text and sg["min_learning_rate"] == 0.0001


def test_script_is_the_command():
    done = command("embed_text", "neighbors", "king", "--from", "absent")
    assert done.returncode == 4 and done.stderr.startswith("gpunet: error: vectors:")
    done = command("embed_text", "--help")
    assert done.returncode == 0 and "usage: python scripts/embed_text.py" in done.stdout


def test_default_folder_is_named_after_the_model_and_the_time(corpus, tmp_path):
    words = ("--corpus", corpus, "--device", "cpu", "--quiet")
    assert run("train", *MODELS["skipgram"], *words) == 0
    (found,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch(r"skipgram-\d{8}-\d{6}", found.name)


def test_best_epoch_of_the_language_model_is_kept(corpus, tmp_path):
    (tmp_path / "short").write_text("\n".join(corpus.read_text().splitlines()[:40]))
    more = ("--epochs", 30, "--lr", 0.1, "--batch-size", 8)
    assert learn(tmp_path / "short", tmp_path / "r", "lm", *more) == 0
    losses = [r["val_loss"] for r in timeless(tmp_path / "r" / "history.jsonl")]
    assert min(losses) < losses[-1]
    best, _ = read_tensors(tmp_path / "r" / "best.safetensors")
    final, _ = read_tensors(tmp_path / "r" / "model.safetensors")
    assert all(np.array_equal(best[name], final[name]) for name in final)
