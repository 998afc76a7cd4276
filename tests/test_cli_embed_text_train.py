"""The embed_text command: training, interruption and resuming."""

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from helpers import ROOT
from tiny import environment, timeless
from word_runs import MODELS, SKIPGRAM, learn, run, told, write_corpus

from gpunet.storage import RunFolder, verify
from gpunet.text import draws, skipgram, tasks
from gpunet.text.formats import load_vectors


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("corpus") / "text.txt")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module", params=MODELS)
def whole(request, corpus, tmp_path_factory):
    """Return a model and the folder of a run that nobody interrupted."""
    out = tmp_path_factory.mktemp(request.param) / "run"
    assert learn(corpus, out, request.param) == 0
    return request.param, out


@pytest.fixture(scope="module")
def vectors(corpus, tmp_path_factory):
    out = tmp_path_factory.mktemp("vectors") / "run"
    assert learn(corpus, out, "skipgram", "--epochs", 30) == 0
    return out


def same_run(a, b):
    for name in ("vectors.txt", "vectors.safetensors", "model.safetensors"):
        assert (a / name).exists() == (b / name).exists()
        if (a / name).exists():
            assert (a / name).read_bytes() == (b / name).read_bytes(), name
    assert timeless(a / "history.jsonl") == timeless(b / "history.jsonl")
    results = [json.loads((x / "result.json").read_text()) for x in (a, b)]
    for result in results:
        result.pop("words_per_second", None)
    assert results[0] == results[1]


def test_run_folder_holds_what_it_promises(whole):
    name, out = whole
    files = {p.name for p in out.iterdir()} - {".lock"}
    own = {"model.safetensors", "best.safetensors"} if name == "lm" else set()
    assert files == own | {
        "checkpoints",
        "config.json",
        "history.jsonl",
        "result.json",
        "vectors.safetensors",
        "vectors.txt",
    }
    epochs = [r["epoch"] for r in timeless(out / "history.jsonl")]
    assert epochs == list(range(1, len(epochs) + 1)) and len(epochs) in (3, 4)
    for path in out.rglob("*.safetensors"):
        verify(path)
    found, about = load_vectors(out / "vectors.safetensors")
    assert about["config"]["model"] == name
    text, _ = load_vectors(out / "vectors.txt")
    assert text.words == found.words and np.array_equal(text.vectors, found.vectors)


def test_vectors_of_a_run_are_read_by_gensim(vectors):
    models = pytest.importorskip("gensim.models")
    path = vectors / "vectors.txt"
    theirs = models.KeyedVectors.load_word2vec_format(str(path))
    ours = load_vectors(path)[0]
    found = [word for word, _ in theirs.most_similar("king", topn=3)]
    assert found == [word for word, _ in ours.neighbors("king", 3)]


def test_same_seed_gives_the_same_files_and_another_does_not(whole, corpus, tmp_path):
    name, out = whole
    assert learn(corpus, tmp_path / "again", name) == 0
    same_run(tmp_path / "again", out)
    assert learn(corpus, tmp_path / "other", name, "--seed", 1) == 0
    a, b = (
        load_vectors(x / "vectors.txt")[0].vectors for x in (out, tmp_path / "other")
    )
    assert not np.allclose(a, b)


def test_zipped_corpus_in_two_files_is_the_same_text(whole, corpus, tmp_path):
    name, out = whole
    lines = corpus.read_text().splitlines(keepends=True)
    (tmp_path / "a.gz").write_bytes(gzip.compress("".join(lines[:99]).encode()))
    (tmp_path / "b").write_text("".join(lines[99:]))
    config = MODELS[name]
    words = ("--corpus", "a.gz", "b", "--out", "r", "--device", "cpu", "--quiet")
    assert run("train", *config, *words) == 0
    assert (tmp_path / "r" / "vectors.txt").read_bytes() == (
        out / "vectors.txt"
    ).read_bytes()


def test_another_device_learns_the_same(whole, corpus, tmp_path):
    pytest.importorskip("array_api_strict")
    name, _ = whole
    words = ("--corpus", corpus, "--out", "r", "--device", "strict:1", "--quiet")
    one = ("--epochs", 1, "--dtype", "float64")
    assert run("train", *MODELS[name], *words, *one) == 0
    assert learn(corpus, tmp_path / "cpu", name, *one) == 0
    a, b = (load_vectors(tmp_path / x / "vectors.txt")[0].vectors for x in ("r", "cpu"))
    assert np.allclose(a, b, atol=1e-6)


def test_train_says_what_it_does(corpus, tmp_path, capsys):
    words = ("--corpus", corpus, "--device", "cpu", "--out", tmp_path / "r")
    assert run("train", *MODELS["lm"], *words) == 0
    out, err = capsys.readouterr()
    assert re.search(r"held-out perplexity: \d+\.\d, bigram \d.*, unigram \d", out)
    assert "ends of lines" in out and "<unk>" in out
    assert "device: cpu" in err and "language model: " in err and "epoch 3/3" in err
    assert run("train", *MODELS["skipgram"], *words[:-1], tmp_path / "s") == 0
    out, err = capsys.readouterr()
    assert "words a second" in out and "skip-gram: 4,000 words, 8 different" in err
    assert [line[:7] for line in err.splitlines()].count("epoch 4") == 1


def test_result_as_json(corpus, tmp_path, capsys):
    for name in MODELS:
        words = ("--corpus", corpus, "--device", "cpu", "--out", tmp_path / name)
        assert run("train", *MODELS[name], *words, "--json") == 0
        result = json.loads(capsys.readouterr().out)
        assert result["model"] == name and result["folder"] == str(tmp_path / name)


@pytest.mark.usefixtures("signals_heard")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_goes_on_to_the_same_end(
    whole, corpus, tmp_path, monkeypatch, capsys, number
):
    name, out = whole
    folder = tmp_path / "run"
    calls = []

    def strike(*args, **more):
        calls.append(1)
        if len(calls) == 2:
            os.kill(os.getpid(), number)
        return true(*args, **more)

    where = (skipgram.SkipGram, "train_span")
    if name == "lm":
        where = (tasks.FolderRecorder, "on_epoch")
    true = getattr(*where)
    monkeypatch.setattr(*where, strike)
    assert learn(corpus, folder, name) == 128 + number
    line = told(capsys)
    step = RunFolder(folder).newest_checkpoint()[2]["step"]
    assert f"training: interrupted: step {step} is saved in" in line
    assert not (folder / "result.json").exists()
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    pasted = subprocess.run(
        ["sh", "-c", line.partition("resume with: ")[2]],
        env=environment([ROOT]),
        capture_output=True,
        text=True,
    )
    assert pasted.returncode == 0, pasted.stderr
    same_run(folder, out)


def test_diary_beyond_the_checkpoint_is_dropped(whole, corpus, tmp_path):
    name, _ = whole
    assert learn(corpus, tmp_path / "r", name) == 0
    diary = tmp_path / "r" / "history.jsonl"
    old = diary.read_text()
    beyond = json.loads(old.splitlines()[-1]) | {"step": 10**6}
    diary.write_text(old + json.dumps(beyond) + "\n")  # as a kill at once after it
    assert run("train", "--resume", tmp_path / "r") == 0
    assert diary.read_text() == old


@pytest.mark.usefixtures("signals_heard")
def test_mean_loss_of_an_interrupted_epoch_is_that_of_the_whole(
    corpus, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(draws, "SPAN", 700)  # words: six spans an epoch
    assert learn(corpus, tmp_path / "whole") == 0
    calls = []

    def strike(*args):
        calls.append(1)
        if len(calls) == 9:
            os.kill(os.getpid(), signal.SIGINT)
        return true(*args)

    true = skipgram.SkipGram.train_span
    monkeypatch.setattr(skipgram.SkipGram, "train_span", strike)
    assert learn(corpus, tmp_path / "r") == 130
    assert run("train", "--resume", tmp_path / "r") == 0
    same_run(tmp_path / "r", tmp_path / "whole")


def test_finished_run_resumed_stays_what_it_is(whole, corpus, tmp_path, capsys):
    name, out = whole
    assert learn(corpus, tmp_path / "r", name) == 0
    assert run("train", "--resume", tmp_path / "r") == 0
    assert "resuming from" in capsys.readouterr().err
    same_run(tmp_path / "r", out)


def test_checkpoint_that_a_kill_left_too_many_goes_on_resume(whole, corpus, tmp_path):
    name, out = whole
    assert learn(corpus, tmp_path / "r", name) == 0
    folder = RunFolder(tmp_path / "r")
    kept = sorted(folder.checkpoints.iterdir())
    _, tensors, state = folder.newest_checkpoint()
    with folder:
        folder.save_checkpoint(0, tensors, state, keep=9)
    assert run("train", "--resume", tmp_path / "r") == 0
    assert sorted(folder.checkpoints.iterdir()) == kept
    same_run(tmp_path / "r", out)


def test_resume_auto_without_a_run_starts_one(whole, corpus, tmp_path):
    name, out = whole
    assert learn(corpus, tmp_path / "r", name, "--resume", "auto") == 0
    same_run(tmp_path / "r", out)


def test_resume_with_another_setting_or_text_is_refused(corpus, tmp_path, capsys):
    out, text = tmp_path / "r", tmp_path / "text"
    text.write_text(corpus.read_text())
    assert learn(text, out) == 0
    capsys.readouterr()
    go_on = ("train", "--out", out, "--resume", "auto")
    assert run(*go_on, "--dim", 7) == 2
    assert "resume: dim: the run was started with 6, got 7" in told(capsys)
    assert run(*go_on, "--model", "lm") == 2
    assert "resume: model: the run was started with 'skipgram'" in told(capsys)
    text.write_text(corpus.read_text() + "\ndog king dog")
    assert run(*go_on) == 3
    assert "the run was started with other training data" in told(capsys)


def test_folder_of_another_run_is_refused(vectors, corpus, tmp_path, capsys):
    before = {p: p.stat().st_mtime_ns for p in vectors.rglob("*")}
    assert learn(corpus, vectors) == 2
    assert "holds a run already; choose another folder, or resume" in told(capsys)
    with RunFolder(tmp_path / "busy"):
        assert learn(corpus, tmp_path / "busy") == 9
    told(capsys)
    folder = RunFolder(tmp_path / "digits")
    with folder:
        folder.save_checkpoint(3, {"0.b": np.zeros(2)}, {"config": {"sizes": [2]}})
    assert run("train", "--resume", tmp_path / "digits") == 4
    assert "is of another kind of run" in told(capsys)
    keep = {p: t for p, t in before.items() if p.is_file() and p.name != ".lock"}
    assert {p: p.stat().st_mtime_ns for p in keep} == keep


@pytest.mark.usefixtures("signals_heard")
def test_ctrl_c_of_the_script_leaves_a_checkpoint(corpus, tmp_path):
    out = tmp_path / "run"
    words = ("train", *SKIPGRAM, "--epochs", 9999, "--corpus", corpus, "--out", out)
    words = [sys.executable, ROOT / "scripts" / "embed_text.py", *words]
    options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([*map(str, words)], env=environment(), **options)
    try:
        end = time.perf_counter() + 120
        while not list(out.glob("checkpoints/step-*")):
            assert process.poll() is None and time.perf_counter() < end
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130
    assert errors.splitlines()[-1].startswith("gpunet: error: training: interrupted")
    assert "Traceback" not in errors
    assert RunFolder(out).newest_checkpoint()[2]["step"] >= 1
