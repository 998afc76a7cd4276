"""The words' benchmark: what it counts, and its tables with and without gensim."""

import json

import benchmarks.words as vectors_benchmark
import numpy as np
import pytest
from benchmarks import main

from gpunet.text import Vocabulary
from gpunet.text.vectors import WordVectors


@pytest.fixture
def corpus(tmp_path):
    rng = np.random.default_rng(0)
    words = [f"word{chr(97 + k)}" for k in range(20)]
    lines = [" ".join(rng.choice(words, 8)) for _ in range(80)]
    path = tmp_path / "text"
    path.write_text("\n".join(lines))
    return str(path)


@pytest.fixture
def alone(monkeypatch):
    """Run without the rival, whether it is installed or not."""
    find = vectors_benchmark.importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda n, *a: None if n == "gensim" else find(n, *a)
    )


def test_overlap_is_the_shared_part_of_the_nearest():
    W = np.random.default_rng(0).standard_normal((30, 5))
    tokens = [f"w{i}" for i in range(30)]
    vectors = WordVectors(Vocabulary(tokens, range(30, 0, -1)), W)
    near = vectors_benchmark.neighbors(vectors, ["w3", "w9"])
    cosine = W @ W[9] / np.linalg.norm(W, axis=1)
    assert near[1] == {f"w{i}" for i in np.argsort(-cosine)[1:11]}
    assert vectors_benchmark.overlap(near, near) == 1
    a, b = [{"u", "v"}, {"w", "x"}], [{"v", "z"}, {"y", "z"}]
    assert vectors_benchmark.overlap(a, b) == 0.25


def test_content_words_are_no_grammar():
    tokens = ["the", "king", "thou", "o'er", "at", "love", "wherefore", "death"]
    words = Vocabulary(tokens, range(8, 0, -1))
    assert vectors_benchmark.content_words(words) == ["king", "love", "death"]


def test_bench_words_runs_alone(alone, corpus, tmp_path, capsys):
    out = tmp_path / "out.json"
    options = ["--repeats", "1", "--seeds", "2", "--epochs", "1", "--threads", "1"]
    argv = ["bench_words", "--corpus", corpus, *options, "--json", str(out)]
    assert main(argv) == 0
    shown = capsys.readouterr().out
    assert "gpunet loop" in shown and "gpunet seeds" in shown
    assert "1 threads" in shown and "gensim seeds" not in shown
    result = json.loads(out.read_text())
    assert result["speed"]["words"] == 640
    assert result["speed"]["words_per_s"]["gpunet loop"] > 0
    assert result["quality"]["content_words"] == 20
    assert len(result["quality"]["overlap"]["gpunet seeds"]) == 1


def test_bench_words_judges_by_a_file(alone, corpus, tmp_path, capsys):
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("worda\twordb\t1\nwordc\twordd\t2\nworde\twordf\t3\nx\ty\t4\n")
    options = ["--only", "quality", "--seeds", "2", "--epochs", "1", "--threads", "1"]
    options += ["--similarity", str(pairs), "--markdown"]
    assert main(["bench_words", "--corpus", corpus, *options]) == 0
    shown = capsys.readouterr().out
    assert "| gpunet |" in shown and "3/4" in shown and "words/s" not in shown


def test_bench_words_meets_gensim(corpus, capsys):
    pytest.importorskip("gensim")
    options = ["--repeats", "1", "--seeds", "2", "--epochs", "1", "--json", "-"]
    assert main(["bench_words", "--corpus", corpus, "--threads", "1", *options]) == 0
    result = json.loads(capsys.readouterr().out)
    assert set(result["speed"]["seconds"]) >= {"gpunet loop", "gensim"}
    assert len(result["quality"]["overlap"]["gpunet and gensim"]) == 4


@pytest.mark.parametrize(
    ("options", "code", "wanted"),
    [
        (["--corpus", "absent.txt"], 3, "No such file"),
        (["--seeds", "1"], 2, "'1' is not a whole number of at least 2"),
        (["--similarity", "absent", "--only", "quality"], 3, "absent"),
        (["--only", "speed", "--repeats", "1", "--json", "/dev/null/x"], 8, "another"),
    ],
)
def test_bench_words_refuses(alone, corpus, capsys, options, code, wanted):
    base = ["bench_words", "--seeds", "2", "--epochs", "1", "--threads", "1"]
    if "--corpus" not in options:
        base += ["--corpus", corpus]
    assert main([*base, *options]) == code
    shown = capsys.readouterr().err
    assert wanted in shown and shown.count("\n") == 1
