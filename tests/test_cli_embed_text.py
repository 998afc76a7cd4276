"""The command embed_text: training, looking, and what it answers to nonsense."""

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
from helpers import ROOT, run_python
from tiny import command, environment, timeless

from gpunet.cli import main
from gpunet.storage import RunFolder, read_tensors, verify
from gpunet.text import draws, skipgram, tasks
from gpunet.text.formats import load_vectors
from gpunet.text.tasks import defaults

SKIPGRAM = ("--dim", "6", "--negatives", "2", "--min-count", "1", "--engine", "loop")
SKIPGRAM += ("--sample", "0", "--batch-size", "16")  # eight words, all frequent
LM = ("--model", "lm", "--dim", "6", "--hidden", "8", "--words", "14", "--context", "2")
MODELS = {"skipgram": (*SKIPGRAM, "--epochs", "4"), "lm": (*LM, "--epochs", "3")}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Write 500 lines in which words of two kinds follow each other."""
    rng = np.random.Generator(np.random.PCG64(0))
    names = np.array(["king", "queen", "duke", "lord", "dog", "cat", "cow", "hen"])
    rows = rng.integers(0, 4, (500, 8)) + 4 * rng.integers(0, 2, (500, 1))
    path = tmp_path_factory.mktemp("corpus") / "text.txt"
    path.write_text("\n".join(" ".join(names[row]) for row in rows))
    return path


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(*words):
    return main(["embed_text", *map(str, words)])


def learn(corpus, out, model="skipgram", *more):
    words = ("--corpus", corpus, "--out", out, "--device", "cpu", "--quiet")
    return run("train", *MODELS[model], *words, *more)


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


@pytest.fixture(scope="module")
def model(corpus, tmp_path_factory):
    out = tmp_path_factory.mktemp("model") / "run"
    assert learn(corpus, out, "lm") == 0
    return out


def told(capsys):
    """Return the one line of an error."""
    lines = [x for x in capsys.readouterr().err.splitlines() if "gpunet: error" in x]
    assert len(lines) == 1 and len(lines[0]) <= 500
    return lines[0]


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


# ------------------------------------------------------------------------ training


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
    assert found == [word for word, _ in ours.neighbours("king", 3)]


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


# ------------------------------------------------------------- interruption, resume


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


# -------------------------------------------------------------------------- looking


def test_neighbours_are_words_of_the_same_kind(vectors, capsys):
    assert run("neighbours", "king", "COW", "-n", 3, "--from", vectors, "--json") == 0
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
    assert run("neighbours", "king") == 0
    where = os.path.join("runs", "a", "vectors.safetensors")
    assert capsys.readouterr().err == f"from {where}\n"


def test_default_folder_is_named_after_the_model_and_the_time(corpus, tmp_path):
    words = ("--corpus", corpus, "--device", "cpu", "--quiet")
    assert run("train", *MODELS["skipgram"], *words) == 0
    (found,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch(r"skipgram-\d{8}-\d{6}", found.name)


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


# ----------------------------------------------------------------------- bad input


BAD_TEXTS = {
    "empty": (b"", "holds no words"),
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
        (("train", "--model", "lm", "--words", "60000"), 2, "n_words: expected"),
        (("train", "--corpus", "absent"), 3, "absent: No such file"),
        (("train", "--corpus", "."), 3, "is a folder"),
        (("train", "--resume", "auto"), 2, "name the run folder with --out"),
        (("train", "--resume", "absent"), 2, "absent: is not a run folder"),
        (("train", "--resume", ".", "--out", "x"), 2, "continues in its own folder"),
        (("neighbours",), 2, "required: WORD"),
        (("neighbours", "king"), 2, "holds no vectors.safetensors of a text"),
        (("neighbours", "king", "--from", "absent"), 4, "No such file"),
        (("neighbours", "king", "-n", "0"), 2, "at least 1"),
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
        (("neighbours", "quen", "--from", vectors), 3, "did you mean 'queen'"),
        (("analogy", "king", "dug", "hen", "--from", vectors), 3, "did you mean 'd"),
        (("map", "king", "hem", "--from", vectors), 3, "did you mean 'hen'"),
        (("generate", "kings", "--from", model), 3, "did you mean 'king'"),
        (("map", "king", "--from", vectors), 2, "two or more different words, got 1"),
        (("map", "--skip", 99, "--from", vectors), 2, "different words, got 0"),
        (("neighbours", "king", "--from", "no.txt"), 4, "is no vectors file"),
        (("neighbours", "king", "--from", "bad.txt"), 4, "2:3: b'x' is no finite"),
        (("generate", "--from", vectors), 4, "model.safetensors: No such file"),
        (("generate", "--from", vectors / "vectors.safetensors"), 4, "network"),
        (("evaluate", "--similarity", "pairs", "--from", vectors), 3, "1:1: expected"),
        (("evaluate", "--analogies", "absent", "--from", vectors), 3, "absent"),
    ):
        assert run(*words) == code, words
        assert why in told(capsys), words


def test_too_many_negatives_are_refused(corpus, capsys):
    words = ("--negatives", 8, "--corpus", corpus, "--min-count", 1)
    assert run("train", *words, "--out", "r", "--device", "cpu") == 2
    assert "expected fewer than the 8 words of the vocabulary, got 8" in told(capsys)


def test_unwritable_folder_ends_with_8(corpus, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert learn(corpus, tmp_path / "file") == 8
    told(capsys)


# ---------------------------------------------------------------------------- help


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
    done = command("embed_text", "neighbours", "king", "--from", "absent")
    assert done.returncode == 4 and done.stderr.startswith("gpunet: error: vectors:")
    done = command("embed_text", "--help")
    assert done.returncode == 0 and "usage: python scripts/embed_text.py" in done.stdout


def test_best_epoch_of_the_language_model_is_kept(corpus, tmp_path):
    (tmp_path / "short").write_text("\n".join(corpus.read_text().splitlines()[:40]))
    more = ("--epochs", 30, "--lr", 0.1, "--batch-size", 8)
    assert learn(tmp_path / "short", tmp_path / "r", "lm", *more) == 0
    losses = [r["val_loss"] for r in timeless(tmp_path / "r" / "history.jsonl")]
    assert min(losses) < losses[-1]
    best, _ = read_tensors(tmp_path / "r" / "best.safetensors")
    final, _ = read_tensors(tmp_path / "r" / "model.safetensors")
    assert all(np.array_equal(best[name], final[name]) for name in final)
